"""Keeps the messages in hand hidden from other workers for as long as they are worked on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from chalicelib.errors import OrchestratorError
from chalicelib.ports import Queue, ReceivedMessage

log = logging.getLogger("orchestrator.worker")

HIDDEN_SECONDS = 120
"""What a worker that dies leaves hidden for so long. The claim tells others what became of it."""
RENEWAL_SECONDS = 40.0


class HeldMessages:
    """Safe to use from several threads."""

    def __init__(self, queue: Queue, hidden_seconds: int = HIDDEN_SECONDS) -> None:
        self._queue = queue
        self._hidden_seconds = hidden_seconds
        self._held: dict[str, ReceivedMessage] = {}
        self._lock = threading.Lock()

    @contextmanager
    def holding(self, message: ReceivedMessage) -> Iterator[None]:
        with self._lock:
            self._held[message.receipt] = message
        try:
            yield
        finally:
            with self._lock:
                del self._held[message.receipt]

    def __len__(self) -> int:
        return len(self._held)

    def renew(self) -> None:
        """Hide what is held anew. What that fails for may be delivered to another worker, which
        loses the claim."""
        with self._lock:
            held = list(self._held.values())
        try:
            self._queue.hide(held, self._hidden_seconds)
        except OrchestratorError as error:
            log.warning("messages in hand could not be kept hidden: %s", error)

    def give_back(self, message: ReceivedMessage) -> None:
        """Let others have it at once."""
        try:
            self._queue.hide([message], 0)
        except OrchestratorError as error:
            log.warning("a message could not be given back: %s", error)
