"""The one door through which a run comes in, whoever asks, and the slots that it waits for.

Schedulers with several doors (the clock, the API, a backfill) tend to check the limits at some of
them only. Here each maker of runs calls `make_run`, and nothing else gives out a slot than
`fill_run_slots`.
"""

from __future__ import annotations

import logging
import secrets
import string
from datetime import UTC, datetime

from chalicelib.dag.states import RunState, TaskState
from chalicelib.database import dags, runs, task_instances
from chalicelib.database.dags import RegisteredDag
from chalicelib.database.runs import NewRun, Run
from chalicelib.scheduler.context import MAKE_AHEAD, Work
from chalicelib.scheduler.progress import advance

log = logging.getLogger("orchestrator.scheduler")

_ALPHABET = string.ascii_lowercase + string.digits


def make_run(work: Work, dag: RegisteredDag, new: NewRun) -> Run | None:
    """Make the run and start it if a slot is free. None if its logical date has a run already: a
    fire time makes exactly one run, however often it is asked for."""
    run_id = new_run_id(dag.dag_id, new.logical_date)
    key = runs.insert(work.tx, run_id, dag.dag_id, dag.version_id, new, work.now)
    if key is None:
        return None
    task_ids = [task.id for task in work.definition(dag.version_id).tasks]
    task_instances.insert(work.tx, key, dag.dag_id, task_ids)
    log.info("%s run made", new.run_type, extra={"dag_id": dag.dag_id, "run_id": run_id})
    fill_run_slots(work, dag)
    return runs.find(work.tx, run_id)


def fill_run_slots(work: Work, dag: RegisteredDag) -> None:
    """Start waiting runs while the DAG has free slots. A paused DAG starts only those that people
    asked for."""
    free = dag.max_active_runs - runs.admitted_count(work.tx, dag.dag_id)
    while free > 0:
        waiting = runs.waiting(
            work.tx, dag.dag_id, work.now + MAKE_AHEAD, only_manual=dag.is_paused, limit=free
        )
        if not waiting:
            return
        for run in waiting:
            runs.take_slot(work.tx, run, work.now)
            advance(work, run)
        # A run may have ended at once (nothing of it could run), which frees its slot.
        free = dag.max_active_runs - runs.admitted_count(work.tx, dag.dag_id)


def cancel_waiting(work: Work, dag_id: str, reason: str) -> int:
    """End the runs of a DAG that have no slot yet; answers how many (at most 1000 at once)."""
    waiting = runs.waiting_of(work.tx, dag_id, 1000)
    for run in waiting:
        for key, _, _ in task_instances.states(work.tx, run.key):
            task_instances.end_unstarted(work.tx, key, TaskState.CANCELLED, reason, work.now)
        runs.end(work.tx, run.key, RunState.CANCELLED, reason, work.now)
    return len(waiting)


def refill(work: Work, dag_id: str) -> None:
    """A slot of this DAG may have become free."""
    dag = dags.find(work.tx, dag_id)
    if dag is not None and not dag.is_removed:
        fill_run_slots(work, dag)


def new_run_id(dag_id: str, logical_date: datetime) -> str:
    """Readable, safe in a URL and in an S3 key, and never used twice: a run that is made again
    after its removal must not meet the claims of the first."""
    suffix = "".join(secrets.choice(_ALPHABET) for _ in range(5))
    return f"{dag_id}__{logical_date.astimezone(UTC):%Y%m%dT%H%M%SZ}_{suffix}"
