"""The audit log: who did what, and when."""

from __future__ import annotations

from typing import Any

from chalicelib.database.queries import housekeeping
from chalicelib.scheduler.unit_of_work import UnitOfWork


def audit(work: UnitOfWork, who: str, action: str, target: str, **details: Any) -> None:
    """Write one row, in the same transaction as the change."""
    housekeeping.audit(work.tx, who, action, target, details, work.now)
