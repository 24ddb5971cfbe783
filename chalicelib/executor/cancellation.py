"""Whether people want a running attempt stopped: they put a marker into the bucket."""

from __future__ import annotations

import logging

from chalicelib.errors import OrchestratorError
from chalicelib.messages import Attempt
from chalicelib.ports import Claims

log = logging.getLogger("orchestrator.executor")

FIRST_LOOK = 3.0
"""Seconds until the first look: most commands are shorter, and a look costs a request."""
NEXT_LOOK = 5.0


class Cancellation:
    """`asked` once a look has found the marker."""

    def __init__(self, claims: Claims, attempt: Attempt) -> None:
        self.asked = False
        self._claims = claims
        self._attempt = attempt

    def look(self) -> None:
        """One request. Where it fails, the next look tells."""
        try:
            self.asked = self.asked or self._claims.is_cancel_requested(self._attempt)
        except OrchestratorError:
            log.warning("it cannot be known for now whether to cancel", exc_info=True)
