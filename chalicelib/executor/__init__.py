"""One attempt of one task: claim it, run its command, stream its log, report.

The executor runs other people's commands, so it knows neither the database nor the DAGs: all
that it needs stands in the task message, and all that it says goes to the results queue.
"""

from chalicelib.executor.executor import Executor

__all__ = ["Executor"]
