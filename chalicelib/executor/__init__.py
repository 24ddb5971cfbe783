"""One attempt of one task: claim it, run its command, stream its log, report.

The executor runs other people's commands, so it knows neither the database nor the DAGs: all
that it needs stands in the task message, and all that it says goes to the results queue.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chalicelib.executor.executor import Executor

__all__ = ["Executor"]


def __getattr__(name: str) -> Any:
    # Imported late: at a cold start `sandbox` is needed before all the rest, and may begin it anew.
    if name != "Executor":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from chalicelib.executor.executor import Executor

    return Executor
