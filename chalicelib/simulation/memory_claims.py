"""Claims in memory, and Claims that say when an executor is asked to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable

from chalicelib.claims import Claim
from chalicelib.messages import Attempt
from chalicelib.ports import Claims


class MemoryClaims:
    """Claims beside every bucket, safe to share between threads."""

    def __init__(self) -> None:
        self.taken: dict[Attempt, Claim] = {}
        self.cancels: set[Attempt] = set()
        self._lock = threading.Lock()

    def take(self, attempt: Attempt, claim: Claim) -> Claim | None:
        with self._lock:
            standing = self.taken.setdefault(attempt, claim)
        return None if standing.token == claim.token else standing

    def is_taken(self, attempt: Attempt) -> bool:
        return attempt in self.taken

    def request_cancel(self, attempt: Attempt, at: float) -> None:  # noqa: ARG002
        self.cancels.add(attempt)

    def is_cancel_requested(self, attempt: Attempt) -> bool:
        return attempt in self.cancels


class ObservedClaims:
    """Wraps `claims` and calls `on_cancel` for each request to stop an attempt: on a virtual clock
    nobody polls."""

    def __init__(self, claims: Claims, on_cancel: Callable[[], object]) -> None:
        self._claims, self._on_cancel = claims, on_cancel

    def take(self, attempt: Attempt, claim: Claim) -> Claim | None:
        return self._claims.take(attempt, claim)

    def is_taken(self, attempt: Attempt) -> bool:
        return self._claims.is_taken(attempt)

    def request_cancel(self, attempt: Attempt, at: float) -> None:
        self._claims.request_cancel(attempt, at)
        self._on_cancel()

    def is_cancel_requested(self, attempt: Attempt) -> bool:
        return self._claims.is_cancel_requested(attempt)
