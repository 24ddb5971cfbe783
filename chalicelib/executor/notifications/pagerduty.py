"""Notifications to a service of PagerDuty, by its Events API v2.

A failure triggers an incident and a success resolves it: both carry the same `dedup_key`, which
names the DAG, or the task instance. https://developer.pagerduty.com/docs/send-alert-event.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from chalicelib.enums import RESOLVING_EVENTS
from chalicelib.executor.notifications.facts import shortened, title_of
from chalicelib.executor.notifications.sender import SenderContext
from chalicelib.executor.notifications.webhook import post_json
from chalicelib.messages import NotificationMessage

SUMMARY_LENGTH = 1024
KEY_LENGTH = 255
DETAIL_LENGTH = 5000
_SEVERITIES = {"retry": "warning", "partial_success": "warning"}


class PagerDutySender:
    """Triggers or resolves an incident."""

    def __init__(self, context: SenderContext) -> None:
        self._context = context

    def send(self, notification: NotificationMessage) -> None:
        post_json(self._context, notification, self._context.pagerduty_url, event(notification))


def event(notification: NotificationMessage) -> dict[str, Any]:
    """The event as PagerDuty takes it."""
    payload = notification.payload
    name = str(payload.get("event"))
    common = {"routing_key": notification.target, "dedup_key": dedup_key(payload)}
    if name in RESOLVING_EVENTS:
        return {**common, "event_action": "resolve"}
    text = str(payload.get("text") or "")
    summary = ": ".join(filter(None, [title_of(notification), text]))
    shown = {key: value for key, value in payload.items() if value not in (None, "")}
    dag = shortened(str(payload.get("dag_id") or "orchestrator"), KEY_LENGTH)
    event: dict[str, Any] = {
        **common,
        "event_action": "trigger",
        "client": "orchestrator",
        "payload": {
            "summary": shortened(" ".join(summary.split()), SUMMARY_LENGTH),
            "source": dag,
            "severity": _SEVERITIES.get(name, "error"),
            "timestamp": payload.get("at"),
            "component": shortened(str(payload.get("task_id") or dag), KEY_LENGTH),
            "group": dag,
            "class": name,
            "custom_details": {
                key: shortened(str(value), DETAIL_LENGTH) for key, value in shown.items()
            },
        },
    }
    if url := str(payload.get("url") or ""):
        event["client_url"] = url
        event["links"] = [{"href": url, "text": "Open in the orchestrator"}]
    return event


def dedup_key(payload: Mapping[str, Any]) -> str:
    """What a failure and the success after it have in common: the installation, and the DAG, the
    task instance, or the problem."""
    parts = [payload.get("installation"), payload.get("dag_id"), payload.get("task_id")]
    if payload.get("map_index") not in (None, -1):
        parts.append(payload["map_index"])
    parts.append(payload.get("problem"))
    key = "/".join(str(part) for part in ("orchestrator", *parts) if part not in (None, ""))
    if len(key) <= KEY_LENGTH:
        return key
    return f"{key[: KEY_LENGTH - 65]}/{hashlib.sha256(key.encode()).hexdigest()}"
