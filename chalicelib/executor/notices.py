"""Telling people: by a topic, a webhook or a command. A notice is told at least once, never exactly
once, so a webhook's receiver gets the notice's number to know it again by."""

from __future__ import annotations

import json
import math
import time

from chalicelib.errors import OrchestratorError
from chalicelib.executor.environment import CannotStart, Shell, workspace
from chalicelib.executor.equipment import Stores
from chalicelib.executor.process import Running, start
from chalicelib.executor.reasons import TimeLimit, verdict_of
from chalicelib.executor.supervisor import Pulse, Supervisor
from chalicelib.executor.webhook import Webhook, WebhookFailed
from chalicelib.messages import Notice
from chalicelib.ports import Notifier

COMMAND_SECONDS = 60.0
LONGEST_NOTICE = 90.0
"""Seconds that telling may take at most: a command, SIGTERM's grace and the report."""


class Teller:
    """Delivers notices. `notifier` is for topics."""

    def __init__(
        self,
        shell: Shell,
        running: Running,
        stores: Stores,
        notifier: Notifier | None,
        allow_private: bool,
    ) -> None:
        self._shell = shell
        self._running = running
        self._stores = stores
        self._notifier = notifier
        self._allow_private = allow_private

    def tell(self, notice: Notice) -> str:
        """Empty if it is delivered, else why not, fit to be shown."""
        tellers = {"sns": self._publish, "webhook": self._post, "command": self._run}
        if notice.how not in tellers:
            return f"a notice by `{notice.how}` is unknown to this executor"
        return tellers[notice.how](notice)

    def _publish(self, notice: Notice) -> str:
        if self._notifier is None:
            return "this executor has no access to topics"
        body = json.dumps(notice.payload, indent=2, ensure_ascii=False)
        try:
            self._notifier.publish(notice.target, notice.subject, body)
        except OrchestratorError as error:
            return str(error)
        return ""

    def _post(self, notice: Notice) -> str:
        body = json.dumps(notice.payload).encode()
        try:
            webhook = Webhook(notice.target, allow_private=self._allow_private)
            webhook.post(body, key=f"notice-{notice.id}", pause=self._running.wait)
        except WebhookFailed as error:
            return str(error)
        return ""

    def _run(self, notice: Notice) -> str:
        limit = TimeLimit(COMMAND_SECONDS, own=False)
        pulse = Pulse(beat=_nothing, flush=_nothing, every=math.inf)
        try:
            with workspace(None) as place:
                environ = self._stores.for_notice(notice.env, COMMAND_SECONDS)
                command = start(self._shell, notice.target, place.cwd, place.environ(environ))
                self._running.add(command)
                term_at = time.monotonic() + limit.seconds
                ending = Supervisor(command, self._running, _Nowhere(), pulse, term_at).watch()
        except CannotStart as error:
            return str(error)
        if ending.stop is not None:
            return f"its command was stopped after {COMMAND_SECONDS:g} s"
        return verdict_of(ending, limit).reason


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
