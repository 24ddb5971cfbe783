"""Notifications to an SNS topic."""

from __future__ import annotations

import json

from chalicelib.errors import OrchestratorError, Unavailable
from chalicelib.executor.notifications.facts import title_of
from chalicelib.executor.notifications.sender import NotDelivered, SenderContext
from chalicelib.messages import NotificationMessage


class SnsSender:
    """Publishes the facts as indented JSON, which people read in an e-mail."""

    def __init__(self, context: SenderContext) -> None:
        self._notifier = context.notifier

    def send(self, notification: NotificationMessage) -> None:
        if self._notifier is None:
            raise NotDelivered("this executor has no access to topics", is_transient=False)
        body = json.dumps(notification.payload, indent=2, ensure_ascii=False)
        try:
            self._notifier.publish(notification.target, title_of(notification), body)
        except OrchestratorError as error:
            is_transient = isinstance(error, Unavailable)
            raise NotDelivered(str(error), is_transient=is_transient) from error
