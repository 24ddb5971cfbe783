"""A worker: a process on any machine that runs the tasks of one queue.

`python -m chalicelib.worker --queue NAME` needs this package, boto3, and credentials for its queue,
the results queue, the claims and the logs of its attempts. It knows neither the database nor the
DAGs; like `execute` on Lambda, it runs an `executor`.

command_line   reads the arguments and the settings
held_messages  keeps the messages in hand hidden from other workers
signals        tells a first signal, to end, from a second one, to hurry
worker         receives messages, runs several at once, and ends
"""
