"""A Queue in memory: what the contract of `chalicelib.ports` promises, and nothing more."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.ports import Clock, OutgoingMessage, QueueDepth, ReceivedMessage


@dataclass(slots=True)
class _Held:
    """A message in the queue: hidden until `visible_at`."""

    message: OutgoingMessage
    message_id: str
    number: int
    visible_at: datetime
    receive_count: int = 0
    receipt: str = ""


class MemoryQueue:
    """A Queue on a clock that others move, safe to share between threads. It never waits: only its
    clock makes a hidden message appear.

    A message that was received appears again `visibility` seconds later unless it is deleted.
    `on_visible` is told when a message will be visible, for each message that is sent or received.
    """

    def __init__(
        self,
        now: Clock,
        *,
        visibility: float = 60.0,
        on_visible: Callable[[datetime], object] | None = None,
    ) -> None:
        self._now = now
        self._visibility = timedelta(seconds=visibility)
        self._on_visible = on_visible or (lambda _: None)
        self._held: dict[str, _Held] = {}
        self._order: list[tuple[datetime, int, str]] = []
        self._sent = 0
        self._lock = threading.Lock()

    def send(self, messages: Sequence[OutgoingMessage]) -> None:
        times = set()
        with self._lock:
            for message in messages:
                self._sent += 1
                visible_at = self._now() + timedelta(seconds=message.delay)
                held = _Held(message, f"message-{self._sent}", self._sent, visible_at)
                self._held[held.message_id] = held
                self._enqueue(held)
                times.add(visible_at)
        self._tell(times)

    def receive(self, limit: int = 10, *, wait: int = 0) -> list[ReceivedMessage]:  # noqa: ARG002 - nobody waits on it
        received: list[ReceivedMessage] = []
        with self._lock:
            now = self._now()
            while len(received) < limit and self._order and self._order[0][0] <= now:
                visible_at, _, message_id = heapq.heappop(self._order)
                held = self._held.get(message_id)
                if held is not None and held.visible_at == visible_at:
                    received.append(self._hand_out(held, now))
        if received:
            self._tell({now + self._visibility})
        return received

    def delete(self, messages: Sequence[ReceivedMessage]) -> None:
        with self._lock:
            for message in messages:
                self._held.pop(message.message_id, None)

    def hide(self, messages: Sequence[ReceivedMessage], seconds: int) -> None:
        visible_at = self._now() + timedelta(seconds=seconds)
        with self._lock:
            for message in messages:
                held = self._held.get(message.message_id)
                if held is not None and held.receipt == message.receipt:
                    held.visible_at = visible_at
                    self._enqueue(held)
        self._tell({visible_at})

    def depth(self) -> QueueDepth:
        with self._lock:
            now = self._now()
            hidden = [held for held in self._held.values() if held.visible_at > now]
            delayed = sum(held.receive_count == 0 for held in hidden)
            visible = len(self._held) - len(hidden)
            return QueueDepth(visible, delayed, len(hidden) - delayed)

    def bodies(self) -> list[str]:
        """What is in the queue, in the order sent, hidden or not. Receives nothing."""
        with self._lock:
            return [held.message.body for held in self._held.values()]

    def clear(self) -> None:
        """Lose everything."""
        with self._lock:
            self._held.clear()
            self._order.clear()

    def _hand_out(self, held: _Held, now: datetime) -> ReceivedMessage:
        held.receive_count += 1
        held.visible_at = now + self._visibility
        held.receipt = f"{held.message_id}/{held.receive_count}"
        self._enqueue(held)
        return ReceivedMessage(held.message.body, held.message_id, held.receipt, held.receive_count)

    def _enqueue(self, held: _Held) -> None:
        heapq.heappush(self._order, (held.visible_at, held.number, held.message_id))

    def _tell(self, times: set[datetime]) -> None:
        for time in sorted(times):
            self._on_visible(time)
