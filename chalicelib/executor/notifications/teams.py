"""Notifications to a channel of Microsoft Teams, by the webhook of a workflow.

The workflow "Send webhook alerts to a channel" posts the Adaptive Card of a message:
https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using.
"""

from __future__ import annotations

from typing import Any

from chalicelib.executor.notifications.facts import facts_of, shortened, title_of
from chalicelib.executor.notifications.sender import SenderContext
from chalicelib.executor.notifications.webhook import post_json
from chalicelib.messages import NotificationMessage

TEXT_LENGTH = 8000
"""Teams takes at most 28 KB a message, and JSON may write a character in six bytes."""
TITLE_LENGTH = 200
FACT_LENGTH = 200
_COLOURS = {"success": "Good", "retry": "Warning", "partial_success": "Warning", "resolved": "Good"}
_TEXT_BYTES = 14_000


class TeamsSender:
    """Posts an Adaptive Card with the text, the facts and a link."""

    def __init__(self, context: SenderContext) -> None:
        self._context = context

    def send(self, notification: NotificationMessage) -> None:
        post_json(self._context, notification, notification.target, message(notification))


def message(notification: NotificationMessage) -> dict[str, Any]:
    """The message as Teams takes it."""
    return {
        "type": "message",
        "attachments": [
            {
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": None,
                "content": _card(notification),
            }
        ],
    }


def _card(notification: NotificationMessage) -> dict[str, Any]:
    payload = notification.payload
    title = shortened(title_of(notification), TITLE_LENGTH)
    body: list[dict[str, Any]] = [
        {
            "type": "TextBlock",
            "text": _literal(title),
            "size": "Large",
            "weight": "Bolder",
            "wrap": True,
            "color": _COLOURS.get(str(payload.get("event")), "Attention"),
        }
    ]
    if text := _limited(str(payload.get("text") or "")):
        body.append({"type": "TextBlock", "text": _literal(text), "wrap": True})
    facts = [
        {"title": name, "value": shortened(value, FACT_LENGTH)} for name, value in facts_of(payload)
    ]
    if facts:
        body.append({"type": "FactSet", "facts": facts})
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": title,
        "msteams": {"width": "Full"},
        "body": body,
    }
    if url := payload.get("url"):
        card["actions"] = [
            {"type": "Action.OpenUrl", "title": "Open in the orchestrator", "url": str(url)}
        ]
    return card


def _limited(text: str) -> str:
    short = shortened(text, TEXT_LENGTH)
    while len(short) > 1 and _most_bytes(short) > _TEXT_BYTES:
        short = shortened(short, len(short) // 2)
    return short


def _most_bytes(text: str) -> int:
    """Return at most how many bytes JSON takes for the text: escaped, and as a part of Markdown."""
    return sum(12 if char > "\uffff" else 6 if char > "~" else 4 for char in text)


def _literal(text: str) -> str:
    """The text as it is, where Markdown is read: each of its lines one of the card's."""
    for char in ("\\", "*", "_", "[", "]", "`"):
        text = text.replace(char, f"\\{char}")
    return text.replace("\n", "\n\n")
