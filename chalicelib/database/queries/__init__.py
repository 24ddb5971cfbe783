"""Named queries, one module for each table or use. Each takes the transaction of its caller.

access_tokens     named queries about who may use the API
attempts          named queries that move an attempt
backfills         named queries about backfills
clock_repair      named queries that find times which can only be from before the clock was set
dags              named queries about DAG files, DAGs and their versions
definitions       the compiled form of DAGs
housekeeping      named queries that keep the database small and tell how the program fares
mapped_instances  named queries about the copies of expanded tasks, and the row that stands for
notifications     named queries about notifications
outputs           named queries about what tasks wrote to $DAG_OUTPUT
pools             named queries about pools
run_slots         named queries about the slots of max_active_runs
runs              named queries about runs
self_tests        named queries about self-tests
skipped           named queries about what the scheduler had to leave out because handling it
stop_requests     named queries about attempts that are to be stopped
task_instances    named queries about task instances and their attempts
task_slots        named queries about the slots of tasks, those of max_active_tasks and of pools
"""
