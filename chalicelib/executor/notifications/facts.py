"""The facts of an event as people read them, for all kinds that send text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib.messages import NotificationMessage

_LABELS = {
    "dag_name": "DAG",
    "failed_task": "Task",
    "try_number": "Attempt",
    "run_type": "Run type",
    "logical_date": "Logical date",
    "exit_code": "Exit code",
    "files": "Files",
}


def facts_of(payload: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The label and value of each fact that is worth a line."""
    shown = {**payload, "failed_task": payload.get("failed_task") or payload.get("task_id")}
    return [
        (label, _value(shown[name]))
        for name, label in _LABELS.items()
        if shown.get(name) not in (None, "", [])
    ]


def _value(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def title_of(notification: NotificationMessage) -> str:
    """Return the title, or the subject of a message that has none."""
    return str(notification.payload.get("title") or notification.subject)


def shortened(text: str, length: int) -> str:
    """The text with at most `length` characters."""
    return text if len(text) <= length else f"{text[: length - 1]}…"
