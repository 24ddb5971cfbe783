"""One transaction under way: its changes, what has to follow from them before the commit, the
messages that leave after it, and the bulkheads that keep one bad item from stopping the others."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from chalicelib.dag.states import RunState
from chalicelib.dag.templates.compile_budget import NotCompiled
from chalicelib.database.queries import skipped
from chalicelib.scheduler.outbox import Outbox
from chalicelib.scheduler.read_cache import ReadCache
from chalicelib.utils.errors import in_words
from chalicelib.utils.ordered_set import OrderedSet

log = logging.getLogger("orchestrator.scheduler")

LEAD_TIME = timedelta(seconds=5)
"""A run is created, and a retry queued, at most this long before its time."""
FALLBACK_AFTER = timedelta(minutes=5)
FALLBACK_AFTER_FAILURES = 3
"""An item that raises this often, over this long, is handed to its fallback."""
IMMEDIATELY = timedelta(0)

Fallback = Callable[[str], object]
"""Ends an item for the reason given, without the code that raised."""


class _Undo(Exception):
    """Ends a provisional block."""


@dataclass
class Provisional:
    """A part of a transaction that is undone at its end unless `keep` is called."""

    is_kept: bool = False

    def keep(self) -> None:
        self.is_kept = True


@dataclass
class UnitOfWork(ReadCache):
    """One transaction under way.

    Whoever changes a state records below what has to be looked at because of it. `propagate` does
    so before the commit, in the order of recording, so that no change can be forgotten.

    changed_runs             run_ids in which a task changed
    dags_to_admit            dag_ids in which a run may have got a free slot
    dags_to_dispatch, pools_to_dispatch  dag_ids and pools in which a task may have got a free slot
    backfills_to_advance     ids of backfills that may create more runs
    ended_before_admission   run_id to final state of runs that ended while waiting for a slot
    waiting_on_previous_run  (run_id, task_id) of tasks held back by `depends_on_past`, to their
                             logical date and the run_id of the previous run
    dispatched               how many tasks this transaction has dispatched
    isolated_errors          what `isolate` undid, as text for the report of the tick
    deferred_items           the ids of items that wait until `templates_to_compile` are compiled;
                             `compiled_templates` have been compiled for this transaction
    """

    outbox: Outbox
    now: datetime
    ended_before_admission: dict[str, RunState] = field(default_factory=dict)
    waiting_on_previous_run: dict[tuple[str, str], tuple[datetime, str]] = field(
        default_factory=dict
    )
    changed_runs: OrderedSet[str] = field(default_factory=OrderedSet)
    dags_to_admit: OrderedSet[str] = field(default_factory=OrderedSet)
    dags_to_dispatch: OrderedSet[str] = field(default_factory=OrderedSet)
    pools_to_dispatch: OrderedSet[str] = field(default_factory=OrderedSet)
    backfills_to_advance: OrderedSet[int] = field(default_factory=OrderedSet)
    dispatched: int = 0
    isolated_errors: list[str] = field(default_factory=list)
    templates_to_compile: OrderedSet[str] = field(default_factory=OrderedSet)
    deferred_items: list[Mapping[str, Any]] = field(default_factory=list)
    compiled_templates: frozenset[str] = frozenset()

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo the block's rows and messages if it raises, and raise the error again."""
        mark = self.outbox.mark()
        ended, waiting = dict(self.ended_before_admission), dict(self.waiting_on_previous_run)
        try:
            with self.tx.savepoint():
                yield
        except BaseException:
            self.outbox.rewind(mark)
            self.ended_before_admission, self.waiting_on_previous_run = ended, waiting
            raise

    @contextmanager
    def provisional(self) -> Iterator[Provisional]:
        """Undo the block unless it calls `keep`. A dry run does the work and undoes it."""
        block = Provisional()
        try:
            with self.savepoint():
                yield block
                if not block.is_kept:
                    raise _Undo
        except _Undo:
            pass

    @contextmanager
    def isolate(
        self,
        what: str,
        *,
        fallback: Fallback | None = None,
        patience: timedelta = FALLBACK_AFTER,
        **ids: Any,
    ) -> Iterator[None]:
        """A bulkhead: keep one bad item from stopping the others of the same pass.

        Whatever the block raises is undone, logged and recorded, except an error after which
        nothing could be committed. An item that keeps raising is handed to `fallback` with the
        reason: after `patience`, or with IMMEDIATELY the first time."""
        item = _item(what, ids)
        try:
            with self.savepoint():
                yield
        except Exception as error:
            if isinstance(error, NotCompiled) and self.can_defer(error):
                self.defer(error, ids)
                return
            reason = self.record_error(error, what, **ids)
            if self._is_exhausted(item, ids, reason, patience) and fallback is not None:
                with self.isolate(f"the end of {what}", **ids):
                    fallback(reason)
                    self._record_success(item)
        else:
            self._record_success(item)

    def can_defer(self, error: NotCompiled) -> bool:
        """Whether compiling the templates would help. It does not once they have been compiled: an
        item with more templates than the cache holds would wait for ever."""
        return not self.compiled_templates.issuperset(error.texts)

    def defer(self, error: NotCompiled, ids: Mapping[str, Any]) -> None:
        """Leave an item to the transaction that follows once its templates are compiled."""
        self.templates_to_compile.update(error.texts)
        self.deferred_items.append(ids)

    def record_error(self, error: Exception, what: str, **ids: Any) -> str:
        """Log and record what an item raised. Returns it as a reason in words. Raises it again if
        nothing can be committed any more, or if the item only waits for its templates."""
        is_deferrable = isinstance(error, NotCompiled) and self.can_defer(error)
        if is_deferrable or self.tx.is_doomed_by(error):
            raise error
        item, message = _item(what, ids), in_words(error)
        log.error("%s was skipped", item, extra=ids, exc_info=error)
        self.isolated_errors.append(f"{item}: {message}")
        return f"internal error: {message}"

    def _is_exhausted(
        self, item: str, ids: Mapping[str, Any], reason: str, patience: timedelta
    ) -> bool:
        if patience <= IMMEDIATELY:
            return True
        self._failed_before.add(item)
        failures = skipped.note(self.tx, item, ids.get("dag_id"), reason, self.now)
        # A first failure in the future is from before the clock was set back.
        is_long_ago = not self.now - patience < failures.first_at <= self.now
        return failures.times >= FALLBACK_AFTER_FAILURES and is_long_ago

    def _record_success(self, item: str) -> None:
        if item in self._failed_before:
            self._failed_before.discard(item)
            skipped.forget(self.tx, item)

    @cached_property
    def _failed_before(self) -> set[str]:
        return skipped.items(self.tx)

    def mark_changed(self, run_id: str) -> None:
        """Record that a task of the run changed."""
        self.changed_runs.add(run_id)


def _item(what: str, ids: Mapping[str, Any]) -> str:
    return f"{what} ({', '.join(f'{name} {value}' for name, value in ids.items())})"
