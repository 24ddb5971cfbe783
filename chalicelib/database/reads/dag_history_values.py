"""The past of one DAG, as reads return it. Class and field names are those of the API.

Durations are float seconds.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GridCell:
    """A task in a run, with all its mapped instances.

    Attributes:
        counts: Number of its instances by state; one instance if the task is not mapped.
        tries: The most attempts that one of them took.
        reason: Explains the state of one of them; empty if there is nothing to explain.
    """

    run_id: str
    task_id: str
    counts: dict[str, int]
    tries: int
    reason: str


@dataclass(frozen=True, slots=True)
class DayOfRuns:
    """The runs of one day in the DAG's time zone, by logical date.

    Attributes:
        date: The day, such as 2026-11-23.
        counts: Number of runs by state.
        partial: Number of runs that succeeded although a task failed.
        run_id: The latest run that failed, else the latest run.
    """

    date: str
    counts: dict[str, int]
    partial: int
    run_id: str


@dataclass(frozen=True, slots=True)
class TaskDurations:
    """How long the instances of a task took in the latest runs, and how long they were queued.

    Attributes:
        count: Number of instances that succeeded.
        failed: Number of instances that failed.
        typical: Median duration of those that succeeded; null if none did.
        longest: Longest duration of those that succeeded; null if none did.
        typical_wait: Median time from being queued to the start.
    """

    task_id: str
    count: int
    failed: int
    typical: float | None
    longest: float | None
    typical_wait: float | None
