"""Processes what is due: fire times, retries, sensors to poke, timeouts. Called by the tick and by
every wake-up.

The tick runs once a minute, at no particular second. For what falls due before the next one it
schedules wake-ups: messages to the results queue, delayed until three seconds before the time. A
wake-up processes what is due within the next five seconds, and the executor waits out the rest. So
a run starts on its second, but is not created minutes before: it would hold a slot, and escape a
pause or a new version.

The question is never what is due now, but what is due and not yet created, so that a late, doubled
or missing tick changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from chalicelib.dag.model import Dag
from chalicelib.dag.schedule.fire_times import next_fire_time, previous_fire_time
from chalicelib.dag.states import RunState, TaskState
from chalicelib.database.queries import (
    dags,
    housekeeping,
    mapped_instances,
    run_history,
    run_slots,
    task_instances,
    task_slots,
)
from chalicelib.database.queries.dags import RegisteredDag
from chalicelib.database.queries.runs import NewRun
from chalicelib.enums import RunType
from chalicelib.errors import InvalidRequest
from chalicelib.scheduler import backfill_progress, forced_end, stopping
from chalicelib.scheduler.outbox import TICK_HORIZON
from chalicelib.scheduler.run_creation import create_run
from chalicelib.scheduler.unit_of_work import IMMEDIATELY, LEAD_TIME, UnitOfWork

log = logging.getLogger("orchestrator.scheduler")

MAX_RUNS = 500
"""Runs that one transaction creates: about a second on EFS. More, not fewer, because each further
transaction waits for its wake-up and for those of others."""
MAX_RETRIES = 1000
MAX_TIMEOUTS = 100
MAX_WAKES = 200
MAX_EXPANSIONS = 50
MAX_DAGS_RECHECKED = 100
MAX_WAITING = 100
"""Runs of one DAG that may wait for a slot before its missed fire times create no more."""
OUTAGE = TICK_HORIZON
"""Fire times missed by less than this were late, not missed: each still creates its run."""

_RECHECKED_UP_TO = "rechecked_up_to"
_INSTANT = timedelta(microseconds=1)


def process_due(work: UnitOfWork) -> dict[str, int]:
    """Process what is due. Returns the count of each part. Bounded: an immediate wake-up processes
    the rest."""
    parts: dict[str, Callable[[UnitOfWork], int]] = {
        "runs_timed_out": _stop_timed_out_runs,
        "runs_created": _create_scheduled_runs,
        "retries_queued": partial(_requeue_due, state=TaskState.UP_FOR_RETRY),
        "sensors_poked": partial(_requeue_due, state=TaskState.UP_FOR_RESCHEDULE),
        "tasks_expanding": _continue_expansion,
        "dags_waiting_for_run_slots": _recheck_waiting_runs,
        "dags_waiting_for_task_slots": _recheck_ready_tasks,
        "backfill_runs_created": backfill_progress.advance_all,
    }
    return {name: run_part(work, name, part) for name, part in parts.items()}


def run_part(work: UnitOfWork, name: str, part: Callable[[UnitOfWork], int]) -> int:
    """Run one part. If it raises, the other parts still run."""
    number = 0
    with work.isolate(f"the part {name!r} of what is due"):
        number = part(work)
    return number


def schedule_wakes(work: UnitOfWork) -> int:
    """Schedule wake-ups for everything that falls due before the next tick is certain to run."""
    after, until = work.now + LEAD_TIME, work.now + TICK_HORIZON
    times = dags.fire_moments(work.tx, after, until, MAX_WAKES)
    times += task_instances.retry_moments(work.tx, after, until, MAX_WAKES)
    for time in times:
        work.outbox.wake(time)
    timeouts = run_slots.timeout_moments(work.tx, work.now, until, MAX_WAKES)
    for time in timeouts:
        work.outbox.wake_after(time)
    return len(times) + len(timeouts)


def first_fire_time(work: UnitOfWork, dag_id: str, dag: Dag) -> datetime | None:
    """Return the first fire time of a new DAG, a changed schedule or an un-paused DAG: the next
    one. With `catchup` it is the first after the last one that created a run, or after
    start_date."""
    if not dag.catchup:
        return next_fire_time(dag, work.now)
    last = run_history.last_scheduled(work.tx, dag_id)
    if last is None and dag.start_date is not None:
        last = datetime.fromisoformat(dag.start_date) - _INSTANT
    earliest = work.now - timedelta(seconds=dag.catchup_window)
    return next_fire_time(dag, max(last, earliest) if last is not None else work.now)


def _create_scheduled_runs(work: UnitOfWork) -> int:
    horizon = work.now + LEAD_TIME
    created = 0
    for dag in dags.due(work.tx, horizon, MAX_RUNS):
        if created >= MAX_RUNS or work.tx.is_late():
            work.outbox.wake(work.now)
            break
        fallback = partial(_pause, work, dag.dag_id)
        with work.isolate("a DAG that is due", fallback=fallback, dag_id=dag.dag_id):
            created += _create_runs_of_dag(work, dag, horizon, MAX_RUNS - created)
    if created >= MAX_RUNS:
        work.outbox.wake(work.now)
    return created


def _pause(work: UnitOfWork, dag_id: str, reason: str) -> None:
    why = (
        f"paused because no run could be created: {reason}; upload its file again, then un-pause it"
    )
    dags.set_paused(work.tx, dag_id, True, None, work.now, why)


def _create_runs_of_dag(work: UnitOfWork, dag: RegisteredDag, horizon: datetime, limit: int) -> int:
    """Create the DAG's due runs in order, and set its next fire time to the one after the last."""
    definition = work.definition(dag.version_id)
    limit = min(limit, MAX_WAITING - run_slots.waiting_count(work.tx, dag.dag_id))
    fire_time = _first_to_create(dag, definition, work.now)
    created = 0
    while fire_time is not None and fire_time <= horizon and created < limit:
        previous = previous_fire_time(definition, fire_time)
        new = NewRun(
            run_type=RunType.SCHEDULED,
            logical_date=fire_time,
            data_interval_start=previous or fire_time,
            data_interval_end=fire_time,
            not_before=fire_time,
        )
        try:
            created += create_run(work, dag, new) is not None
        except InvalidRequest as error:
            log.error("no run created: %s", error.message, extra={"dag_id": dag.dag_id})
        fire_time = next_fire_time(definition, fire_time)
    dags.set_next_fire(work.tx, dag.dag_id, fire_time, work.now)
    if fire_time is not None and fire_time > horizon:
        work.outbox.wake(fire_time)
    return created


def _first_to_create(dag: RegisteredDag, definition: Dag, now: datetime) -> datetime | None:
    """Return the fire time to start with. After an outage that is the first missed one if the DAG
    catches up, else the latest."""
    first = dag.next_fire_at
    if first is None or first > now - OUTAGE:
        return first
    if definition.catchup:
        earliest = now - timedelta(seconds=definition.catchup_window)
        return first if first >= earliest else next_fire_time(definition, earliest)
    latest = previous_fire_time(definition, now + _INSTANT)
    return max(first, latest) if latest else first


def _requeue_due(work: UnitOfWork, state: TaskState) -> int:
    due = task_instances.due(work.tx, state, work.now + LEAD_TIME, MAX_RETRIES)
    for task in due:
        fallback = partial(forced_end.fail_task, work, task)
        with work.isolate("an attempt that is due", fallback=fallback, **task.attempt.ids()):
            task_instances.make_ready(work.tx, task.key)
            work.dags_to_dispatch.add(task.attempt.dag_id)
    if len(due) >= MAX_RETRIES:
        work.outbox.wake(work.now)
    return len(due)


def _stop_timed_out_runs(work: UnitOfWork) -> int:
    late = run_slots.timed_out(work.tx, work.now, MAX_TIMEOUTS)
    for run in late:
        fallback = partial(forced_end.fail_run, work, run)
        ids = {"fallback": fallback, "patience": IMMEDIATELY, **run.ids()}
        with work.isolate("a run that took too long", **ids):
            limit = work.definition(run.version_id).dagrun_timeout
            reason = f"took longer than dagrun_timeout ({limit:g} s)"
            stopping.stop_run(work, run, RunState.FAILED, reason)
    return len(late)


def _recheck_waiting_runs(work: UnitOfWork) -> int:
    """Recheck runs that wait although a slot is free: their time had not come when it became free,
    the clock was set back since, or they could not be admitted."""
    dag_ids = run_slots.dags_to_admit(work.tx, work.now + LEAD_TIME, MAX_DAGS_RECHECKED)
    work.dags_to_admit.update(dag_ids)
    return len(dag_ids)


def _recheck_ready_tasks(work: UnitOfWork) -> int:
    """Recheck tasks that wait for a slot: one transaction may dispatch only so many."""
    after = housekeeping.stored_text(work.tx, _RECHECKED_UP_TO)
    ready = task_slots.dags_with_ready_tasks(work.tx, after, MAX_DAGS_RECHECKED)
    work.dags_to_dispatch.update(ready)
    # Round robin if there are more, because limits may hold back all of these.
    up_to = ready[-1] if len(ready) >= MAX_DAGS_RECHECKED else ""
    if up_to != after:
        housekeeping.set_text(work.tx, _RECHECKED_UP_TO, up_to)
    return len(ready)


def _continue_expansion(work: UnitOfWork) -> int:
    expanding = mapped_instances.half_expanded(work.tx, MAX_EXPANSIONS)
    for unmapped in expanding:
        work.mark_changed(unmapped.attempt.run_id)
    return len(expanding)
