"""What follows from a change, followed up within the transaction until nothing is left to do."""

from __future__ import annotations

from functools import partial

from chalicelib.scheduler import backfill_progress, dispatch, forced_end
from chalicelib.scheduler.progress import advance, fail_if_deadlocked, release_dependents
from chalicelib.scheduler.unit_of_work import IMMEDIATELY, UnitOfWork

MAX_ROUNDS = 10_000


def propagate(work: UnitOfWork) -> None:
    """Follow up the recorded changes until none is left: a run that ends gives its slot to the
    next, whose first tasks take slots, and so on. Bounded, because each round ends or starts
    something. Raises RuntimeError if it does not converge."""
    for _ in range(MAX_ROUNDS):
        if work.ended_before_admission:
            _release_dependents(work)
        elif work.changed_runs:
            _advance(work, work.changed_runs.pop())
        elif work.dags_to_admit:
            _admit_runs(work, work.dags_to_admit.pop())
        elif work.dags_to_dispatch or work.pools_to_dispatch:
            dispatch.dispatch_tasks(work)
        elif work.backfills_to_advance:
            backfill_progress.advance(work, work.backfills_to_advance.pop())
        elif work.waiting_on_previous_run:
            _fail_deadlocked(work)
        else:
            return
    raise RuntimeError(f"propagation did not converge after {MAX_ROUNDS:,} rounds{_pending(work)}")


def _pending(work: UnitOfWork) -> str:
    """Which of the recorded changes is next, for the error."""
    for kind, names in (
        ("run", work.ended_before_admission),
        ("run", work.changed_runs),
        ("DAG", work.dags_to_admit),
        ("DAG", work.dags_to_dispatch),
        ("pool", work.pools_to_dispatch),
        ("backfill", work.backfills_to_advance),
        ("run", [run_id for run_id, _ in work.waiting_on_previous_run]),
    ):
        for name in names:
            return f" ({kind} {name})"
    return ""


def _release_dependents(work: UnitOfWork) -> None:
    run_id = next(iter(work.ended_before_admission))
    state = work.ended_before_admission.pop(run_id)
    with work.isolate("what waited for a run", run_id=run_id):
        run = work.run(run_id)
        if run is not None:
            release_dependents(work, run, state)


def _advance(work: UnitOfWork, run_id: str) -> None:
    succeeded = work.succeeded_tasks.pop(run_id, None)
    with work.isolate("a run", run_id=run_id):
        run = work.run(run_id)
        if run is None or not run.is_active:
            return
        fallback = partial(forced_end.fail_run, work, run)
        ids = {"fallback": fallback, "patience": IMMEDIATELY, **run.ids()}
        # A run that cannot be advanced must neither block its neighbours nor stay active for ever.
        with work.isolate("the progress of a run", **ids):
            advance(work, run, succeeded or ())


def _admit_runs(work: UnitOfWork, dag_id: str) -> None:
    with work.isolate("the runs that wait for a slot", dag_id=dag_id):
        dispatch.admit_runs(work, dag_id)


def _fail_deadlocked(work: UnitOfWork) -> None:
    # The latest first: once it makes way, the earlier ones may not have to.
    waiting = work.waiting_on_previous_run
    run_id, task_id = max(waiting, key=lambda name: (waiting[name], name))
    _, previous = waiting.pop((run_id, task_id))
    with work.isolate("a task that waits for the previous run", run_id=run_id, task_id=task_id):
        fail_if_deadlocked(work, run_id, task_id, previous)
