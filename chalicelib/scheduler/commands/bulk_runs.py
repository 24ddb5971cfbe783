"""One command for many runs: clear, retry, cancel or acknowledge them.

Each run is changed or refused on its own, and a refused one says why. Runs are changed in several
transactions, because one may not take longer than a few seconds: a run is never changed by half,
and a request that ends in between has changed the runs that it names first. Repeating it is
harmless, since what is done already is refused or changes nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chalicelib.dag.states import TASK_ENDED
from chalicelib.database.queries import task_instances
from chalicelib.enums import BulkAction
from chalicelib.errors import OrchestratorError, Unavailable
from chalicelib.scheduler.clearing import ClearRequest
from chalicelib.scheduler.commands import acknowledgements, lookup, runs
from chalicelib.scheduler.context import SchedulerContext
from chalicelib.scheduler.transaction import unit_of_work
from chalicelib.scheduler.unit_of_work import UnitOfWork

MOST_TASKS = 20_000
"""Task instances that one request changes: what API Gateway has the time for."""
TASKS_AT_ONCE = 200
RUNS_AT_ONCE = 50
"""After so many task instances, or runs, a transaction takes no further run."""


@dataclass(frozen=True, slots=True)
class BulkRequest:
    """What is wanted for each run. `run_on_latest_version` is for clearing and retrying, `note` for
    an acknowledgement."""

    action: BulkAction
    run_on_latest_version: bool | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class BulkOutcome:
    """What became of one run, or would with a dry run. `tasks` counts the task instances that are
    run again or stopped; `problem` says why nothing is done."""

    run_id: str
    tasks: int = 0
    is_change: bool = False
    problem: str | None = None


def change_runs(
    scheduler: SchedulerContext,
    run_ids: Sequence[str],
    request: BulkRequest,
    *,
    who: str,
    dry_run: bool = False,
) -> list[BulkOutcome]:
    """Do the same to each of these runs, in this order. Raises Unavailable if not even the first
    could be changed now."""
    waiting = deque(dict.fromkeys(run_ids))
    outcomes: list[BulkOutcome] = []
    while waiting:
        if sum(outcome.tasks for outcome in outcomes) >= MOST_TASKS:
            problem = f"not done: one request changes {MOST_TASKS:,} tasks at most; send it again"
            return outcomes + [BulkOutcome(run_id, problem=problem) for run_id in waiting]
        try:
            done = _change_some(scheduler, waiting, request, who, dry_run=dry_run)
        except Unavailable as error:
            if not outcomes:
                raise
            problem = f"not done: {error.message}"
            return outcomes + [BulkOutcome(run_id, problem=problem) for run_id in waiting]
        outcomes += done
        for _ in done:
            waiting.popleft()
    return outcomes


def _change_some(
    scheduler: SchedulerContext,
    run_ids: Sequence[str],
    request: BulkRequest,
    who: str,
    *,
    dry_run: bool,
) -> list[BulkOutcome]:
    """The first of these runs, in one transaction: as many as it has the time for."""
    outcomes: list[BulkOutcome] = []
    with unit_of_work(scheduler) as work:
        for run_id in run_ids:
            outcomes.append(_change(work, run_id, request, who, dry_run=dry_run))
            tasks = sum(outcome.tasks for outcome in outcomes)
            if tasks >= TASKS_AT_ONCE or len(outcomes) >= RUNS_AT_ONCE or work.tx.is_late():
                break
    return outcomes


def _change(
    work: UnitOfWork, run_id: str, request: BulkRequest, who: str, *, dry_run: bool
) -> BulkOutcome:
    try:
        with work.savepoint():
            tasks, is_change = _ACTIONS[request.action](work, run_id, request, who, dry_run)
    except Unavailable:
        raise
    except OrchestratorError as error:
        return BulkOutcome(run_id, problem=error.message)
    return BulkOutcome(run_id, tasks, is_change)


def _clear(
    work: UnitOfWork, run_id: str, request: BulkRequest, who: str, dry_run: bool
) -> tuple[int, bool]:
    wanted = ClearRequest(run_on_latest_version=request.run_on_latest_version)
    cleared = runs.clear_in(work, run_id, wanted, who=who, dry_run=dry_run)
    return len(cleared.tasks), cleared.is_change


def _retry(
    work: UnitOfWork, run_id: str, request: BulkRequest, who: str, dry_run: bool
) -> tuple[int, bool]:
    version = request.run_on_latest_version
    cleared = runs.retry_in(work, run_id, version, who=who, dry_run=dry_run)
    return len(cleared.tasks), cleared.is_change


def _cancel(
    work: UnitOfWork, run_id: str, request: BulkRequest, who: str, dry_run: bool
) -> tuple[int, bool]:
    del request  # it has nothing to say here
    run = lookup.run(work, run_id)
    states = task_instances.states(work.tx, run.key).values()
    tasks = sum(n for counts in states for state, n in counts.items() if state not in TASK_ENDED)
    is_change = runs.cancel_in(work, run, who=who, dry_run=dry_run)
    return (tasks, True) if is_change else (0, False)


def _acknowledge(
    work: UnitOfWork, run_id: str, request: BulkRequest, who: str, dry_run: bool
) -> tuple[int, bool]:
    note = request.note
    return 0, acknowledgements.acknowledge_in(work, run_id, note, who=who, dry_run=dry_run)


_ACTIONS: dict[BulkAction, Callable[[UnitOfWork, str, BulkRequest, str, bool], tuple[int, bool]]]
_ACTIONS = {
    BulkAction.CLEAR: _clear,
    BulkAction.RETRY: _retry,
    BulkAction.CANCEL: _cancel,
    BulkAction.ACKNOWLEDGE: _acknowledge,
}
"""Each answers how many task instances it touches, and whether anything changes. Raises what the
command for one run does."""
