"""Notifications by e-mail: one message in plain text and HTML."""

from __future__ import annotations

import html
from typing import Any

from chalicelib.errors import OrchestratorError, Unavailable
from chalicelib.executor.notifications.facts import facts_of, shortened, title_of
from chalicelib.executor.notifications.sender import NotDelivered, SenderContext
from chalicelib.messages import NotificationMessage

SUBJECT_LENGTH = 200
TEXT_LENGTH = 100_000


class EmailSender:
    """Sends the text, the facts and a link."""

    def __init__(self, context: SenderContext) -> None:
        self._mailer = context.mailer

    def send(self, notification: NotificationMessage) -> None:
        if self._mailer is None:
            raise NotDelivered("this executor cannot send e-mail", is_transient=False)
        try:
            self._mailer.send(notification.target, message(notification))
        except OrchestratorError as error:
            is_transient = isinstance(error, Unavailable)
            raise NotDelivered(str(error), is_transient=is_transient) from error


def message(notification: NotificationMessage) -> Any:
    """The message, an `email.message.EmailMessage`, without its sender."""
    from email.message import EmailMessage  # for this kind only

    payload = notification.payload
    title = " ".join(title_of(notification).split())
    text = shortened(str(payload.get("text") or ""), TEXT_LENGTH)
    url = str(payload.get("url") or "")
    facts = facts_of(payload)
    mail = EmailMessage()
    mail["To"] = notification.target
    mail["Subject"] = shortened(title, SUBJECT_LENGTH)
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Notification-Id"] = str(notification.id)
    lines = [text, "\n".join(f"{name}: {value}" for name, value in facts), url]
    mail.set_content("\n\n".join(filter(None, lines)) + "\n")
    mail.add_alternative(_html(title, text, facts, url), subtype="html")
    return mail


def _html(title: str, text: str, facts: list[tuple[str, str]], url: str) -> str:
    rows = "".join(
        f"<tr><td style='padding-right:1em;color:#666'>{html.escape(name)}</td>"
        f"<td>{html.escape(value)}</td></tr>"
        for name, value in facts
    )
    link = f"<p><a href='{html.escape(url)}'>Open in the orchestrator</a></p>" if url else ""
    return (
        f"<html><body style='font-family:sans-serif'><h3>{html.escape(title)}</h3>"
        f"<pre style='white-space:pre-wrap'>{html.escape(text)}</pre>"
        f"<table>{rows}</table>{link}</body></html>\n"
    )
