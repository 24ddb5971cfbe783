"""The fields of a DAG file: names, kinds, defaults, limits and help texts.

dag     the fields of the DAG itself and of a param
field   `Field`, a row of the table, and `Kind`, the type of its value
shared  the fields of `_defaults.yaml` and of a pool in it
table   all tables together, and the reference made from them
task    the fields of a task, of `default_args` and of a sensor
"""
