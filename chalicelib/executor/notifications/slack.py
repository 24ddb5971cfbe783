"""Notifications to a channel of Slack, by an incoming webhook.

The lengths are the limits of Slack's Block Kit: https://docs.slack.dev/reference/block-kit/blocks.
"""

from __future__ import annotations

from typing import Any

from chalicelib.executor.notifications.facts import facts_of, shortened, title_of
from chalicelib.executor.notifications.sender import SenderContext
from chalicelib.executor.notifications.webhook import post_json
from chalicelib.messages import NotificationMessage

HEADER_LENGTH = 150
SECTION_LENGTH = 3000
FIELD_LENGTH = 2000
MAX_FIELDS = 10
_MARKS = {"success": ":white_check_mark:", "retry": ":repeat:", "resolved": ":white_check_mark:"}
_TROUBLE = ":red_circle:"
_ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


class SlackSender:
    """Posts a header, the text, the facts and a link."""

    def __init__(self, context: SenderContext) -> None:
        self._context = context

    def send(self, notification: NotificationMessage) -> None:
        post_json(self._context, notification, notification.target, message(notification))


def message(notification: NotificationMessage) -> dict[str, Any]:
    """The message as Slack takes it; `text` is for what shows no blocks."""
    payload = notification.payload
    mark = _MARKS.get(str(payload.get("event")), _TROUBLE)
    title = title_of(notification)
    blocks: list[dict[str, Any]] = [
        {
            "type": "header",
            "text": {
                "type": "plain_text",
                "text": shortened(f"{mark} {title}", HEADER_LENGTH),
                "emoji": True,
            },
        }
    ]
    if text := str(payload.get("text") or ""):
        blocks.append(_section(text))
    fields = [
        {"type": "mrkdwn", "text": f"*{name}*\n{_escaped(value, FIELD_LENGTH - len(name) - 3)}"}
        for name, value in facts_of(payload)[:MAX_FIELDS]
    ]
    if fields:
        blocks.append({"type": "section", "fields": fields})
    if url := str(payload.get("url") or ""):
        link = f"<{_escaped(url, SECTION_LENGTH - 50)}|Open in the orchestrator>"
        blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": link}]})
    summary = ": ".join(filter(None, [title, text]))
    return {"text": _escaped(summary, SECTION_LENGTH), "blocks": blocks}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": _escaped(text, SECTION_LENGTH)}}


def _escaped(text: str, length: int) -> str:
    """The text with at most `length` characters once `&`, `<` and `>` are escaped, as Slack
    counts."""
    escaped = "".join(_ESCAPED.get(char, char) for char in text)
    if len(escaped) <= length:
        return escaped
    kept: list[str] = []
    left = length - 1
    for char in text:
        piece = _ESCAPED.get(char, char)
        left -= len(piece)
        if left < 0:
            break
        kept.append(piece)
    return f"{''.join(kept)}…"
