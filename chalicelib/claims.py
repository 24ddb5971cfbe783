"""An attempt's claim and cancel mark: their keys, their JSON, and the store that keeps them in the
runs bucket.

A claim is a conditional write that exactly one caller wins, ever. An executor that wins it may
start the command; a scheduler that wins it knows that the command will never start.
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
    from chalicelib.ports import Bucket

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
