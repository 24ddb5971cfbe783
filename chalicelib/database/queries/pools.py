"""Named queries about pools."""

from __future__ import annotations

from datetime import datetime

from chalicelib.database.connection import Transaction
from chalicelib.database.connection.times import to_us
from chalicelib.database.index_predicates import TASK_INSTANCES_POOL


def free_slots(tx: Transaction, name: str) -> int | None:
    """Free slots of the pool, negative after it was made smaller; None if there is no such pool."""
    slots = size(tx, name)
    if slots is None:
        return None
    used = tx.value(
        "SELECT coalesce(sum(pool_slots), 0) FROM task_instances WHERE pool = ?"
        f" AND state IN ('queued', 'running') AND {TASK_INSTANCES_POOL}",
        (name,),
    )
    return slots - int(used)


def size(tx: Transaction, name: str) -> int | None:
    """All slots of the pool; None for no pool."""
    slots: int | None = tx.value("SELECT slots FROM pools WHERE name = ?", (name,))
    return slots


def put(tx: Transaction, name: str, slots: int, description: str, now: datetime) -> None:
    """Make or change the pool."""
    tx.execute(
        "INSERT INTO pools (name, slots, description, updated_at) VALUES (?1, ?2, ?3, ?4)"
        " ON CONFLICT (name) DO UPDATE SET slots = ?2, description = ?3, updated_at = ?4",
        (name, slots, description, to_us(now)),
    )


def remove(tx: Transaction, name: str) -> bool:
    """Forget the pool; False if there is none."""
    return tx.execute("DELETE FROM pools WHERE name = ?", (name,)) == 1


def is_in_use(tx: Transaction, name: str) -> bool:
    """Whether a task that is ready or in flight needs the pool."""
    row = tx.one(
        f"SELECT 1 FROM task_instances WHERE pool = ? AND {TASK_INSTANCES_POOL} LIMIT 1",
        (name,),
    )
    return row is not None
