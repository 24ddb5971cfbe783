"""Acknowledge failures that are known, so that new ones stand out."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.dag.states import RunState
from chalicelib.database.queries import acknowledgements
from chalicelib.database.queries.runs import Run
from chalicelib.errors import Conflict
from chalicelib.scheduler.commands import lookup
from chalicelib.scheduler.commands.audit import audit
from chalicelib.scheduler.context import SchedulerContext
from chalicelib.scheduler.transaction import unit_of_work
from chalicelib.scheduler.unit_of_work import UnitOfWork


def acknowledge(
    scheduler: SchedulerContext, run_ids: Sequence[str], note: str | None, *, who: str
) -> list[str]:
    """Acknowledge all of these runs, which failed or succeeded although tasks failed, or none if
    one cannot be. Returns the run_ids that were not yet acknowledged with this note. Raises
    NotFound, or Conflict for a run without a failure."""
    with unit_of_work(scheduler) as work:
        return [
            run_id
            for run_id in dict.fromkeys(run_ids)
            if acknowledge_in(work, run_id, note, who=who)
        ]


def acknowledge_in(
    work: UnitOfWork, run_id: str, note: str | None, *, who: str, dry_run: bool = False
) -> bool:
    """Acknowledge one run in this transaction. Returns False if it was acknowledged with this note
    before; a dry run tells only whether it was acknowledged at all. Raises what `acknowledge`
    does."""
    run = lookup.run(work, run_id)
    if not _has_failure(run):
        raise Conflict(
            f"run {run_id!r} is {run.state} and none of its tasks failed; only a failure can be"
            " acknowledged"
            if run.state is RunState.SUCCESS
            else f"run {run_id!r} is {run.state}; only a failed run can be acknowledged"
        )
    if dry_run:
        return not acknowledgements.is_acknowledged(work.tx, run.key)
    is_change = acknowledgements.acknowledge(work.tx, run.key, who, note, work.now)
    if is_change:
        audit(work, who, "acknowledge", run_id, note=note)
    return is_change


def unacknowledge(scheduler: SchedulerContext, run_id: str, *, who: str) -> None:
    """Remove the acknowledgement, so that the failure needs attention again. Raises NotFound."""
    with unit_of_work(scheduler) as work:
        run = lookup.run(work, run_id)
        if acknowledgements.forget_acknowledgement(work.tx, run.key):
            audit(work, who, "unacknowledge", run_id)


def _has_failure(run: Run) -> bool:
    return run.state is RunState.FAILED or (run.state is RunState.SUCCESS and run.failed_tasks > 0)
