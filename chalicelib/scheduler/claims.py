"""The scheduler's side of the claim: prevent an attempt that has not started from ever starting."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chalicelib.claims import Claim, UnreadableClaim
from chalicelib.enums import Claimant
from chalicelib.messages import Attempt
from chalicelib.ports import Claims


@dataclass(frozen=True, slots=True)
class ClaimAttempt:
    """An attempt that no executor took. `claimed_at` is None where the claim is now the
    scheduler's, so that it never starts; otherwise when it started after all, in seconds since the
    epoch."""

    attempt: Attempt
    reason: str
    claimed_at: float | None


def claim(claims: Claims, attempt: Attempt, reason: str, now: datetime) -> ClaimAttempt:
    """Take the attempt's claim, or find out when its command started. A claim that cannot be read
    counts as an executor's that has been silent since 1970, because the command may have run."""
    try:
        standing = claims.take(attempt, Claim(Claimant.SCHEDULER, now.timestamp(), reason))
    except UnreadableClaim:
        return ClaimAttempt(attempt, reason, 0.0)
    # A scheduler's claim is from a process that died before its commit.
    if standing is None or standing.by is Claimant.SCHEDULER:
        return ClaimAttempt(attempt, reason, None)
    return ClaimAttempt(attempt, reason, standing.claimed_at)


def stop(claims: Claims, attempt: Attempt, now: datetime) -> bool:
    """Prevent the attempt from starting; if it has started, ask its executor to stop it. Returns
    whether it never starts."""
    if claim(claims, attempt, "cancelled", now).claimed_at is None:
        return True
    claims.request_cancel(attempt, now.timestamp())
    return False
