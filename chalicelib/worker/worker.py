"""Receives messages of one queue, runs several at once, and ends.

The order is the executor's: claim, command, log, result, and only then is the message deleted. What
dies in between is delivered again, and told apart by the claim.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from chalicelib.errors import OrchestratorError, Unavailable
from chalicelib.executor import Executor
from chalicelib.executor.long_patience import LongPatience, pauses
from chalicelib.messages import BadMessage
from chalicelib.ports import Queue, ReceivedMessage
from chalicelib.utils.errors import in_words
from chalicelib.worker.held_messages import RENEWAL_SECONDS, HeldMessages

log = logging.getLogger("orchestrator.worker")

LONG_POLL_SECONDS = 10
"""A first signal waits for the end of a poll: a message that arrives in it is not left behind."""
MAX_RECEIVED = 10
GRACE_SECONDS = 5.0
"""Between the SIGTERM and the SIGKILL that a second signal ends commands by."""


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """What a worker works with. `seen` tells the scheduler that it is there, and whether it is
    about to leave."""

    executor: Executor
    queue: Queue
    patience: LongPatience
    parallelism: int = 1
    seen: Callable[[int, bool], None] = lambda _running, _is_leaving: None
    renewal_seconds: float = RENEWAL_SECONDS
    long_poll_seconds: int = LONG_POLL_SECONDS
    grace_seconds: float = GRACE_SECONDS


class Worker:
    """`run` returns after `finish` or `cancel`, when nothing is in hand any more."""

    def __init__(self, context: WorkerContext) -> None:
        self._context = context
        self._held = HeldMessages(context.queue)
        self._free = threading.BoundedSemaphore(context.parallelism)
        self._stopping = threading.Event()
        self._done = threading.Event()

    def run(self) -> None:
        """Work until told to stop."""
        renewal = threading.Thread(target=self._renew, name="renewal", daemon=True)
        renewal.start()
        with ThreadPoolExecutor(self._context.parallelism, "attempt") as pool:
            while not self._stopping.is_set():
                for message in self._receive():
                    pool.submit(self._handle, message)
        self._done.set()
        renewal.join()
        self._tell_seen(is_leaving=True)

    def finish(self) -> None:
        """Receive no more messages; commands in hand may end."""
        log.info("stopping: %d commands may finish; a second signal ends them", len(self._held))
        self._stopping.set()

    def cancel(self) -> None:
        """End the commands in hand within a few seconds, and report that."""
        log.info("stopping now: %d commands are ended", len(self._held))
        self._stopping.set()
        self._context.patience.hurry()
        self._context.executor.interrupt(self._context.grace_seconds)

    def _receive(self) -> list[ReceivedMessage]:
        """Receive as many messages as there are free slots, each with a slot taken; wait for the
        first."""
        count = self._take_slots()
        received = self._poll(count) if count else []
        for _ in range(count - len(received)):
            self._free.release()
        return received

    def _take_slots(self) -> int:
        """Wait for a free slot, and take what else is free."""
        if not self._free.acquire(timeout=1.0):
            return 0
        count = 1
        while count < MAX_RECEIVED and self._free.acquire(blocking=False):
            count += 1
        return count

    def _poll(self, count: int) -> list[ReceivedMessage]:
        for pause in pauses():
            if self._stopping.is_set():
                break
            try:
                return self._context.queue.receive(count, wait=self._context.long_poll_seconds)
            except OrchestratorError as error:
                log.warning("no messages can be received for now: %s", error)
            self._stopping.wait(pause)
        return []

    def _handle(self, message: ReceivedMessage) -> None:
        try:
            with self._held.holding(message):
                self._work_on(message)
        except Exception as error:  # a thread of the pool would swallow it
            log.error("a message could not be handled: %s", in_words(error))
        finally:
            self._free.release()

    def _work_on(self, message: ReceivedMessage) -> None:
        if self._stopping.is_set():  # received in the last poll, and not begun
            self._held.give_back(message)
            return
        try:
            self._context.executor.handle(message.body, time_left=lambda: math.inf)
        except BadMessage as error:
            # After some deliveries it is among the dead letters, where people see it.
            log.error("a message cannot be read: %s", error)
        except Unavailable as error:
            log.warning("left to the queue, which delivers it again: %s", error)
        else:
            self._delete(message)

    def _delete(self, message: ReceivedMessage) -> None:
        try:
            self._context.queue.delete([message])
        except OrchestratorError as error:
            log.warning("a message that is done with could not be deleted: %s", error)

    def _renew(self) -> None:
        self._tell_seen()
        while not self._done.wait(self._context.renewal_seconds):
            self._held.renew()
            self._tell_seen()

    def _tell_seen(self, *, is_leaving: bool = False) -> None:
        try:
            self._context.seen(len(self._held), is_leaving)
        except OrchestratorError as error:
            log.warning("the scheduler could not be told of this worker: %s", error)
