"""Whether and when a task that failed is tried again."""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.dag.model import Task
from chalicelib.dag.moments import require_aware


def retry_at(task: Task, try_number: int, ended_at: datetime) -> datetime | None:
    """When the attempt behind `try_number` (which counts from 1) is due, or None if none is left.

    `retries` counts the attempts beyond the first. `ended_at` must be aware.
    """
    require_aware(ended_at)
    if try_number > task.retries:
        return None
    return ended_at + timedelta(seconds=task.retry_delay)
