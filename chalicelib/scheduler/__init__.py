"""The decisions: what is registered, what runs, and what becomes of it. One use case is one
transaction.

Runs come in
  registration       a file of the bucket becomes a DAG, or an import error
  clock              what time makes due: fire times, retries, sensors, time limits
  run_creation       the only place where a run is created, whoever asks for it
  backfill_progress  the runs of a backfill, created little by little
  sub_dags           tasks that start a run of another DAG

Runs go on
  dispatch           who gets a slot, and who goes first; the task messages that are sent
  free_slots         how many slots are free, and which limit keeps a task or run waiting
  slot_queues        who holds the slots of a limit, and who waits for them
  task_messages      what an executor is sent: the rendered command and its environment
  results            what executors report, a whole backlog in one transaction
  progress           what follows from a change: trigger rules, mapped instances, the end of a run
  clearing           letting tasks run again
  run_version        which version of its DAG a run goes on with
  stopping           ending what users, a limit or a timeout no longer want
  forced_end         ending what cannot be handled, with a reason
  notifications      who is notified of a success, a failure or a retry
  wait_reasons       why runs and tasks wait

The machinery
  tick               once a minute: the clock, repair, housekeeping
  repair             what the tick does for work that went silent
  clock_repair       what it does after a clock was set back
  retention          removing what is older than it needs to be
  claims             the scheduler's side of the claim
  context            the ports and settings that every use case is given
  unit_of_work       one transaction: the change, what follows from it, the commit, the messages
  outbox             the messages that leave after the commit

commands/            what users ask for
"""
