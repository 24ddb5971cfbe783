"""Installs the orchestrator on AWS, shows its state and its price, and removes it.

`python -m infra --help` lists the commands. Nothing here is shipped to Lambda, and nothing here is
imported by the program itself.
"""
