"""The real scheduler on a virtual clock: a week takes a second. For tests of DAGs, forecasts and
this program's own tests. Never imported on Lambda, and not part of the bundle.

Time
  virtual_clock        stands still until it is moved
  event_loop           what happens when: moves the clock from one event straight to the next

The outside world, in memory
  memory_bucket        a Bucket
  memory_queue         a Queue whose delays and visibility follow the virtual clock
  memory_claims        Claims, and Claims that say when somebody is asked to stop
  throwaway_database   a SQLite file that need not survive this process

The whole
  scripted_executor    answers a task message as a script says, without running a command
  system               scheduler, queues and executor, connected by the event loop
"""
