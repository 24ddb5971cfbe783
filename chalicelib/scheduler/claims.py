"""The scheduler's side of the claim: what has not begun can be kept from ever beginning."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from chalicelib.messages import Attempt
from chalicelib.ports import Bucket


@dataclass(frozen=True, slots=True)
class ClaimAttempt:
    """An attempt that no executor took. `claimed_at` is None where the claim is now the
    scheduler's, so that it never starts, else the moment (seconds since the epoch) at which it
    started after all."""

    attempt: Attempt
    reason: str
    claimed_at: float | None


def claim(bucket: Bucket, attempt: Attempt, reason: str, now: datetime) -> ClaimAttempt:
    """Take the attempt's claim; or learn when its command did start."""
    body = json.dumps({"by": "scheduler", "claimed_at": now.timestamp(), "reason": reason})
    if bucket.create(attempt.claim_key, body.encode()):
        return ClaimAttempt(attempt, reason, None)
    by, claimed_at = _holder(bucket, attempt)
    # One of ours is from a process that died before its commit.
    return ClaimAttempt(attempt, reason, None if by == "scheduler" else claimed_at)


def _holder(bucket: Bucket, attempt: Attempt) -> tuple[str, float]:
    """Who claimed the attempt, and when. Of a claim that says nothing nobody knows whether the
    command ran: then it is an executor's, not heard of since 1970."""
    held = bucket.get(attempt.claim_key)
    try:
        claim = json.loads(held.body) if held else {}
        return str(claim["by"]), float(claim["claimed_at"])
    except (ValueError, KeyError, TypeError):
        return "executor", 0.0


def stop(bucket: Bucket, attempt: Attempt, now: datetime) -> bool:
    """Keep the attempt from beginning: True. If it has begun, mark it, and its executor stops
    it."""
    if claim(bucket, attempt, "cancelled", now).claimed_at is None:
        return True
    bucket.put(attempt.cancel_key, json.dumps({"at": now.timestamp()}).encode())
    return False
