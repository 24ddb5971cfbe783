"""The language of DAG files. Pure: values in, values out, and the clock is an argument.

model          what a DAG file says, as values
states         the legal transitions of runs and task instances
graph          topological order, cycles, upstream and downstream tasks
trigger_rules  whether a task may run, decided from the states of its dependencies
constraints    the patterns of names, and the limits of a DAG file
file_patterns  which names beside the DAG file the patterns of `files` stand for
patterns       regular expressions of DAG files, matched with RE2
json_values    JSON values whose numbers keep their spelling
text           JSON values as the text that commands receive
problems       problems and warnings of a DAG file, as its author reads them
excerpts       the lines of a DAG file around a problem
version_diff   what changed between two versions of a DAG

language/      at registration: the parser, the tables of fields, every check
schedule/      fire times, cron expressions, time zones, durations
templates/     `{{ ... }}`: the engine, its filters, and quoting for shells
evaluate/      while a run goes on: params, mapped task instances, retries
shell/         reads shell scripts to find out where a value may stand

`python -m chalicelib.dag FILE...` checks DAG files.
"""
