"""The claim: an object that only one party can create, and whoever did may start the command.

The scheduler creates it too, to make sure that a command will never start.
"""

from __future__ import annotations

import json
import os
import socket
from dataclasses import dataclass

from chalicelib.errors import OrchestratorError
from chalicelib.messages import Attempt
from chalicelib.ports import Bucket


@dataclass(frozen=True, slots=True)
class Claim:
    """`by` is "executor" or "scheduler"; `claimed_at` in seconds since the epoch."""

    by: str
    claimed_at: float
    token: str


def take(runs: Bucket, attempt: Attempt, moment: float) -> Claim | None:
    """None if the claim is now the caller's, else the claim that stands.

    Raises Unavailable where it is not known which; then the command must not be started, and
    asking again will find the claim, whosever it is.
    """
    token = os.urandom(8).hex()
    body = {"by": "executor", "claimed_at": moment, "executor": _who(), "token": token}
    if runs.create(attempt.claim_key, json.dumps(body).encode()):
        return None
    claim = _read(runs, attempt.claim_key)
    # S3 may have stored the claim and its answer been lost; asked again, it says "exists already".
    return None if claim.token == token else claim


def _read(runs: Bucket, key: str) -> Claim:
    found = runs.get(key)
    try:
        data = json.loads(found.body) if found else {}
        return Claim(str(data["by"]), float(data["claimed_at"]), str(data.get("token", "")))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise OrchestratorError(
            f"the claim `{key}` was there but cannot be read; nobody knows whether the command ran"
        ) from error


def _who() -> str:
    return f"{socket.gethostname()}/{os.getpid()}"
