"""Whether and when a task that failed is tried again."""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.dag.model import Task
from chalicelib.dag.schedule.clock_changes import require_aware

MAX_DELAY_SECONDS = 7 * 86_400.0
"""Where growing delays stop without a `max_retry_delay`, in seconds."""


def retry_at(
    task: Task, try_number: int, ended_at: datetime, exit_code: int | None = None
) -> datetime | None:
    """When the attempt behind `try_number` (which counts from 1) is due, or None if none is left or
    `exit_code` is not one of the task's `retry_exit_codes`.

    `retries` counts the attempts beyond the first. `exit_code` None (the attempt was lost, stopped
    at its time limit, or ended by a signal) is tried again whatever those codes are: they speak
    about commands that ended by themselves. `ended_at` must be aware.
    """
    require_aware(ended_at)
    codes = task.retry_exit_codes
    if try_number > task.retries or (codes and exit_code is not None and exit_code not in codes):
        return None
    return ended_at + timedelta(seconds=retry_delay(task, try_number))


def retry_delay(task: Task, try_number: int) -> float:
    """Seconds between the end of that attempt and the next: `retry_delay` times the multiplier for
    each attempt beyond the first, at most `max_retry_delay`."""
    longest = MAX_DELAY_SECONDS if task.max_retry_delay is None else task.max_retry_delay
    if not task.retry_exponential_backoff:
        return min(task.retry_delay, longest)
    try:
        return min(task.retry_delay * task.retry_exponential_backoff ** (try_number - 1), longest)
    except OverflowError:  # the power is beyond what a float can hold
        return longest if task.retry_delay else 0.0
