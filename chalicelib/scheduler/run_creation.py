"""The one door through which a run is made, whoever asks: the clock, people, a backfill, another
DAG.

A run is made without a slot; `slots.fill_run_slots` lets it in when there is room, so that no maker
of runs can exceed `max_active_runs`. What happens at that limit is the DAG's overlap_policy.
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
    """Make the run. None if its logical date has a run already: a fire time makes exactly one run,
    however often it is asked for. Raises ParamError (an InvalidRequest) for params that the DAG
    does not take, or a required one that is missing."""
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
    log.info("%s run made", new.run_type, extra={"dag_id": dag.dag_id, "run_id": run_id})
    made = work.run(run_id)
    assert made is not None
    if is_full and new.run_type is not RunType.BACKFILL:  # those wait: each date was asked for
        _overlap(work, dag, definition.overlap_policy, made)
    work.dags_to_admit.add(dag.dag_id)
    return made


def _is_full(work: UnitOfWork, dag: RegisteredDag) -> bool:
    taken = run_slots.admitted_count(work.tx, dag.dag_id) - run_slots.stopping_count(
        work.tx, dag.dag_id
    )
    return taken + run_slots.waiting_count(work.tx, dag.dag_id) >= dag.max_active_runs


def _overlap(work: UnitOfWork, dag: RegisteredDag, policy: str, made: Run) -> None:
    """At the limit: wait (`queue`), give way (`skip`), or take the place of the oldest
    (`replace`)."""
    if policy == OverlapPolicy.SKIP:
        reason = f"skipped: {dag.max_active_runs} runs were active (overlap_policy skip)"
        stopping.stop_run(work, made, RunState.CANCELLED, reason)
    elif policy == OverlapPolicy.REPLACE:
        oldest = run_slots.oldest_admitted(work.tx, dag.dag_id) or run_slots.first_waiting(
            work.tx, dag.dag_id, made.key
        )
        if oldest is not None:
            reason = f"replaced by {made.run_id} (overlap_policy replace)"
            stopping.stop_run(work, oldest, RunState.CANCELLED, reason)


def create_run_now(work: UnitOfWork, dag: RegisteredDag, new: NewRun) -> Run:
    """Make a run for this moment, or for the next microsecond that has none. Raises Conflict."""
    for nudge in range(_TRIES):
        moment = new.logical_date + nudge * _INSTANT
        at_once = replace(
            new, logical_date=moment, data_interval_start=moment, data_interval_end=moment
        )
        made = create_run(work, dag, at_once)
        if made is not None:
            return made
    raise Conflict(f"DAG {dag.dag_id!r} has too many runs of this very moment; ask again")


def new_run_id(dag_id: str, logical_date: datetime) -> str:
    """Readable, safe in a URL and in an S3 key, and never used twice: a run that is made again
    after its removal must not meet the claims of the first."""
    suffix = "".join(secrets.choice(_ALPHABET) for _ in range(5))
    return f"{dag_id}__{logical_date.astimezone(UTC):%Y%m%dT%H%M%SZ}_{suffix}"
