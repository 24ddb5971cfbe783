"""One transaction under way: its changes, what has to follow from them before the commit, the
messages that leave after it, and the bulkheads that keep one bad item from stopping the others."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property, partial
from types import TracebackType
from typing import Any

from chalicelib.dag.states import RunState
from chalicelib.dag.templates.compile_budget import NotCompiled
from chalicelib.database.queries import runs, skipped, stop_requests
from chalicelib.database.queries.runs import Run
from chalicelib.messages import Attempt
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


class SavepointNeeded(BaseException):
    """A block raised in a transaction without savepoints. Nothing but a new one with savepoints
    helps, hence no Exception, which a bulkhead would catch."""


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
    succeeded_tasks          of those in which nothing else changed than that tasks succeeded, which
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
    has_savepoints           False in a first attempt, which assumes that nothing raises
    """

    outbox: Outbox
    now: datetime
    ended_before_admission: dict[str, RunState] = field(default_factory=dict)
    waiting_on_previous_run: dict[tuple[str, str], tuple[datetime, str]] = field(
        default_factory=dict
    )
    changed_runs: OrderedSet[str] = field(default_factory=OrderedSet)
    succeeded_tasks: dict[str, set[str]] = field(default_factory=dict)
    dags_to_admit: OrderedSet[str] = field(default_factory=OrderedSet)
    dags_to_dispatch: OrderedSet[str] = field(default_factory=OrderedSet)
    pools_to_dispatch: OrderedSet[str] = field(default_factory=OrderedSet)
    backfills_to_advance: OrderedSet[int] = field(default_factory=OrderedSet)
    dispatched: int = 0
    isolated_errors: list[str] = field(default_factory=list)
    templates_to_compile: OrderedSet[str] = field(default_factory=OrderedSet)
    deferred_items: list[Mapping[str, Any]] = field(default_factory=list)
    compiled_templates: frozenset[str] = frozenset()
    has_savepoints: bool = True
    _begun_runs: set[int] = field(default_factory=set, init=False)

    def savepoint(self) -> WorkSavepoint:
        """Undo the block's rows and messages if it raises, and raise the error again."""
        return WorkSavepoint(self, is_set=self.has_savepoints)

    @contextmanager
    def provisional(self) -> Iterator[Provisional]:
        """Undo the block unless it calls `keep`. A dry run does the work and undoes it."""
        block = Provisional()
        try:
            with WorkSavepoint(self, is_set=True):
                yield block
                if not block.is_kept:
                    raise _Undo
        except _Undo:
            pass

    def isolate(
        self,
        what: str,
        *,
        fallback: Fallback | None = None,
        patience: timedelta = FALLBACK_AFTER,
        **ids: Any,
    ) -> Isolation:
        """A bulkhead: keep one bad item from stopping the others of the same pass.

        Whatever the block raises is undone, logged and recorded, except an error after which
        nothing could be committed. An item that keeps raising is handed to `fallback` with the
        reason: after `patience`, or with IMMEDIATELY the first time."""
        return Isolation(self, what, ids, fallback, patience)

    def contain(
        self,
        error: Exception,
        what: str,
        ids: Mapping[str, Any],
        fallback: Fallback | None,
        patience: timedelta,
    ) -> None:
        """Do what `isolate` says about an error that its block raised."""
        if isinstance(error, NotCompiled) and self.can_defer(error):
            self.defer(error, ids)
            return
        reason = self.record_error(error, what, **ids)
        item = _item(what, ids)
        if self._is_exhausted(item, ids, reason, patience) and fallback is not None:
            with self.isolate(f"the end of {what}", **ids):
                fallback(reason)
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

    def record_success(self, what: str, ids: Mapping[str, Any]) -> None:
        """Forget that the item raised before."""
        if self._failed_before:
            self._record_success(_item(what, ids))

    def _record_success(self, item: str) -> None:
        if item in self._failed_before:
            self._failed_before.discard(item)
            skipped.forget(self.tx, item)

    @cached_property
    def _failed_before(self) -> set[str]:
        return skipped.items(self.tx)

    def request_stop(self, attempt: Attempt) -> None:
        """Ask for the end of an attempt in flight."""
        stop_requests.insert(self.tx, attempt, self.now)
        self._has_stop_requests = True
        self.outbox.stops.append(attempt)

    def begin_run(self, run_key: int, started_at: datetime) -> None:
        """A task of the run has begun. Most of the time one had before."""
        if run_key in self._begun_runs:
            return
        self._begun_runs.add(run_key)
        run = self.known_run(run_key)
        if run is None or run.state is RunState.QUEUED:
            begin = partial(runs.begin, self.tx, run_key, started_at)
            self.change_run(run_key, begin, state=RunState.RUNNING)

    def reopen_run(self, run: Run) -> None:
        """Let a run that has ended wait for a slot again."""
        runs.reopen(self.tx, run.key, self.now)
        self._begun_runs.discard(run.key)
        self.dags_to_admit.add(run.dag_id)

    def forget_stop(self, attempt: Attempt) -> None:
        """The attempt has ended: nothing is left to stop. Most of the time nothing was asked."""
        if self._has_stop_requests:
            stop_requests.forget(self.tx, attempt)

    @cached_property
    def _has_stop_requests(self) -> bool:
        return bool(stop_requests.pending(self.tx, 1))

    def mark_changed(self, run_id: str) -> None:
        """Record that a task of the run changed."""
        self.changed_runs.add(run_id)
        self.succeeded_tasks.pop(run_id, None)

    def mark_succeeded(self, run_id: str, task_id: str) -> None:
        """Record that an instance of a task of the run succeeded."""
        if run_id not in self.changed_runs:
            self.changed_runs.add(run_id)
            self.succeeded_tasks[run_id] = {task_id}
        elif run_id in self.succeeded_tasks:
            self.succeeded_tasks[run_id].add(task_id)


def _item(what: str, ids: Mapping[str, Any]) -> str:
    return f"{what} ({', '.join(f'{name} {value}' for name, value in ids.items())})"


class WorkSavepoint:
    """What `UnitOfWork.savepoint` returns. A class, because there are five to each result."""

    __slots__ = ("_ended", "_is_set", "_mark", "_rows", "_waiting", "_work")

    def __init__(self, work: UnitOfWork, *, is_set: bool) -> None:
        self._work, self._is_set = work, is_set

    def __enter__(self) -> None:
        if not self._is_set:
            return
        work = self._work
        self._mark = work.outbox.mark()
        self._ended = work.ended_before_admission.copy()
        self._waiting = work.waiting_on_previous_run.copy()
        self._rows = work.tx.savepoint()
        self._rows.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self._is_set:
            if error is not None and not self._work.tx.is_doomed_by(error):
                raise SavepointNeeded from error
            return
        try:
            self._rows.__exit__(kind, error, traceback)
        except BaseException:
            self._undo()
            raise
        if kind is not None:
            self._undo()

    def _undo(self) -> None:
        work = self._work
        work.outbox.rewind(self._mark)
        work.ended_before_admission = self._ended
        work.waiting_on_previous_run = self._waiting
        work._begun_runs.clear()
        work.forget_current_runs()


class Isolation:
    """What `UnitOfWork.isolate` returns."""

    __slots__ = ("_fallback", "_ids", "_patience", "_savepoint", "_what", "_work")

    def __init__(
        self,
        work: UnitOfWork,
        what: str,
        ids: Mapping[str, Any],
        fallback: Fallback | None,
        patience: timedelta,
    ) -> None:
        self._work, self._what, self._ids = work, what, ids
        self._fallback, self._patience = fallback, patience
        self._savepoint = work.savepoint()

    def __enter__(self) -> None:
        self._savepoint.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        self._savepoint.__exit__(kind, error, traceback)
        if error is None:
            self._work.record_success(self._what, self._ids)
            return False
        if not isinstance(error, Exception):
            return False
        self._work.contain(error, self._what, self._ids, self._fallback, self._patience)
        return True
