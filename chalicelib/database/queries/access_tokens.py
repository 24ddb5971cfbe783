"""Named queries about who may use the API.

Of a token only its SHA-256 ever gets here, as 64 hexadecimal digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chalicelib.database.connection import Transaction
from chalicelib.database.connection.times import to_us
from chalicelib.database.row_builder import build
from chalicelib.enums import Role


@dataclass(frozen=True, slots=True)
class AccessToken:
    """One token, good until `revoked_at` or `expires_at`. `last_used_at` may be an hour old. `dags`
    has the patterns of the DAGs that it is limited to."""

    id: int
    name: str
    role: Role
    sha256: str
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    dags: str | None
    expires_at: datetime | None


_COLUMNS = """
    SELECT id, name, role, sha256, created_at, last_used_at, revoked_at, dags, expires_at
    FROM access_tokens
"""


def insert(
    tx: Transaction,
    name: str,
    role: str,
    sha256: str,
    now: datetime,
    *,
    dags: str | None = None,
    expires_at: datetime | None = None,
) -> bool:
    """Keep a new token; False if the name was ever given to one."""
    expires_us = None if expires_at is None else to_us(expires_at)
    return (
        tx.execute(
            "INSERT INTO access_tokens (name, role, sha256, created_at, dags, expires_at)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO NOTHING",
            (name, role, sha256, to_us(now), dags, expires_us),
        )
        == 1
    )


def by_digest(tx: Transaction, sha256: str) -> AccessToken | None:
    """The token with this digest, revoked, expired or good."""
    row = tx.one(_COLUMNS + "WHERE sha256 = ?", (sha256,))
    return build(AccessToken, row) if row else None


def by_name(tx: Transaction, name: str) -> AccessToken | None:
    """The token of that name, revoked or not."""
    row = tx.one(_COLUMNS + "WHERE name = ?", (name,))
    return build(AccessToken, row) if row else None


def every(tx: Transaction, limit: int) -> list[AccessToken]:
    """All, in the order of making."""
    return [build(AccessToken, row) for row in tx.all(_COLUMNS + "ORDER BY id LIMIT ?", (limit,))]


def count(tx: Transaction) -> int:
    """How many there are, revoked ones included."""
    return int(tx.value("SELECT count(*) FROM access_tokens") or 0)


def note_use(tx: Transaction, key: int, now: datetime, before: datetime) -> bool:
    """Remember that it was used; False if that was noted after `before`."""
    with tx.bookkeeping():
        changed = tx.execute(
            "UPDATE access_tokens SET last_used_at = ?1"
            " WHERE id = ?2 AND (last_used_at IS NULL OR last_used_at <= ?3 OR last_used_at > ?1)",
            (to_us(now), key, to_us(before)),
        )
    return changed == 1


def revoke(tx: Transaction, name: str, now: datetime) -> bool:
    """Revoke the token, effective on the next request; False if no valid token has that name."""
    return (
        tx.execute(
            "UPDATE access_tokens SET revoked_at = ? WHERE name = ? AND revoked_at IS NULL",
            (to_us(now), name),
        )
        == 1
    )
