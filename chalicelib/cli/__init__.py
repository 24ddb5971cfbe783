"""The command line, `orchestrator`. Never imported on Lambda.

main          runs one command: its exit code, and one line for whatever a user can get wrong
verbs         the table of verbs, and the group that loads a verb's module when it is used
failure       an error as one line with an exit code, and the nearest match for a misspelt word
output        tables, JSON and colours, as the terminal allows
installation  finds the installation to talk to: options, environment, profile, local cloud
profile       the profiles in the XDG config folder
client        the REST API, with a token or with signed requests
dag_paths     the DAG files that paths on the command line name
lookup        finds the DAG or the run that a word means, and completes it for the shell
change        what every verb that changes something does first: show its reach, and ask
follow        follows a run or a log until it ends
download      downloads a file from a link, and checks what came
crontab       turns a crontab into DAG files
times         times and durations as people read them

What verbs do
validation_cache  what `validate` found in files that have not changed since
dags_bucket       the dags bucket, as `push` and `rm` use it
local_run/        runs one DAG in this process
forecast/         the real scheduler on a virtual clock, for `test` and `simulate`
commands/         what each verb does, one module for each or for several alike

`--help` and `validate` are typed all day, so a module imports what its verb needs and no more: rich
where a terminal is written to, the HTTP client where an installation is asked.
"""
