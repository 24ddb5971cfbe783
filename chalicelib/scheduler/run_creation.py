"""The only place where a run is created, whoever asks: the clock, a user, a backfill, another DAG.

A run is created without a slot. `dispatch.admit_runs` admits it when one is free, so that nobody
who creates runs can exceed `max_active_runs`. The DAG's overlap_policy says what happens then.
"""

from __future__ import annotations

import logging
import secrets
import string
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from chalicelib.dag.evaluate.params import resolve_params
from chalicelib.dag.states import RunState
from chalicelib.dag.templates import texts_in
from chalicelib.dag.templates.compile_budget import NotCompiled
from chalicelib.database.queries import run_slots, runs, task_instances
from chalicelib.database.queries.dags import RegisteredDag
from chalicelib.database.queries.runs import NewRun, Run
from chalicelib.enums import OverlapPolicy, RunType
from chalicelib.errors import Conflict
from chalicelib.scheduler import stopping
from chalicelib.scheduler.task_messages import run_context
from chalicelib.scheduler.unit_of_work import UnitOfWork

log = logging.getLogger("orchestrator.scheduler")

_ALPHABET = string.ascii_lowercase + string.digits
_INSTANT = timedelta(microseconds=1)
_TRIES = 100


def create_run(work: UnitOfWork, dag: RegisteredDag, new: NewRun) -> Run | None:
    """Create the run. Returns None if its logical date already has one: a fire time creates exactly
    one run, however often it is requested. Raises ParamError (an InvalidRequest) for params that
    the DAG does not accept, or a missing required one."""
    definition = work.definition(dag.version_id)
    is_full = _is_full(work, dag)
    run_id = new_run_id(dag.dag_id, new.logical_date)
    context = run_context(definition, run_id, new)
    try:
        new = replace(new, params=resolve_params(definition, new.params, context))
    except NotCompiled:
        defaults = [param.default for param in definition.params]
        raise NotCompiled(*texts_in(defaults)) from None
    key = runs.insert(work.tx, run_id, dag.dag_id, dag.version_id, new, work.now)
    if key is None:
        return None
    task_instances.insert(work.tx, key, dag.dag_id, definition.tasks)
    log.info("%s run created", new.run_type, extra={"dag_id": dag.dag_id, "run_id": run_id})
    run = work.run(run_id)
    assert run is not None
    if (
        is_full and new.run_type is not RunType.BACKFILL
    ):  # those wait, because each date was requested
        _overlap(work, dag, definition.overlap_policy, run)
    work.dags_to_admit.add(dag.dag_id)
    return run


def _is_full(work: UnitOfWork, dag: RegisteredDag) -> bool:
    return run_slots.active_count(work.tx, dag.dag_id) >= dag.max_active_runs


def _overlap(work: UnitOfWork, dag: RegisteredDag, policy: str, run: Run) -> None:
    """Apply the overlap policy at the limit: wait (`queue`), cancel this run (`skip`), or cancel
    the oldest (`replace`)."""
    if policy == OverlapPolicy.SKIP:
        reason = f"skipped: {dag.max_active_runs} runs were active (overlap_policy skip)"
        stopping.stop_run(work, run, RunState.CANCELLED, reason)
    elif policy == OverlapPolicy.REPLACE:
        oldest = run_slots.oldest_admitted(work.tx, dag.dag_id) or run_slots.first_waiting(
            work.tx, dag.dag_id, run.key
        )
        if oldest is not None:
            reason = f"replaced by {run.run_id} (overlap_policy replace)"
            stopping.stop_run(work, oldest, RunState.CANCELLED, reason)


def create_run_now(work: UnitOfWork, dag: RegisteredDag, new: NewRun) -> Run:
    """Create a run for this logical date, or for the next microsecond without one. Raises
    Conflict."""
    for nudge in range(_TRIES):
        date = new.logical_date + nudge * _INSTANT
        at_once = replace(new, logical_date=date, data_interval_start=date, data_interval_end=date)
        run = create_run(work, dag, at_once)
        if run is not None:
            return run
    raise Conflict(
        f"DAG {dag.dag_id!r} already has {_TRIES} runs within these microseconds; try again"
    )


def new_run_id(dag_id: str, logical_date: datetime) -> str:
    """Return a new run_id: readable, safe in a URL and an S3 key, and never reused, because a run
    that is created again after its removal must not meet the claims of the first."""
    suffix = "".join(secrets.choice(_ALPHABET) for _ in range(5))
    return f"{dag_id}__{logical_date.astimezone(UTC):%Y%m%dT%H%M%SZ}_{suffix}"
