"""Retries: whether and when a failed task runs again."""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.dag.model import Task
from chalicelib.dag.schedule.clock_changes import require_aware

MAX_DELAY_SECONDS = 7 * 86_400.0
"""The longest delay without `max_retry_delay`, in seconds."""


def retry_at(
    task: Task, try_number: int, ended_at: datetime, exit_code: int | None = None
) -> datetime | None:
    """Return when the attempt after `try_number` is due, or None if the task is not retried.

    `try_number` counts from 1; `retries` counts the attempts after the first. A task is not retried
    if `exit_code` is not one of its `retry_exit_codes`. Without an exit code (the attempt was lost,
    timed out or ended by a signal) it is retried whatever those codes are, because they only apply
    to commands that exited. `ended_at` must be aware.
    """
    require_aware(ended_at)
    codes = task.retry_exit_codes
    if try_number > task.retries or (codes and exit_code is not None and exit_code not in codes):
        return None
    return ended_at + timedelta(seconds=retry_delay(task, try_number))


def retry_delay(task: Task, try_number: int) -> float:
    """Return the seconds between the end of an attempt and the next one: `retry_delay`, multiplied
    once for each attempt after the first, and at most `max_retry_delay`."""
    longest = MAX_DELAY_SECONDS if task.max_retry_delay is None else task.max_retry_delay
    if not task.retry_exponential_backoff:
        return min(task.retry_delay, longest)
    try:
        return min(task.retry_delay * task.retry_exponential_backoff ** (try_number - 1), longest)
    except OverflowError:  # the power is beyond what a float can hold
        return longest if task.retry_delay else 0.0
