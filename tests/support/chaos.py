"""A world in which messages are lost, doubled and reordered, and executors and schedulers die."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from chalicelib.dag.states import RUN_TRANSITIONS, TASK_TRANSITIONS, RunState, TaskState
from chalicelib.errors import Conflict, NotFound, Unavailable
from chalicelib.places import DEFAULT_PLACE
from chalicelib.ports import OutgoingMessage
from chalicelib.scheduler.commands import runs
from chalicelib.scheduler.commands import task_instances as task_commands
from tests.support.fakes import FakeQueue
from tests.support.world import SUCCEED, Played, World

RECORD_MOVES = (
    "CREATE TABLE moves (kind TEXT, before TEXT, after TEXT)",
    "CREATE TRIGGER task_moved AFTER UPDATE OF state ON task_instances WHEN old.state <> new.state"
    " BEGIN INSERT INTO moves VALUES ('task', old.state, new.state); END",
    "CREATE TRIGGER run_moved AFTER UPDATE OF state ON runs WHEN old.state <> new.state"
    " BEGIN INSERT INTO moves VALUES ('run', old.state, new.state); END",
    # A change of the schema alone is no change of a row, and would be rolled back.
    "INSERT INTO moves VALUES ('run', 'queued', 'running')",
)


class Died(Exception):
    """The process ends here."""


class Chaos(World):
    """A world in which each action may go wrong."""

    def __init__(self, folder: Path, fates: Sequence[Played]) -> None:
        self.fates = list(fates)
        super().__init__(folder, lambda _: self.fates.pop() if self.fates else SUCCEED)
        with self.database.write() as tx:
            for statement in RECORD_MOVES:
                tx.execute(statement)

    def act(self, action: str) -> None:
        getattr(self, "do_" + action.replace(" ", "_"))()

    def do_execute(self, times: int = 1) -> None:
        for message in self.tasks.receive(3):
            for _ in range(times):
                self.executor.take(message)
            self.tasks.delete([message])
        self.executor.finish_due()

    def do_execute_twice(self) -> None:
        self.do_execute(2)

    def do_lose_task(self) -> None:
        self.tasks.delete(self.tasks.receive(1))

    def do_lose_report(self) -> None:
        self.results.delete(self.results.receive(1))

    def do_apply(self) -> None:
        self.executor.finish_due()
        self._apply(lambda bodies: bodies)

    def do_apply_twice(self) -> None:
        self._apply(lambda bodies: bodies + bodies)

    def do_apply_reversed(self) -> None:
        self._apply(lambda bodies: bodies[::-1])

    def _apply(self, order: Any) -> None:
        from chalicelib.scheduler import results

        batch = self.results.receive(10)
        if batch:
            results.apply(self.scheduler, order([message.body for message in batch]))
            self.results.delete(batch)

    def do_die_before_commit(self) -> None:
        @contextmanager
        def write(batch_id: str | None = None) -> Iterator[Any]:
            with type(self.database).write(self.database, batch_id) as tx:
                yield tx
                raise Died

        self.database.write = write  # type: ignore[method-assign]
        try:
            self.do_apply()
        except Died:
            pass
        finally:
            del self.database.write

    def do_die_before_send(self) -> None:
        class Broken(FakeQueue):
            def send(self, messages: Sequence[OutgoingMessage]) -> None:
                raise Unavailable("died")

        object.__setattr__(self.scheduler, "task_queues", {DEFAULT_PLACE: Broken(self.clock)})
        try:
            self.do_apply()
        finally:
            object.__setattr__(self.scheduler, "task_queues", {DEFAULT_PLACE: self.tasks})

    def do_tick(self) -> None:
        self.tick()

    def do_second(self) -> None:
        self.clock.advance(1)

    def do_minute(self) -> None:
        self.clock.advance(61)

    def do_request(self) -> None:
        self.request("d")

    def do_cancel(self) -> None:
        with suppress(Conflict):
            runs.cancel_run(self.scheduler, self.last_run(), who="ann")

    def do_clear(self) -> None:
        with suppress(Conflict):
            runs.clear(self.scheduler, self.last_run(), only_failed=True, who="ann")

    def do_mark(self) -> None:
        with suppress(Conflict, NotFound):
            task_commands.mark(self.scheduler, self.last_run(), "t0", None, "failed", who="ann")

    def last_run(self) -> str:
        return str(
            self.all("SELECT run_id FROM runs WHERE dag_id = 'd' ORDER BY id DESC LIMIT 1")[0][0]
        )


def assert_rules(world: World) -> None:
    assert world.all("SELECT run_id FROM runs WHERE ended_at IS NULL") == []
    unended = "SELECT 1 FROM task_instances WHERE ended_at IS NULL AND state <> 'none'"
    assert world.all(unended) == []
    started = [task.attempt for _, task in world.executor.started]
    assert len(started) == len(set(started))
    for kind, before, after in world.all("SELECT DISTINCT * FROM moves"):
        if kind == "run":
            assert RunState(after) in RUN_TRANSITIONS[RunState(before)]
        else:
            assert TaskState(after) in TASK_TRANSITIONS[TaskState(before)]
