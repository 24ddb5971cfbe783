"""Handlers, one function for each route: from a checked `Call` to the value of the response.

A handler runs one command or one short read. It raises the errors of `chalicelib.errors`; HTTP is
not its business.

artifacts         artifacts of runs: lists, download links, previews
backfills         backfills
bulk_runs         commands for many runs
clearing          the response of every route that clears task instances
dag_files         files beside DAG files: lists, and the beginning of one
dag_history       the past of one DAG: grid, calendar, durations
dag_sources       DAG files in the dags bucket: reading and saving them, for editors
dags              DAGs
list_pages        list responses, made from the pages that database reads return
metrics           metrics, for Prometheus
not_found         404: errors that say where to find the ids that exist
operations        health, ticks, import errors, warnings, audit, notifications, session
overview          what the first view shows, and whether anything has changed
pools             pools
read_transaction  the read transaction of a handler
run_logs          all logs of a run
runs              runs
task_instances    task instances, their attempts and logs
tokens            access tokens: who may use the API
validation        checking a DAG file without registering it; the JSON Schema and keys of DAG files
wait_reasons      adds to runs and task instances what they wait for
workers           workers, and the backlog of their queues
"""
