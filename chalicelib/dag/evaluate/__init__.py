"""What is worked out while a run goes on: its params, its mapped tasks, its retries. Pure.

expand   the copies of a task with `expand`
params   the params of a run
retries  whether and when a task that failed is tried again
"""
