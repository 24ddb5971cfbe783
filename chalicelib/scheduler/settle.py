"""One write transaction of the scheduler: what a use case changes, what follows from it, the
commit, and then the messages."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from chalicelib.dag.states import RunState
from chalicelib.database import runs, task_instances
from chalicelib.scheduler import backfilling, notices, slots
from chalicelib.scheduler.context import BAD_DATA, Outbox, Scheduler, Work
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
            _close(work, *work.closed.popitem())
        elif work.touched:
            _advance(work, next(iter(work.touched)))
        elif work.run_slots:
            slots.fill_run_slots(work, work.run_slots.pop())
        elif work.task_slots or work.pools:
            slots.fill_task_slots(work)
        elif work.backfills:
            backfilling.go_on_one(work, work.backfills.pop())
        elif work.held_up:
            (run_id, task_id), previous = work.held_up.popitem()
            give_up_waiting(work, run_id, task_id, previous)
        else:
            return
    raise RuntimeError("the scheduler does not come to rest")


def _close(work: Work, run_id: str, state: RunState) -> None:
    run = work.run(run_id)
    if run is not None:
        pass_on(work, run, state)


def _advance(work: Work, run_id: str) -> None:
    del work.touched[run_id]
    run = work.run(run_id)
    if run is None or not run.is_active:
        return
    try:
        with work.savepoint():
            advance(work, run)
    except BAD_DATA as error:
        # One run that cannot be followed up must neither block its neighbours nor stay for ever.
        log.exception("run cannot go on", extra=run.ids())
        reason = f"internal error: {type(error).__name__}: {error}"
        task_instances.end_all_unstarted(work.tx, run.key, reason, work.now)
        runs.end(work.tx, run.key, RunState.FAILED, reason, work.now)
        with work.apart("the news of a failed run", **run.ids()):
            notices.of_run(work, work.definition(run.version_id), run, RunState.FAILED, reason)
        with work.apart("what waited for a run", **run.ids()):
            pass_on(work, run, RunState.FAILED)
