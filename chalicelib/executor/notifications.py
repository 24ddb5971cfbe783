"""Telling people: by a topic, a webhook or a command. A notice is told at least once, never exactly
once, so a webhook's receiver gets the notice's number to know it again by."""

from __future__ import annotations

import json
import math
import time

from chalicelib.errors import OrchestratorError, Unavailable
from chalicelib.executor.cleanup import Cleaner
from chalicelib.executor.command_env import Stores
from chalicelib.executor.internal_errors import internal_error
from chalicelib.executor.outcome import SHELL_CODES, TimeLimit, verdict_of
from chalicelib.executor.process import Running, start
from chalicelib.executor.supervisor import Pulse, watch
from chalicelib.executor.webhook import Webhook, WebhookFailed
from chalicelib.executor.workspace import CannotStart, Shell, workspace
from chalicelib.messages import NotificationMessage, NotificationResult
from chalicelib.ports import Notifier

COMMAND_SECONDS = 60.0
LONGEST_NOTICE = 90.0
"""Seconds that telling may take at most: a command, SIGTERM's grace and the report."""


class NotDelivered(Exception):
    """The text says why, fit to be shown. `is_transient`: later it may be."""

    def __init__(self, text: str, *, is_transient: bool) -> None:
        super().__init__(text)
        self.is_transient = is_transient


class Notifications:
    """Delivers notices. `notifier` is for topics."""

    def __init__(
        self,
        shell: Shell,
        running: Running,
        stores: Stores,
        cleaner: Cleaner,
        notifier: Notifier | None,
        allow_private: bool,
    ) -> None:
        self._shell = shell
        self._running = running
        self._stores = stores
        self._cleaner = cleaner
        self._notifier = notifier
        self._allow_private = allow_private

    def tell(self, notice: NotificationMessage) -> NotificationResult:
        """Deliver it, and say what became of it. Raises nothing: an error that nobody planned is a
        reason to try again later."""
        try:
            self._deliver(notice)
        except NotDelivered as error:
            return NotificationResult(notice.id, False, str(error), error.is_transient)
        except Exception as error:
            return NotificationResult(notice.id, False, internal_error(error), is_transient=True)
        return NotificationResult(notice.id, is_delivered=True)

    def _deliver(self, notice: NotificationMessage) -> None:
        tellers = {"sns": self._publish, "webhook": self._post, "command": self._run}
        if notice.how not in tellers:
            # As transient as the version of the code that runs here.
            text = f"a notice by `{notice.how}` is unknown to this executor"
            raise NotDelivered(text, is_transient=True)
        tellers[notice.how](notice)

    def _publish(self, notice: NotificationMessage) -> None:
        if self._notifier is None:
            raise NotDelivered("this executor has no access to topics", is_transient=False)
        body = json.dumps(notice.payload, indent=2, ensure_ascii=False)
        try:
            self._notifier.publish(notice.target, notice.subject, body)
        except OrchestratorError as error:
            is_transient = isinstance(error, Unavailable)
            raise NotDelivered(str(error), is_transient=is_transient) from error

    def _post(self, notice: NotificationMessage) -> None:
        body = json.dumps(notice.payload).encode()
        try:
            webhook = Webhook(notice.target, allow_private=self._allow_private)
            webhook.post(body, key=f"notice-{notice.id}", pause=self._running.wait)
        except WebhookFailed as error:
            raise NotDelivered(str(error), is_transient=error.is_transient) from error

    def _run(self, notice: NotificationMessage) -> None:
        pulse = Pulse(beat=_nothing, flush=_nothing, every=math.inf)
        try:
            with workspace(None, self._cleaner) as place:
                environ = self._stores.for_notice(notice.env, COMMAND_SECONDS)
                command = start(self._shell, notice.target, place.cwd, place.environ(environ))
                term_at = time.monotonic() + COMMAND_SECONDS
                ending = watch(command, self._running, _Nowhere(), pulse, term_at)
        except CannotStart as error:
            raise NotDelivered(str(error), is_transient=error.is_transient) from error
        if ending.stop is not None:
            text = f"its command was stopped after {COMMAND_SECONDS:g} s"
            raise NotDelivered(text, is_transient=True)
        if reason := verdict_of(ending, TimeLimit(COMMAND_SECONDS, own=False)).reason:
            # A command that failed may have found nobody there; one that is missing stays so.
            raise NotDelivered(reason, is_transient=ending.exit.code not in SHELL_CODES)


class _Nowhere:
    """A sink that keeps nothing."""

    def feed(self, data: bytes) -> None:
        """Dropped."""

    def finish(self) -> None:
        """Nothing is held back."""

    def flush_at(self, now: float) -> float:  # noqa: ARG002
        return math.inf

    def flushed(self, now: float) -> None:
        """Never."""


def _nothing() -> None:
    """There is nobody to report to."""
