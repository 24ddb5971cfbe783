"""Notifications by a shell command."""

from __future__ import annotations

import math
import time

from chalicelib.executor.invocation import invocation_of
from chalicelib.executor.notifications.sender import NotDelivered, SenderContext
from chalicelib.executor.outcome import SHELL_CODES, TimeLimit, verdict_of
from chalicelib.executor.process import start
from chalicelib.executor.supervisor import Ending, Pulse, watch
from chalicelib.executor.workspace import CannotStart, workspace
from chalicelib.messages import NotificationMessage

COMMAND_SECONDS = 60.0


class CommandSender:
    """Runs the command as a task's is run, with the facts in its environment; its output is
    dropped."""

    def __init__(self, context: SenderContext) -> None:
        self._context = context

    def send(self, notification: NotificationMessage) -> None:
        try:
            ending = self._run(notification)
        except CannotStart as error:
            raise NotDelivered(str(error), is_transient=error.is_transient) from error
        if ending.stop is not None:
            text = f"its command was stopped after {COMMAND_SECONDS:g} s"
            raise NotDelivered(text, is_transient=True)
        if reason := verdict_of(ending, TimeLimit(COMMAND_SECONDS, own=False)).reason:
            # A command that failed may succeed later; one that does not exist stays so.
            raise NotDelivered(reason, is_transient=ending.exit.code not in SHELL_CODES)

    def _run(self, notification: NotificationMessage) -> Ending:
        """Raises CannotStart."""
        context = self._context
        pulse = Pulse(beat=_nothing, flush=_nothing, every=math.inf)
        with workspace(None, context.cleaner) as place:
            given = context.env_sources.for_notification(notification.env, COMMAND_SECONDS)
            invocation = invocation_of(notification.target, context.shell, place)
            command = start(invocation, place.cwd, place.environ(given))
            term_at = time.monotonic() + COMMAND_SECONDS
            return watch(command, context.running, _DiscardedOutput(), pulse, term_at)


class _DiscardedOutput:
    """A sink that keeps nothing."""

    def feed(self, data: bytes) -> None:
        """Drop it."""

    def finish(self) -> None:
        """Do nothing: nothing is held back."""

    def flush_at(self, now: float) -> float:  # noqa: ARG002
        return math.inf

    def flushed(self, now: float) -> None:
        """Do nothing; never called."""


def _nothing() -> None:
    """Report nothing: a notification has no heartbeats."""
