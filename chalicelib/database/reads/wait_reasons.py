"""What a run or a task waits for, as the API returns it; see `scheduler/wait_reasons.py`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chalicelib.enums import WaitingCode


@dataclass(frozen=True, slots=True)
class Holder:
    """A run or a task that something else waits for. `task_id` and `map_index` are None for a run
    as a whole, `map_index` also for all instances of a task."""

    dag_id: str
    run_id: str
    task_id: str | None
    map_index: int | None
    state: str


@dataclass(frozen=True, slots=True)
class WaitingFor:
    """One thing that is waited for. `until` is when that is over, where it is known; `position` the
    place in the queue, counted from 1; `holders` the first few of `holder_count` that are in the
    way."""

    code: WaitingCode
    message: str
    until: datetime | None = None
    position: int | None = None
    holders: tuple[Holder, ...] = ()
    holder_count: int = 0
