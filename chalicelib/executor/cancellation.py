"""Asks whether a running attempt is to be cancelled."""

from __future__ import annotations

import logging

from chalicelib.errors import OrchestratorError
from chalicelib.messages import Attempt
from chalicelib.ports import Claims

log = logging.getLogger("orchestrator.executor")

FIRST_LOOK = 3.0
"""Seconds until the first check: most commands are shorter, and a check costs a request."""
NEXT_LOOK = 5.0


class Cancellation:
    """`asked` is True from the first check that finds a request to cancel."""

    def __init__(self, claims: Claims, attempt: Attempt) -> None:
        self.asked = False
        self._claims = claims
        self._attempt = attempt

    def look(self) -> None:
        """Check once, with one request. If that fails, the next check decides."""
        try:
            self.asked = self.asked or self._claims.is_cancel_requested(self._attempt)
        except OrchestratorError:
            log.warning(
                "whether to cancel could not be checked; the next check will tell", exc_info=True
            )
