"""What every sender of notifications is: its context, its one method, its one error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from chalicelib.executor.cleanup import Cleaner
from chalicelib.executor.command_env import CommandEnvSources
from chalicelib.executor.process import RunningCommands
from chalicelib.executor.workspace import Shell
from chalicelib.messages import NotificationMessage
from chalicelib.ports import Mailer, Notifier

PAGERDUTY_URL = "https://events.pagerduty.com/v2/enqueue"


@dataclass(frozen=True, slots=True)
class SenderContext:
    """What senders may use. `notifier` publishes to topics and `mailer` sends e-mail, None where
    there is no access to them. `allow_private`: webhooks may go to private addresses."""

    shell: Shell
    running: RunningCommands
    env_sources: CommandEnvSources
    cleaner: Cleaner
    notifier: Notifier | None
    allow_private: bool
    mailer: Mailer | None = None
    pagerduty_url: str = PAGERDUTY_URL


class NotDelivered(Exception):
    """The text says why, fit to be shown. `is_transient`: sending it later may succeed."""

    def __init__(self, text: str, *, is_transient: bool) -> None:
        super().__init__(text)
        self.is_transient = is_transient


class Sender(Protocol):
    """Sends notifications of one kind; made anew for each."""

    def __init__(self, context: SenderContext) -> None: ...

    def send(self, notification: NotificationMessage) -> None:
        """Deliver it, at least once. Raises NotDelivered."""
