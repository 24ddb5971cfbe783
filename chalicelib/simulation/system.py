"""Scheduler, queues and executor, connected by the event loop: whatever is sent is delivered at its
time, and nothing takes any."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from chalicelib import config
from chalicelib.claims import BucketClaims
from chalicelib.database import Database
from chalicelib.places import DEFAULT_PLACE, Place, for_each_place, installed
from chalicelib.ports import OutgoingMessage, ReceivedMessage
from chalicelib.scheduler import registration, results
from chalicelib.scheduler.context import SchedulerContext
from chalicelib.scheduler.tick import Report, tick
from chalicelib.simulation.event_loop import EventLoop
from chalicelib.simulation.memory_bucket import MemoryBucket
from chalicelib.simulation.memory_claims import ObservedClaims
from chalicelib.simulation.memory_queue import MemoryQueue
from chalicelib.simulation.scripted_executor import Script, ScriptedExecutor, ScriptedOutcome
from chalicelib.simulation.throwaway_database import throwaway_database
from chalicelib.simulation.virtual_clock import VirtualClock

TICK_SECONDS = 60


def succeed(_: object) -> ScriptedOutcome:
    """The script in which every command succeeds."""
    return ScriptedOutcome()


class SimulatedSystem:
    """The whole system, with its file in `folder`. Time passes in `play` only.

    `settings` are those of `chalicelib.config` by their lower-case names, without the prefix.
    """

    def __init__(
        self,
        folder: Path,
        script: Script = succeed,
        *,
        begins: datetime | None = None,
        database: Callable[[Path], Database] = throwaway_database,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.clock = VirtualClock() if begins is None else VirtualClock(begins)
        self.loop = EventLoop(self.clock)
        self.dags, self.runs = MemoryBucket(), MemoryBucket()
        self.results = MemoryQueue(self.clock, on_visible=self.delivering(self.apply))
        self.dead_letters = MemoryQueue(self.clock)
        self.claims = ObservedClaims(BucketClaims(self.runs), self._look_for_cancels)
        self.database = database(folder / "db" / "orchestrator.db")
        self.database.create_if_missing()
        values = {f"ORCHESTRATOR_{k.upper()}": v for k, v in (settings or {}).items()}
        loaded = config.load(values)
        self.tasks = self._tasks_queue()
        self.task_queues = self.queues_of_places(loaded)
        self.scheduler = SchedulerContext(
            database=self.database,
            task_queues=self.task_queues,
            results=self.results,
            dead_letters=self.dead_letters,
            dags=self.dags,
            runs=self.runs,
            claims=self.claims,
            settings=loaded,
            now=self.clock,
        )
        self.executor = ScriptedExecutor(self.loop, self.claims, self.report, script)
        self.next_tick = self.clock()

    def queues_of_places(self, settings: config.Settings) -> Mapping[str, MemoryQueue]:
        """A queue for each place that the settings install: the one that `tasks` is for the default
        place, new ones for the others. The executor takes from all of them."""

        def queue_of(place: Place) -> MemoryQueue:
            return self.tasks if place.name == DEFAULT_PLACE else self._tasks_queue()

        return for_each_place(installed(settings), queue_of)

    def _tasks_queue(self) -> MemoryQueue:
        return MemoryQueue(self.clock, on_visible=self.delivering(self.execute))

    def delivering(self, deliver: Callable[[], object]) -> Callable[[datetime], None]:
        """Return a queue's `on_visible`: it calls `deliver` when messages become visible, once for
        all that do at the same time."""
        scheduled: set[datetime] = set()

        def schedule(time: datetime) -> None:
            def happen() -> None:
                scheduled.discard(time)
                deliver()

            if time not in scheduled:
                scheduled.add(time)
                self.loop.at(time, happen)

        return schedule

    def upload(self, text: str, key: str = "dag.yaml") -> int:
        """Put the file and let its event arrive."""
        self.dags.put(key, text.encode())
        return registration.register(self.scheduler, [key])

    def remove(self, key: str = "dag.yaml") -> int:
        self.dags.delete([key])
        return registration.register(self.scheduler, [key])

    def report(self, body: str) -> None:
        """Send a report as an executor does."""
        self.results.send([OutgoingMessage(body)])

    def tick(self) -> Report:
        return tick(self.scheduler)

    def apply(self) -> int:
        """Apply what is visible in the results queue, as one batch. Returns the number of
        messages."""
        batch = self._received(self.results)
        if batch:
            results.apply(self.scheduler, [message.body for message in batch])
            self.results.delete(batch)
        return len(batch)

    def execute(self) -> int:
        """Hand the visible task messages to the executor. Returns their number."""
        taken = 0
        for queue in self.task_queues.values():
            batch = self._received(queue)
            for message in batch:
                self.executor.take(message)
            queue.delete(batch)
            taken += len(batch)
        return taken

    def _received(self, queue: MemoryQueue) -> list[ReceivedMessage]:
        batch: list[ReceivedMessage] = []
        while more := queue.receive(10):
            batch += more
        return batch

    def _look_for_cancels(self) -> None:
        self.loop.after(0, self.executor.finish_due)

    def settle(self) -> None:
        """Deliver all that can be delivered now."""
        self.loop.run_due()

    def play(self, seconds: float, *, ticking: bool = True) -> None:
        """Let that much time pass, with a tick every minute."""
        end = self.clock() + timedelta(seconds=seconds)
        while True:
            if ticking and self.clock() >= self.next_tick:
                self.tick()
                self.next_tick = self.clock() + timedelta(seconds=TICK_SECONDS)
            self.settle()
            if self.clock() >= end:
                return
            times = [end, self.loop.next_time, self.next_tick if ticking else None]
            self.clock.moment = min(time for time in times if time is not None)

    def close(self) -> None:
        self.database.close()
