"""An attempt's claim and cancel mark: their keys, their JSON, the store that keeps them in the runs
bucket, and the change from one store to another.

A claim is a conditional write that exactly one caller wins, ever. An executor that wins it may
start the command; a scheduler that wins it knows that the command will never start.

On AWS, claims are in DynamoDB (`chalicelib/aws/dynamodb.py`); the local cloud keeps them in the
runs bucket, as version 0.1.0 did everywhere.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chalicelib.enums import Claimant
from chalicelib.errors import OrchestratorError
from chalicelib.messages import Attempt

if TYPE_CHECKING:
    from datetime import datetime

    from chalicelib.ports import Bucket, Claims, Clock

CLAIM = "claim"
CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Claim:
    """`claimed_at` is in seconds since the epoch. `note` is for people who look: the executor's
    process, or the scheduler's reason. `token` tells a caller whose answer was lost that the claim
    is its own."""

    by: Claimant
    claimed_at: float
    note: str = ""
    token: str = field(default_factory=lambda: os.urandom(8).hex())

    def encode(self) -> str:
        # Not `asdict`, which copies every value deeply.
        data = {"by": self.by, "claimed_at": self.claimed_at, "note": self.note}
        return json.dumps({**data, "token": self.token})

    @classmethod
    def decode(cls, body: bytes | str) -> Claim:
        """Raises ValueError for what is no claim."""
        try:
            data = json.loads(body)
            by, claimed_at = Claimant(data["by"]), float(data["claimed_at"])
            return cls(by, claimed_at, str(data.get("note", "")), str(data.get("token", "")))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("not a claim") from error


class UnreadableClaim(OrchestratorError):
    """The attempt is claimed, but the claim cannot be read."""

    code = "unreadable_claim"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"the claim `{name}` was there but cannot be read; nobody knows whether the command ran"
        )


def claim_key(attempt: Attempt) -> str:
    """The claim's key in the runs bucket."""
    return f"{attempt.prefix}{CLAIM}"


def cancel_key(attempt: Attempt) -> str:
    """The key of the mark that asks the attempt's executor to stop it."""
    return f"{attempt.prefix}{CANCEL}"


class BucketClaims:
    """Implements `chalicelib.ports.Claims` with conditional writes to the runs bucket. Retention
    removes claims together with the rest of the run."""

    def __init__(self, runs: Bucket) -> None:
        self._runs = runs

    def take(self, attempt: Attempt, claim: Claim) -> Claim | None:
        if self._runs.create(claim_key(attempt), claim.encode().encode()):
            return None
        standing = self._read(claim_key(attempt))
        # S3 may have stored the claim and lost its answer; asked again, it says "exists already".
        return None if standing.token == claim.token else standing

    def is_taken(self, attempt: Attempt) -> bool:
        return self._runs.get(claim_key(attempt), limit=0) is not None

    def request_cancel(self, attempt: Attempt, at: float) -> None:
        self._runs.put(cancel_key(attempt), json.dumps({"at": at}).encode())

    def is_cancel_requested(self, attempt: Attempt) -> bool:
        return self._runs.get(cancel_key(attempt), limit=0) is not None

    def _read(self, key: str) -> Claim:
        stored = self._runs.get(key)
        if stored is None:
            raise UnreadableClaim(key)
        try:
            return Claim.decode(stored.body)
        except ValueError as error:
            raise UnreadableClaim(key) from error


class TransitionalClaims:
    """Implements `chalicelib.ports.Claims` while an installation changes from one store to another.

    Before `until`, a claim counts only if it is won in both stores: code that knows only the
    previous one may still run, and messages of attempts that it claimed may still be delivered.
    After `until`, only `current` is asked. Two callers that disagree about the time cannot both
    win, because both need `current`.
    """

    def __init__(self, previous: Claims, current: Claims, until: datetime, now: Clock) -> None:
        self._previous = previous
        self._current = current
        self._until = until
        self._now = now

    def take(self, attempt: Attempt, claim: Claim) -> Claim | None:
        if not self._is_transition():
            return self._current.take(attempt, claim)
        # First the store that everybody knows; whoever wins there is entered into the other one.
        winner = self._previous.take(attempt, claim) or claim
        winner = self._current.take(attempt, winner) or winner
        return None if winner.token == claim.token else winner

    def is_taken(self, attempt: Attempt) -> bool:
        return self._current.is_taken(attempt) or (
            self._is_transition() and self._previous.is_taken(attempt)
        )

    def request_cancel(self, attempt: Attempt, at: float) -> None:
        self._current.request_cancel(attempt, at)
        if self._is_transition():
            self._previous.request_cancel(attempt, at)

    def is_cancel_requested(self, attempt: Attempt) -> bool:
        return self._current.is_cancel_requested(attempt) or (
            self._is_transition() and self._previous.is_cancel_requested(attempt)
        )

    def _is_transition(self) -> bool:
        return self._now() < self._until
