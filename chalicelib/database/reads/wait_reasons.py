"""What a run or a task waits for, as the API returns it; see `scheduler/wait_reasons.py`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chalicelib.enums import WaitingCode


@dataclass(frozen=True, slots=True)
class Holder:
    """A run or task that something else waits for.

    Attributes:
        task_id: Null for a whole run.
        map_index: Null for a whole run or all instances of a mapped task.
    """

    dag_id: str
    run_id: str
    task_id: str | None
    map_index: int | None
    state: str


@dataclass(frozen=True, slots=True)
class WaitingFor:
    """One reason why a run or task waits.

    Attributes:
        until: When the wait ends, if known.
        position: Place in the queue, counted from 1; null if there is no queue or the place is
            beyond 1000.
        holders: The first few runs or tasks that are in the way.
        holder_count: Total number of runs or tasks in the way.
        since: When what it waits for was asked for; null where nothing was.
    """

    code: WaitingCode
    message: str
    until: datetime | None = None
    position: int | None = None
    holders: tuple[Holder, ...] = ()
    holder_count: int = 0
    since: datetime | None = None
