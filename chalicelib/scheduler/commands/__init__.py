"""Commands issued by users. Each runs in one transaction, is idempotent and writes an audit row.

acknowledgements  set aside failures that are known, so that new ones stand out
audit             the audit log
backfills         create, pause, resume and cancel backfills
bulk_runs         clear, retry, cancel or acknowledge many runs
dag_files         read and save the files of the dags bucket
dags              pause and un-pause DAGs
lookup            look up what a user names, with an error that helps if it does not exist
notifications     send a notification again
pools             create, change and remove pools
runs              trigger, cancel, clear, retry and annotate runs
task_instances    cancel task instances, and mark them as succeeded, failed or skipped
validation        check a DAG file without registering it
"""
