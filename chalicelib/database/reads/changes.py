"""Whether anything that people see has changed."""

from __future__ import annotations

from chalicelib.database.connection import Transaction

LATEST = """
    SELECT c.seq FROM commits c WHERE NOT EXISTS (SELECT 1 FROM quiet_commits q WHERE q.seq = c.seq)
    ORDER BY c.seq DESC LIMIT 1
"""


def latest(tx: Transaction) -> int:
    """The number of the latest commit that was more than bookkeeping; 0 if none is remembered."""
    return int(tx.value(LATEST) or 0)
