"""What follows from a change, followed up within the transaction until nothing is left to do."""

from __future__ import annotations

from functools import partial

from chalicelib.scheduler import backfill_progress, dispatch, forced_end
from chalicelib.scheduler.progress import advance, give_up_waiting, pass_on
from chalicelib.scheduler.unit_of_work import AT_ONCE, UnitOfWork

MAX_ROUNDS = 10_000


def propagate(work: UnitOfWork) -> None:
    """Follow up until nothing is left: a run that ends gives its slot to the next, whose first
    tasks take slots, and so on. Bounded, because each round ends or begins something."""
    for _ in range(MAX_ROUNDS):
        if work.closed:
            _close(work)
        elif work.touched:
            _advance(work, work.touched.pop())
        elif work.run_slots:
            _fill_run_slots(work, work.run_slots.pop())
        elif work.task_slots or work.pools:
            dispatch.fill_task_slots(work)
        elif work.backfills:
            backfill_progress.advance(work, work.backfills.pop())
        elif work.held_up:
            _give_up_waiting(work)
        else:
            return
    raise RuntimeError("the scheduler does not come to rest")


def _close(work: UnitOfWork) -> None:
    run_id = next(iter(work.closed))
    state = work.closed.pop(run_id)
    with work.isolate("what waited for a run", run_id=run_id):
        run = work.run(run_id)
        if run is not None:
            pass_on(work, run, state)


def _advance(work: UnitOfWork, run_id: str) -> None:
    with work.isolate("a run", run_id=run_id):
        run = work.run(run_id)
        if run is None or not run.is_active:
            return
        give_up = partial(forced_end.end_run, work, run)
        # One run that cannot be followed up must neither block its neighbours nor stay for ever.
        with work.isolate("the progress of a run", give_up=give_up, patience=AT_ONCE, **run.ids()):
            advance(work, run)


def _fill_run_slots(work: UnitOfWork, dag_id: str) -> None:
    with work.isolate("the runs that wait for a slot", dag_id=dag_id):
        dispatch.fill_run_slots(work, dag_id)


def _give_up_waiting(work: UnitOfWork) -> None:
    # The latest first: where it makes way, the earlier ones may not have to.
    run_id, task_id = max(work.held_up, key=lambda waiting: work.held_up[waiting])
    _, previous = work.held_up.pop((run_id, task_id))
    with work.isolate("a task that waits for the past", run_id=run_id, task_id=task_id):
        give_up_waiting(work, run_id, task_id, previous)
