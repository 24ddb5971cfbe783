"""Named queries, one module for each table or use. Each takes the transaction of its caller.

access_tokens     who may use the API
acknowledgements  failures that a user has acknowledged
artifacts         files and folders that tasks left
attempts          an attempt: queued, started, heard of, ended
backfill_runs     the runs of a backfill
backfills         backfills
clock_repair      times from before the clock was set back
dags              DAG files, DAGs and their versions
definitions       the compiled form of DAGs
expired_runs      runs that have been kept long enough, and their removal
files             the files beside DAG files: who wants which, and what is stored
housekeeping      ticks, dead letters, the audit, named values, old versions
mapped_instances  the mapped instances of expanded tasks
metric_totals     what has ended, added up for the metrics
notifications     messages to users
outputs           what tasks wrote to $DAG_OUTPUT
pools             pools
run_history       the DAG's other runs: before, after and between dates
run_slots         the slots of max_active_runs
runs              runs
self_tests        tasks that test the installation
skipped           items that the scheduler skipped because handling them raised
shared_defaults     what `_defaults.yaml` files say, and the pools they define
stop_requests     attempts that must be stopped
task_instances    task instances
task_slots        the slots of max_active_tasks and of pools
triggered_runs    runs that a task triggered
workers           when each worker was last heard of
"""
