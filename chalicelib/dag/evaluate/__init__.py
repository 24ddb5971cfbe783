"""What is evaluated while a run goes on: params, mapped instances, retries. Pure.

expand   the items of an expanded task, one for each mapped instance
params   checks the params of a run against the DAG, and fills in defaults
retries  whether and when a failed task is retried
"""
