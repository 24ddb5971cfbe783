"""One write transaction of the scheduler: what a use case changes, what follows from it, the
commit, and then the messages."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from chalicelib.scheduler import backfilling, forced_end, slots
from chalicelib.scheduler.context import AT_ONCE, Scheduler, Work
from chalicelib.scheduler.outbox import Outbox
from chalicelib.scheduler.progress import advance, give_up_waiting, pass_on

log = logging.getLogger("orchestrator.scheduler")

MAX_ROUNDS = 10_000


@contextmanager
def working(scheduler: Scheduler, batch_id: str | None = None) -> Iterator[Work]:
    """A transaction in which changes are followed up. Nothing is sent if it fails."""
    now = scheduler.now()
    outbox = Outbox(now)
    with scheduler.database.write(batch_id) as tx:
        work = Work(tx, scheduler, outbox, now)
        yield work
        settle(work)
    outbox.send(scheduler)


def settle(work: Work) -> None:
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
            slots.fill_task_slots(work)
        elif work.backfills:
            backfilling.go_on_one(work, work.backfills.pop())
        elif work.held_up:
            _give_up_waiting(work)
        else:
            return
    raise RuntimeError("the scheduler does not come to rest")


def _close(work: Work) -> None:
    run_id = next(iter(work.closed))
    state = work.closed.pop(run_id)
    with work.apart("what waited for a run", run_id=run_id):
        run = work.run(run_id)
        if run is not None:
            pass_on(work, run, state)


def _advance(work: Work, run_id: str) -> None:
    with work.apart("a run", run_id=run_id):
        run = work.run(run_id)
        if run is None or not run.is_active:
            return
        give_up = partial(forced_end.end_run, work, run)
        # One run that cannot be followed up must neither block its neighbours nor stay for ever.
        with work.apart("the progress of a run", give_up=give_up, patience=AT_ONCE, **run.ids()):
            advance(work, run)


def _fill_run_slots(work: Work, dag_id: str) -> None:
    with work.apart("the runs that wait for a slot", dag_id=dag_id):
        slots.fill_run_slots(work, dag_id)


def _give_up_waiting(work: Work) -> None:
    # The latest first: where it makes way, the earlier ones may not have to.
    run_id, task_id = max(work.held_up, key=lambda waiting: work.held_up[waiting])
    _, previous = work.held_up.pop((run_id, task_id))
    with work.apart("a task that waits for the past", run_id=run_id, task_id=task_id):
        give_up_waiting(work, run_id, task_id, previous)
