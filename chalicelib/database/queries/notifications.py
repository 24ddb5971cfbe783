"""Queries about notifications, which must be sent at least once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.database.connection import Transaction
from chalicelib.database.connection.times import to_us
from chalicelib.database.index_predicates import NOTIFICATIONS_OF_INSTALLATION
from chalicelib.database.row_builder import build
from chalicelib.enums import RESOLVING_EVENTS, NotificationEvent, NotificationState
from chalicelib.notification_kinds import KindName


@dataclass(frozen=True, slots=True)
class Notification:
    """One that is to be sent (again). `payload` is what is told, `env` included."""

    id: int
    dag_id: str
    event: NotificationEvent
    kind: KindName
    target: str
    payload_text: str
    sends: int

    @property
    def payload(self) -> dict[str, Any]:
        """Decoded on access, so that one unreadable payload does not block the others."""
        payload: dict[str, Any] = json.loads(self.payload_text)
        return payload


def insert(
    tx: Transaction,
    *,
    dag_id: str,
    run_id: str,
    task_id: str | None,
    event: NotificationEvent,
    kind: KindName,
    target: str,
    payload: Mapping[str, Any],
    due_at: datetime,
    now: datetime,
) -> int:
    """Keep one that is about to be sent; answers its id."""
    return tx.insert(
        "INSERT INTO notifications (dag_id, run_id, task_id, event, kind, target, payload, sends,"
        " created_at, due_at) VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?, ?)",
        (
            dag_id,
            run_id,
            task_id,
            event,
            kind,
            target,
            json.dumps(payload),
            to_us(now),
            to_us(due_at),
        ),
    )


LOOK_BACK = 200
"""Notifications of a DAG and kind among which the last one about a task is looked for."""


def is_open(
    tx: Transaction, dag_id: str, kind: str, target: str, task_id: str | None, map_index: int
) -> bool:
    """Whether the last notification to the target about this run's DAG, or task instance, was of a
    failure."""
    event = tx.value(
        "SELECT event FROM (SELECT id, event, target, task_id, payload FROM notifications"
        " WHERE dag_id = ?1 AND kind = ?2 ORDER BY id DESC LIMIT ?6)"
        " WHERE target = ?3 AND task_id IS ?4"
        " AND coalesce(json_extract(payload, '$.map_index'), -1) = ?5 ORDER BY id DESC LIMIT 1",
        (dag_id, kind, target, task_id, map_index, LOOK_BACK),
    )
    return event is not None and event not in RESOLVING_EVENTS


def sent_about_installation(tx: Transaction, since: datetime) -> int:
    """How many notifications about the installation itself there were since then."""
    return int(
        tx.value(
            f"SELECT count(*) FROM notifications WHERE {NOTIFICATIONS_OF_INSTALLATION}"
            " AND created_at > ?",
            (to_us(since),),
        )
    )


_COLUMNS = (
    "SELECT id, dag_id, event, kind, target, payload AS payload_text, sends FROM notifications"
)


def pending(tx: Transaction, key: int) -> Notification | None:
    """The one with this id, or None if it is delivered, given up or removed."""
    row = tx.one(f"{_COLUMNS} WHERE id = ? AND state = 'pending'", (key,))
    return None if row is None else build(Notification, row)


def find(tx: Transaction, key: int) -> Notification | None:
    """The one with this id, whatever became of it, or None if it is removed."""
    row = tx.one(f"{_COLUMNS} WHERE id = ?", (key,))
    return None if row is None else build(Notification, row)


def reopen(tx: Transaction, key: int, due_at: datetime) -> None:
    """It is sent again, as if for the first time."""
    tx.execute(
        "UPDATE notifications SET state = 'pending', sends = 1, reason = '', due_at = ?"
        " WHERE id = ?",
        (to_us(due_at), key),
    )


def due(tx: Transaction, now: datetime, limit: int) -> list[Notification]:
    """Return the notifications without a result in time, the longest overdue first."""
    rows = tx.all(
        f"{_COLUMNS} WHERE due_at <= ? AND due_at IS NOT NULL ORDER BY due_at LIMIT ?",
        (to_us(now), limit),
    )
    return [build(Notification, row) for row in rows]


def wait(tx: Transaction, key: int, due_at: datetime, reason: str) -> None:
    """Record that the notification could not be delivered for now."""
    tx.execute(
        "UPDATE notifications SET due_at = ?, reason = ? WHERE id = ? AND state = 'pending'",
        (to_us(due_at), reason, key),
    )


def postpone(tx: Transaction, key: int, due_at: datetime) -> None:
    """Record that the notification is sent once more."""
    tx.execute(
        "UPDATE notifications SET sends = sends + 1, due_at = ? WHERE id = ? AND state = 'pending'",
        (to_us(due_at), key),
    )


def end(tx: Transaction, key: int, is_delivered: bool, reason: str) -> bool:
    """pending -> delivered or failed."""
    state = NotificationState.DELIVERED if is_delivered else NotificationState.FAILED
    return (
        tx.execute(
            "UPDATE notifications SET state = ?, reason = ?, due_at = NULL"
            " WHERE id = ? AND state = 'pending'",
            (state, reason, key),
        )
        == 1
    )


def forget(tx: Transaction, before: datetime, limit: int) -> int:
    """Remove what is old among the `limit` oldest: no more are looked at."""
    return tx.execute(
        "DELETE FROM notifications WHERE id < (SELECT min(id) FROM notifications) + ?"
        " AND created_at < ? AND due_at IS NULL",
        (limit, to_us(before)),
    )
