"""When a DAG fires. Pure: the clock is an argument; aware moments in, aware moments in UTC out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from chalicelib.dag.model import Dag
from chalicelib.dag.schedule.clock_changes import require_aware
from chalicelib.dag.schedule.cron import EPOCH, Expression, compile_expression

_TICK = timedelta(microseconds=1)


def next_fire_time(dag: Dag, after: datetime) -> datetime | None:
    """The first fire time strictly after `after`, within `start_date` and `end_date` (both
    included); None if there is none. Costs about 0.1 ms for each expression of the schedule."""
    plan = _plan_of(dag)
    moment = require_aware(after).astimezone(UTC)
    if plan.start:
        moment = max(moment, plan.start - _TICK)
    found = [fire for each in plan.expressions if (fire := each.after(moment))]
    if not found or (plan.end and min(found) > plan.end):
        return None
    return min(found)


def previous_fire_time(dag: Dag, before: datetime) -> datetime | None:
    """The last fire time strictly before `before`, not after `end_date`; None without a schedule.

    It disregards `start_date`, so that the first run has a data interval as long as the others.
    """
    plan = _plan_of(dag)
    moment = require_aware(before).astimezone(UTC)
    if plan.end and moment > plan.end:
        moment = plan.end + _TICK
    found = [fire for each in plan.expressions if (fire := each.before(moment))]
    return max(found, default=None)


def fire_times(dag: Dag, after: datetime, count: int) -> list[datetime]:
    """The first `count` fire times strictly after `after`, or as many as there are."""
    found: list[datetime] = []
    moment: datetime | None = after
    while len(found) < count and moment and (moment := next_fire_time(dag, moment)):
        found.append(moment)
    return found


def local_date(dag: Dag, moment: datetime) -> str:
    """The calendar day of `moment` in the DAG's own zone, as YYYY-MM-DD: the variable DS."""
    return require_aware(moment).astimezone(ZoneInfo(dag.timezone)).date().isoformat()


@dataclass(frozen=True, slots=True)
class _Plan:
    expressions: tuple[Expression, ...]
    start: datetime | None
    end: datetime | None


def _plan_of(dag: Dag) -> _Plan:
    return _plan(dag.schedule, dag.timezone, dag.start_date, dag.end_date)


@lru_cache(maxsize=4096)
def _plan(schedule: tuple[str, ...], zone: str, start: str | None, end: str | None) -> _Plan:
    first, last = _moment(start), _moment(end)
    anchor = first or EPOCH
    return _Plan(tuple(compile_expression(text, zone, anchor) for text in schedule), first, last)


def _moment(text: str | None) -> datetime | None:
    return require_aware(datetime.fromisoformat(text)).astimezone(UTC) if text else None
