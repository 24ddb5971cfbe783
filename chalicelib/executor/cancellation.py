"""Whether people want a running attempt stopped: they put a marker into the bucket."""

from __future__ import annotations

import logging

from chalicelib.errors import OrchestratorError
from chalicelib.messages import Attempt
from chalicelib.ports import Bucket

log = logging.getLogger("orchestrator.executor")

FIRST_LOOK = 3.0
"""Seconds until the first look: most commands are shorter, and a look costs a request."""
NEXT_LOOK = 5.0


class Cancellation:
    """`asked` once a look has found the marker."""

    def __init__(self, runs: Bucket, attempt: Attempt) -> None:
        self.asked = False
        self._runs = runs
        self._key = attempt.cancel_key

    def look(self) -> None:
        """One request. Where it fails, the next look tells."""
        try:
            self.asked = self.asked or self._runs.get(self._key, limit=0) is not None
        except OrchestratorError:
            log.warning("it cannot be known for now whether to cancel", exc_info=True)
