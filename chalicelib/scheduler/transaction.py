"""One write transaction of the scheduler: the changes of a use case, what follows from them, the
commit, and then the messages."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from chalicelib.dag.templates import precompile
from chalicelib.dag.templates.compile_budget import NotCompiled, compile_at_most
from chalicelib.dag.templates.scope import TemplateError
from chalicelib.errors import Unavailable
from chalicelib.scheduler import clock
from chalicelib.scheduler.context import SchedulerContext
from chalicelib.scheduler.outbox import Outbox
from chalicelib.scheduler.propagation import propagate
from chalicelib.scheduler.unit_of_work import UnitOfWork

log = logging.getLogger("orchestrator.scheduler")

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
