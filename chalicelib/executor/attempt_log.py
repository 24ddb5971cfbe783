"""Turns a command's output into its log: masks secrets, splits lines, stores chunks."""

from __future__ import annotations

from chalicelib.executor.log_lines import LineMaker
from chalicelib.executor.log_store import FlushPace, LogStore
from chalicelib.executor.masking import Mask, MaskedStream
from chalicelib.executor.unexpected_errors import unexpected_error
from chalicelib.ports import Clock


class AttemptLog:
    """A `supervisor.Sink` for one command after the other of the same attempt. `gap` says why a
    part of the log is missing; never is one shown that could not be masked."""

    def __init__(self, store: LogStore, mask: Mask, now: Clock) -> None:
        self._store = store
        self._mask = mask
        self._now = now
        self._pace = FlushPace()
        self.gap = ""
        self._begin()

    def _begin(self) -> None:
        self._stream = MaskedStream(self._mask)
        self._lines = LineMaker(self._mask.hide_bytes if self._mask.patterns else None)

    def feed(self, data: bytes) -> None:
        try:
            self._store.write(self._lines.feed(self._stream.feed(data), self._now()))
        except Exception as error:
            self._leave_out(error)

    def finish(self) -> None:
        """The command is done: what was held back is written. More may follow."""
        try:
            last = self._lines.feed(self._stream.finish(), self._now())
            self._store.write(last + self._lines.finish())
        except Exception as error:
            self._leave_out(error)
        self._begin()

    def _leave_out(self, error: Exception) -> None:
        # Once: a command may go on writing for hours.
        self.gap = self.gap or f"a part of its log is missing: {unexpected_error(error)}"
        self._begin()

    def note(self, text: str) -> None:
        """A line of the executor's own."""
        self.feed(f"{text}\n".encode("utf-8", "backslashreplace"))
        self.finish()

    def flush_at(self, now: float) -> float:
        return self._pace.due_at(self._store, now)

    def flushed(self, now: float) -> None:
        self._pace.flushed(now)
