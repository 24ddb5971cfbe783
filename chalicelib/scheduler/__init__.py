"""The decisions: what is registered, what runs, and what becomes of it. Each use case runs in one
transaction.

How runs begin
  registration       a file of the bucket becomes a DAG, or an import error
  file_events        registers what S3 reports about, once it has settled
  dag_reading        reads a DAG file, and what lies beside it
  shared_defaults    registers what the DAGs of a folder share, and pools
  file_match         the objects that the `files` of a DAG file stand for
  file_pins          the contents and the list that pin a version to its files
  file_comparison    the DAG files beside which something changed though no event came
  clock              what is due: fire times, retries, sensors, timeouts
  run_creation       the only place where a run is created, whoever asks for it
  backfill_progress  creates the runs of a backfill, a few at a time
  sub_dags           tasks that trigger a run of another DAG

How runs proceed
  dispatch           admits runs and dispatches tasks: who gets a slot, and who goes first
  free_slots         how many slots are free, and which limit keeps a task or run waiting
  slot_queues        who holds the slots of a limit, and who waits for them
  task_inputs        the artifacts that a task is given, or why one is not there
  task_messages      what an executor is sent: the rendered command and its environment
  results            what executors report, a whole backlog in one transaction
  progress           what follows from a change: trigger rules, mapped instances, the end of a run
  clearing           lets tasks run again
  run_version        which version of its DAG a run continues with
  stopping           stops what users, a limit or a timeout no longer want
  forced_end         ends what cannot be handled, with a reason
  notifications      who is notified of a success, a failure or a retry
  problem_notifications  who is notified of a broken file, a failing tick, a dead letter
  notification_text  the facts of a notification, its title and its text
  wait_reasons       why runs and tasks wait

The machinery
  context            the ports and settings that every use case is given
  unit_of_work       what one transaction changes, and what has to follow from it
  read_cache         what a transaction reads only once
  propagation        follows up the changes until nothing is left to do
  transaction        the change, what follows from it, the commit, then the messages
  outbox             the messages that leave after the commit
  claims             the scheduler's side of the claim

Once a minute
  metric_totals      adds up what has ended, for the metrics
  tick               process what is due, repair, clean up
  repair             resend lost messages, end lost attempts
  clock_repair       correct times that lie too far ahead after a clock was set back
  file_retention     remove contents of files that no version refers to
  retention          remove runs, versions and rows that are past their retention

commands/            commands issued by users
"""
