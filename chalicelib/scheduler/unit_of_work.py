"""One write transaction of the scheduler: what a use case changes, what follows from it, the
commit, and then the messages."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

from chalicelib.dag.templates import precompile
from chalicelib.dag.templates.compile_budget import NotCompiled, compile_at_most
from chalicelib.dag.templates.scope import TemplateError
from chalicelib.errors import Unavailable
from chalicelib.scheduler import backfill_progress, clock, dispatch, forced_end
from chalicelib.scheduler.context import AT_ONCE, SchedulerContext, UnitOfWork
from chalicelib.scheduler.outbox import Outbox
from chalicelib.scheduler.progress import advance, give_up_waiting, pass_on

log = logging.getLogger("orchestrator.scheduler")

MAX_ROUNDS = 10_000
MAX_COMPILED = 200
"""Template expressions that one transaction compiles: a tenth of a second, or three on Lambda."""
MAX_PASSES = 10
"""Transactions in which one invocation goes on with what had to wait for its templates."""


@contextmanager
def unit_of_work(scheduler: SchedulerContext, batch_id: str | None = None) -> Iterator[UnitOfWork]:
    """A transaction in which changes are followed up. Nothing is sent if it fails. What needs more
    templates than a transaction may compile is done in others behind it."""
    try:
        with _transaction(scheduler, batch_id) as work:
            yield work
    except NotCompiled as error:
        _compile(error.texts)
        raise Unavailable("the DAG's many templates had to be prepared; try again") from None
    try:
        _go_on_with_templates(scheduler, work)
    except Exception:  # the commit stands, and a wake-up is on its way
        log.exception("what waits for its templates is left to a wake-up")


def _go_on_with_templates(scheduler: SchedulerContext, work: UnitOfWork) -> None:
    for _ in range(MAX_PASSES):
        if not work.put_off_items:
            return
        work = _go_on(scheduler, work, _compile(work.to_compile))


@contextmanager
def _transaction(scheduler: SchedulerContext, batch_id: str | None = None) -> Iterator[UnitOfWork]:
    now = scheduler.now()
    outbox = Outbox(now)
    with scheduler.database.write(batch_id) as tx, compile_at_most(MAX_COMPILED):
        work = UnitOfWork(tx, scheduler, outbox, now)
        yield work
        propagate(work)
        if work.put_off_items:
            outbox.wake(now)  # should this process die before it goes on, or have too much to do
    outbox.send(scheduler)


def _compile(texts: Iterable[str]) -> frozenset[str]:
    compiled = tuple(texts)
    for text in compiled:
        with suppress(TemplateError):  # it is told where the text is rendered
            precompile(text)
    return frozenset(compiled)


def _go_on(scheduler: SchedulerContext, before: UnitOfWork, compiled: frozenset[str]) -> UnitOfWork:
    with _transaction(scheduler) as work:
        work.compiled = before.compiled | compiled
        for about in before.put_off_items:
            if "run_id" in about:
                work.touch(about["run_id"])
            if "dag_id" in about:
                work.task_slots.add(about["dag_id"])
            if "backfill_id" in about:
                work.backfills.add(about["backfill_id"])
        clock.make_due(work)
    return work


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
