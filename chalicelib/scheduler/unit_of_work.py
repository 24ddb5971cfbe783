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
from chalicelib.utils.ordered_set import Line

log = logging.getLogger("orchestrator.scheduler")

MAKE_AHEAD = timedelta(seconds=5)
"""A run is made, and a retry queued, at most this long before its moment."""
GIVE_UP_AFTER = timedelta(minutes=5)
GIVE_UP_TIMES = 3
"""What raises so often, for so long, is not left out any more but ended."""
AT_ONCE = timedelta(0)

GiveUp = Callable[[str], object]
"""Ends an item for the reason given, without what raised."""


class _Undo(Exception):
    """Ends a provisional block."""


@dataclass
class Provisional:
    """A part of a transaction that is undone at its end."""

    is_kept: bool = False

    def keep(self) -> None:
        """It is not, after all."""
        self.is_kept = True


@dataclass
class UnitOfWork(ReadCache):
    """One transaction under way.

    `closed` are runs that ended before they were let in, for those who wait for them; `held_up` are
    tasks that wait for the run before theirs (run_id, task_id: its date, and that run's id);
    `touched` are runs of which something changed; `run_slots`, `task_slots` and `pools` are DAGs
    and pools in which something may begin. Whoever changes a state notes it there, and `propagate`
    follows it up before the commit, in the order of noting, so that no change can be forgotten.
    `skipped_items` tells what `isolate` undid; `put_off_items` wait until `to_compile` has been, as
    `compiled` was for this transaction. What has been read and never changes is kept.
    """

    outbox: Outbox
    now: datetime
    closed: dict[str, RunState] = field(default_factory=dict)
    held_up: dict[tuple[str, str], tuple[datetime, str]] = field(default_factory=dict)
    touched: Line[str] = field(default_factory=Line)
    run_slots: Line[str] = field(default_factory=Line)
    task_slots: Line[str] = field(default_factory=Line)
    pools: Line[str] = field(default_factory=Line)
    backfills: Line[int] = field(default_factory=Line)
    begun: int = 0
    skipped_items: list[str] = field(default_factory=list)
    to_compile: Line[str] = field(default_factory=Line)
    put_off_items: list[Mapping[str, Any]] = field(default_factory=list)
    compiled: frozenset[str] = frozenset()

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo what the block did if it raises, rows and messages; the error comes through."""
        mark, closed, held_up = self.outbox.mark(), dict(self.closed), dict(self.held_up)
        try:
            with self.tx.savepoint():
                yield
        except BaseException:
            self.outbox.back_to(mark)
            self.closed, self.held_up = closed, held_up
            raise

    @contextmanager
    def provisional(self) -> Iterator[Provisional]:
        """Undo what the block did unless it says `keep`: so that what would happen is found out by
        doing it."""
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
        give_up: GiveUp | None = None,
        patience: timedelta = GIVE_UP_AFTER,
        **about: Any,
    ) -> Iterator[None]:
        """A bulkhead: of many things that one pass looks after, a bad one must not stand in the way
        of the others. Whatever the block raises is undone, logged and noted, unless nothing could
        be committed after it. An item that raises again and again is ended by `give_up`, which gets
        the reason in words: after `patience`, or with AT_ONCE the first time."""
        item = _item(what, about)
        try:
            with self.savepoint():
                yield
        except Exception as error:
            if isinstance(error, NotCompiled) and self.may_wait(error):
                self.put_off(error, about)
                return
            reason = self.skip(error, what, **about)
            if self._is_enough(item, about, reason, patience) and give_up is not None:
                with self.isolate(f"the end of {what}", **about):
                    give_up(reason)
                    self._came_through(item)
        else:
            self._came_through(item)

    def may_wait(self, error: NotCompiled) -> bool:
        """Whether compiling its templates helps: not where they are more than are kept."""
        return not self.compiled.issuperset(error.texts)

    def put_off(self, error: NotCompiled, about: Mapping[str, Any]) -> None:
        """Leave an item to the transaction that follows when its templates have been compiled."""
        self.to_compile.update(error.texts)
        self.put_off_items.append(about)

    def skip(self, error: Exception, what: str, **about: Any) -> str:
        """Log and note what an item raised; answers it in words. Raises it again where nothing can
        be committed any more, and where the item only has to wait for its templates."""
        is_early = isinstance(error, NotCompiled) and self.may_wait(error)
        if is_early or self.tx.is_doomed_by(error):
            raise error
        item, said = _item(what, about), in_words(error)
        log.error("%s is left out", item, extra=about, exc_info=error)
        self.skipped_items.append(f"{item}: {said}")
        return f"internal error: {said}"

    def _is_enough(
        self, item: str, about: Mapping[str, Any], reason: str, patience: timedelta
    ) -> bool:
        if patience <= AT_ONCE:
            return True
        self._skipped_before.add(item)
        so_far = skipped.note(self.tx, item, about.get("dag_id"), reason, self.now)
        # A first time that lies ahead is from before the clock was set back.
        is_long_ago = not self.now - patience < so_far.first_at <= self.now
        return so_far.times >= GIVE_UP_TIMES and is_long_ago

    def _came_through(self, item: str) -> None:
        if item in self._skipped_before:
            self._skipped_before.discard(item)
            skipped.forget(self.tx, item)

    @cached_property
    def _skipped_before(self) -> set[str]:
        return skipped.items(self.tx)

    def touch(self, run_id: str) -> None:
        """Something of this run changed."""
        self.touched.add(run_id)


def _item(what: str, about: Mapping[str, Any]) -> str:
    return f"{what} ({', '.join(f'{name} {value}' for name, value in about.items())})"
