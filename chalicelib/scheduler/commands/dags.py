"""Commands about DAGs: pause and un-pause them, one by one or by tag; list fire times."""

from __future__ import annotations

from datetime import datetime

from chalicelib.dag.model import Dag
from chalicelib.dag.schedule.fire_times import fire_times
from chalicelib.database.queries import dags
from chalicelib.database.queries.dags import RegisteredDag
from chalicelib.scheduler.clock import first_fire_time
from chalicelib.scheduler.commands import lookup
from chalicelib.scheduler.commands.audit import audit
from chalicelib.scheduler.context import SchedulerContext
from chalicelib.scheduler.transaction import unit_of_work
from chalicelib.scheduler.unit_of_work import UnitOfWork

MAX_TAGGED = 1000


def set_paused(scheduler: SchedulerContext, dag_id: str, is_paused: bool, *, who: str) -> None:
    """Pause or un-pause the DAG. While it is paused, no scheduled run is created, and those that
    wait for a slot keep waiting. Raises NotFound, Conflict."""
    with unit_of_work(scheduler) as work:
        _set_paused(work, lookup.live_dag(work, dag_id), is_paused, who)


def set_paused_by_tag(
    scheduler: SchedulerContext, tag: str, is_paused: bool, *, who: str
) -> list[str]:
    """Pause or un-pause every DAG with this tag, at most 1000. Returns the dag_ids that changed."""
    with unit_of_work(scheduler) as work:
        return [
            dag_id
            for dag_id in dags.tagged(work.tx, tag, MAX_TAGGED)
            if _set_paused(work, lookup.live_dag(work, dag_id), is_paused, who)
        ]


def _set_paused(work: UnitOfWork, dag: RegisteredDag, is_paused: bool, who: str) -> bool:
    if dag.is_paused == is_paused:
        return False
    definition = work.definition(dag.version_id)
    next_fire_at = None if is_paused else first_fire_time(work, dag.dag_id, definition)
    dags.set_paused(work.tx, dag.dag_id, is_paused, next_fire_at, work.now)
    work.outbox.wake(next_fire_at)
    work.dags_to_admit.add(dag.dag_id)
    audit(work, who, "pause" if is_paused else "unpause", dag.dag_id)
    return True


def upcoming(dag: Dag, after: datetime, count: int) -> list[datetime]:
    """Return the schedule's next fire times, at most `count`, whether or not the DAG is paused."""
    return fire_times(dag, after, count)
