"""Delivers notifications: picks the sender of the kind, and turns what came of it into a result.

A notification is delivered at least once, not exactly once, so a webhook's receiver is given the
notification's number and can recognise one that comes twice.
"""

from __future__ import annotations

from dataclasses import replace

from chalicelib.executor.masking import Mask
from chalicelib.executor.notifications.command import CommandSender
from chalicelib.executor.notifications.email import EmailSender
from chalicelib.executor.notifications.pagerduty import PagerDutySender
from chalicelib.executor.notifications.sender import NotDelivered, Sender, SenderContext
from chalicelib.executor.notifications.slack import SlackSender
from chalicelib.executor.notifications.sns import SnsSender
from chalicelib.executor.notifications.teams import TeamsSender
from chalicelib.executor.notifications.webhook import WebhookSender
from chalicelib.executor.unexpected_errors import unexpected_error
from chalicelib.executor.workspace import CannotStart
from chalicelib.messages import NotificationMessage, NotificationResult
from chalicelib.notification_kinds import KINDS, is_reference

MAX_DELIVERY_SECONDS = 90.0
"""A command's time limit, SIGTERM's grace and the report."""

SENDERS: dict[str, type[Sender]] = {
    "sns": SnsSender,
    "slack": SlackSender,
    "teams": TeamsSender,
    "pagerduty": PagerDutySender,
    "email": EmailSender,
    "webhook": WebhookSender,
    "command": CommandSender,
}
"""By the names of `chalicelib.notification_kinds`."""


def deliver(notification: NotificationMessage, context: SenderContext) -> NotificationResult:
    """Deliver it and return the outcome. Raises nothing: an unexpected error is a reason to try
    again later."""
    try:
        _send(notification, context)
    except NotDelivered as error:
        return NotificationResult(notification.id, False, str(error), error.is_transient)
    except Exception as error:
        return NotificationResult(
            notification.id, False, unexpected_error(error), is_transient=True
        )
    return NotificationResult(notification.id, is_delivered=True)


def _send(notification: NotificationMessage, context: SenderContext) -> None:
    sender = SENDERS.get(notification.how)
    if sender is None:
        # As transient as the version of the code that runs here.
        text = f"the notification kind `{notification.how}` is unknown to this executor"
        raise NotDelivered(text, is_transient=True)
    kind = KINDS.get(notification.how)
    if kind is None or not kind.is_secret or not is_reference(notification.target):
        sender(context).send(notification)
        return
    target = _fetched(notification, context)
    if kind.target_format is not None and not kind.target_format.fits(target):
        text = f"the secret `{notification.target}`: {kind.target_format.problem}"
        raise NotDelivered(text, is_transient=True)  # until somebody corrects it
    try:
        sender(context).send(replace(notification, target=target))
    except NotDelivered as error:
        text = Mask([target]).hide(str(error))
        raise NotDelivered(text, is_transient=error.is_transient) from None


def _fetched(notification: NotificationMessage, context: SenderContext) -> str:
    """The target that a store of secrets holds. Raises NotDelivered."""
    try:
        return context.env_sources.secret("target", notification.target).strip()
    except CannotStart as error:
        raise NotDelivered(str(error), is_transient=True) from error
