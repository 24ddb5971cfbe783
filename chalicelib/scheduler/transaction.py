"""One write transaction of the scheduler: the changes of a use case, what follows from them, the
commit, and then the messages."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

from chalicelib.dag.templates import precompile
from chalicelib.dag.templates.compile_budget import NotCompiled, compile_at_most
from chalicelib.dag.templates.scope import TemplateError
from chalicelib.database.connection.transaction import RowsNotChanged
from chalicelib.errors import Unavailable
from chalicelib.scheduler import clock
from chalicelib.scheduler.context import SchedulerContext
from chalicelib.scheduler.outbox import Outbox
from chalicelib.scheduler.propagation import propagate
from chalicelib.scheduler.unit_of_work import SavepointNeeded, UnitOfWork
from chalicelib.utils.errors import in_words

log = logging.getLogger("orchestrator.scheduler")

T = TypeVar("T")

MAX_COMPILED = 200
"""Template expressions that one transaction compiles: a tenth of a second, or three on Lambda."""
MAX_PASSES = 10
"""Transactions in which one invocation processes what had to wait for its templates."""


def in_one_transaction(scheduler: SchedulerContext, change: Callable[[UnitOfWork], T]) -> T:
    """Do what `unit_of_work` does with its block: for `change`, which must not change anything
    outside the transaction, because it may be called twice.

    The first time there are no savepoints, which take a fifth of the time and are hardly ever
    needed, and changes of rows are gathered. If anything is to be undone, or a row was not changed
    as assumed, all of it is undone and done again with savepoints, row by row."""
    try:
        with unit_of_work(scheduler, has_savepoints=False) as work:
            return change(work)
    except (SavepointNeeded, RowsNotChanged) as needed:
        log.info("done again with savepoints: %s", in_words(needed.__cause__ or needed))
    with unit_of_work(scheduler) as work:
        return change(work)


@contextmanager
def unit_of_work(
    scheduler: SchedulerContext, batch_id: str | None = None, *, has_savepoints: bool = True
) -> Iterator[UnitOfWork]:
    """Run the block in one transaction, propagate its changes, commit, then send the messages.
    Nothing is sent if the transaction fails. Items that need more templates than one transaction
    may compile are processed in further transactions after it."""
    try:
        with _transaction(scheduler, batch_id, has_savepoints) as work:
            yield work
    except NotCompiled as error:
        _compile(error.texts)
        raise Unavailable("the DAG's templates had to be compiled first; try again") from None
    try:
        _process_deferred(scheduler, work)
    except Exception:  # the commit stands, and a wake-up is on its way
        log.exception("items that wait for their templates are left to a wake-up")


def _process_deferred(scheduler: SchedulerContext, work: UnitOfWork) -> None:
    for _ in range(MAX_PASSES):
        if not work.deferred_items:
            return
        work = _process_deferred_once(scheduler, work, _compile(work.templates_to_compile))


@contextmanager
def _transaction(
    scheduler: SchedulerContext, batch_id: str | None = None, has_savepoints: bool = True
) -> Iterator[UnitOfWork]:
    now = scheduler.now()
    outbox = Outbox(now)
    with scheduler.database.write(batch_id) as tx, compile_at_most(MAX_COMPILED):
        if not has_savepoints:
            tx.gather()
        work = UnitOfWork(tx, scheduler, outbox, now, has_savepoints=has_savepoints)
        yield work
        propagate(work)
        if work.deferred_items:
            outbox.wake(now)  # in case this process dies first, or has too much to do
    outbox.send(scheduler)


def _compile(texts: Iterable[str]) -> frozenset[str]:
    templates = tuple(texts)
    for text in templates:
        with suppress(TemplateError):  # reported where the template is rendered
            precompile(text)
    return frozenset(templates)


def _process_deferred_once(
    scheduler: SchedulerContext, before: UnitOfWork, compiled: frozenset[str]
) -> UnitOfWork:
    with _transaction(scheduler) as work:
        work.compiled_templates = before.compiled_templates | compiled
        for ids in before.deferred_items:
            if "run_id" in ids:
                work.mark_changed(ids["run_id"])
            if "dag_id" in ids:
                work.dags_to_dispatch.add(ids["dag_id"])
            if "backfill_id" in ids:
                work.backfills_to_advance.add(ids["backfill_id"])
        clock.process_due(work)
    return work
