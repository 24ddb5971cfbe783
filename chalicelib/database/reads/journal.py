"""The audit log and the notifications."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.database.connection import Row, Transaction
from chalicelib.database.reads.operation_values import AuditEntry, Notification
from chalicelib.database.reads.page import Page
from chalicelib.database.reads.window import WINDOW, Scan, newest
from chalicelib.database.row_builder import build_readable
from chalicelib.notification_kinds import shown_target

_AUDIT = "SELECT a.id, a.at, a.who, a.action, a.target, a.details FROM audit a"
_AUDIT_FILTERS = """
    (:who IS NULL OR a.who = :who) AND (:action IS NULL OR a.action = :action)
    AND (:target IS NULL OR a.target = :target)
"""
AUDIT = Scan(
    page=f"{_AUDIT} WHERE a.id < :before AND a.id >= :floor AND {_AUDIT_FILTERS}"
    " ORDER BY a.id DESC LIMIT :limit",
    floor=f"SELECT a.id FROM audit a WHERE a.id < :before"
    f" ORDER BY a.id DESC LIMIT 1 OFFSET {WINDOW - 1}",
)

_NOTIFICATIONS = """
    SELECT n.id, nullif(n.dag_id, '') AS dag_id, nullif(n.run_id, '') AS run_id, n.task_id,
           n.event, n.kind, n.target, n.payload, n.state, n.sends, n.reason, n.created_at, n.due_at
    FROM notifications n
"""
NOTIFICATIONS = {
    name: Scan(
        page=f"{_NOTIFICATIONS} WHERE {condition} AND n.id < :before AND n.id >= :floor"
        " AND (:state IS NULL OR n.state = :state) ORDER BY n.id DESC LIMIT :limit",
        floor=f"SELECT n.id FROM notifications n WHERE {condition} AND n.id < :before"
        f" ORDER BY n.id DESC LIMIT 1 OFFSET {WINDOW - 1}",
    )
    for name, condition in {"run": "n.run_id = :run_id", "all": "TRUE"}.items()
}


def audit(
    tx: Transaction,
    *,
    limit: int,
    before: int | None = None,
    who: str | None = None,
    action: str | None = None,
    target: str | None = None,
) -> Page[AuditEntry, int]:
    """Changes, newest first: of a person, of a kind, of one thing, or all."""
    filters = {"who": who, "action": action, "target": target}
    is_partial = any(value is not None for value in filters.values())
    rows, next_key = newest(tx, AUDIT, filters, limit, before, is_partial=is_partial)
    return Page([build_readable(AuditEntry, row) for row in rows], next_key)


def notifications(
    tx: Transaction,
    *,
    limit: int,
    before: int | None = None,
    run_id: str | None = None,
    state: str | None = None,
) -> Page[Notification, int]:
    """Notifications, newest first, of a run, in a state, or all."""
    scan = NOTIFICATIONS["all" if run_id is None else "run"]
    filters = {"run_id": run_id, "state": state}
    rows, next_key = newest(tx, scan, filters, limit, before, is_partial=state is not None)
    return Page([_notification(row) for row in rows], next_key)


def notification(tx: Transaction, key: int) -> Notification | None:
    """One notification, or None."""
    row = tx.one(f"{_NOTIFICATIONS} WHERE n.id = ?", (key,))
    return None if row is None else _notification(row)


def _notification(row: Row) -> Notification:
    """Without the secret that a target may be."""
    read = build_readable(Notification, row)
    return replace(read, target=shown_target(read.kind, read.target))
