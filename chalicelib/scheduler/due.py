"""What the clock makes due: fire times and retries. Called by the tick and by every wake-up.

The tick comes once a minute, at no particular second. For what falls due before the next one it
leaves wake-ups: messages to the results queue, delayed until three seconds before the moment. A
wake-up makes what is due within the next five seconds, and the executor waits out the rest. So a
run starts on its second, but is not made (and holds no slot, and cannot escape a pause or a new
version) minutes before it begins.

Nobody asks "what is due now" but "what is due and not yet made", so that a tick that is late,
doubled or missing changes nothing.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from chalicelib.dag.model import Dag
from chalicelib.dag.schedule import next_fire_time, previous_fire_time
from chalicelib.dag.states import TaskState
from chalicelib.database import dags, task_instances
from chalicelib.database.dags import RegisteredDag
from chalicelib.database.runs import NewRun
from chalicelib.scheduler.admission import make_run
from chalicelib.scheduler.context import MAKE_AHEAD, TICK_HORIZON, Work
from chalicelib.scheduler.progress import fill_task_slots

log = logging.getLogger("orchestrator.scheduler")

MAX_RUNS = 200
MAX_RETRIES = 1000
MAX_WAKES = 200
OUTAGE = TICK_HORIZON
"""Fire times missed by less than this were late, not missed: each still makes its run."""

_INSTANT = timedelta(microseconds=1)


def make_due(work: Work) -> tuple[int, int]:
    """Make the runs and queue the retries that are due; answers how many of each. Bounded: what is
    left over is woken for at once."""
    return _make_runs(work), _queue_retries(work)


def plan_wakes(work: Work) -> int:
    """Ask to be woken for everything that falls due before the next tick is sure to come."""
    after, until = work.now + MAKE_AHEAD, work.now + TICK_HORIZON
    moments = dags.fire_moments(work.tx, after, until, MAX_WAKES)
    moments += task_instances.retry_moments(work.tx, after, until, MAX_WAKES)
    for moment in moments:
        work.outbox.wake(moment)
    return len(moments)


def _make_runs(work: Work) -> int:
    horizon = work.now + MAKE_AHEAD
    made = 0
    for dag in dags.due(work.tx, horizon, MAX_RUNS):
        if made >= MAX_RUNS:
            break
        made += _make_runs_of(work, dag, horizon, MAX_RUNS - made)
    if made >= MAX_RUNS:
        work.outbox.wake(work.now)
    return made


def _make_runs_of(work: Work, dag: RegisteredDag, horizon: datetime, limit: int) -> int:
    """Make the DAG's due runs in order and set its clock to the fire time after the last."""
    made = 0
    definition = work.definition(dag.version_id)
    moment = _first_to_make(dag, definition, work.now)
    while moment is not None and moment <= horizon and made < limit:
        before = previous_fire_time(definition, moment)
        new = NewRun(
            run_type="scheduled",
            logical_date=moment,
            data_interval_start=before or moment,
            data_interval_end=moment,
            not_before=moment,
        )
        if make_run(work, dag, new) is not None:
            made += 1
        moment = next_fire_time(definition, moment)
    dags.set_next_fire(work.tx, dag.dag_id, moment)
    work.outbox.wake(moment)
    return made


def _first_to_make(dag: RegisteredDag, definition: Dag, now: datetime) -> datetime | None:
    """After an outage only the latest missed fire time makes a run."""
    first = dag.next_fire_at
    if first is None or first > now - OUTAGE:
        return first
    latest = previous_fire_time(definition, now + _INSTANT)
    return max(first, latest) if latest else first


def _queue_retries(work: Work) -> int:
    due = task_instances.due(work.tx, TaskState.UP_FOR_RETRY, work.now + MAKE_AHEAD, MAX_RETRIES)
    for task in due:
        task_instances.move(work.tx, task.key, TaskState.SCHEDULED)
    for dag_id in {task.attempt.dag_id for task in due}:
        fill_task_slots(work, dag_id)
    if len(due) >= MAX_RETRIES:
        work.outbox.wake(work.now)
    return len(due)
