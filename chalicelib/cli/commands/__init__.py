"""What each verb does.

validate    checks DAG files
run         runs a DAG file to its end in this process
test        tests DAG files on a virtual clock
simulate    shows what would run when
review      says what a change to DAG files means
next_times  prints the next fire times
starters    the JSON Schema, a starter file, and the conversion of a crontab
show        shows one DAG or one run, and explains why
dags        lists DAGs
runs        lists runs and task instances
trigger     starts a run, and waits for it or follows it
logs        prints the log of a task
artifacts   lists, shows and downloads the files that tasks left
changes     changes runs and tasks: cancel, clear, retry, rerun, mark, note, ack
schedules   pauses and resumes schedules; backfills
pools       lists, sets and deletes pools
operations  import errors, ticks, the audit log, notifications, health
top         shows live what runs and what waits
files       uploads, downloads and removes DAG files
dag_files   lists and shows the files that a DAG brings along
workers     lists workers and their queues
tokens      creates, lists and revokes access tokens
stages      `python -m infra` and `python -m chalicelib.worker` under one name
profiles    profiles of installations, and the shell's completion
"""
