"""The simulated system, as tests use it: what people ask for, and what the database says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from chalicelib.database.reads import task_instances
from chalicelib.enums import Outcome
from chalicelib.messages import Attempt, TaskMessage
from chalicelib.scheduler.commands import runs
from chalicelib.simulation.scripted_executor import ScriptedOutcome as Played
from chalicelib.simulation.system import SimulatedSystem
from chalicelib.web.logs import read_source
from tests.support.databases import unhurried

__all__ = ["BUSY", "DIE", "FAIL", "SUCCEED", "Played", "World"]

SUCCEED = Played()
FAIL = Played(Outcome.FAILED, exit_code=1)
BUSY = Played(
    Outcome.FAILED, exit_code=None, is_heard=False, is_transient=True, reason="the store is busy"
)
DIE = Played(None)


class World(SimulatedSystem):
    """A simulated system on a file that is written through, as it is in use."""

    def __init__(
        self, folder: Path, script: Callable[[TaskMessage], Played] = lambda _: SUCCEED, **env: str
    ) -> None:
        super().__init__(folder, script, database=unhurried, settings=env)

    def change_places(self, **settings: str) -> None:
        """Deploy with these settings of places. What the queues of removed places hold is lost."""
        changed = replace(self.scheduler.settings, **settings)  # type: ignore[arg-type]
        self.task_queues = self.queues_of_places(changed)
        self.scheduler = replace(self.scheduler, settings=changed, task_queues=self.task_queues)

    def request(self, dag_id: str, *, who: str = "ann", **options: Any) -> str:
        return runs.trigger_run(self.scheduler, dag_id, who=who, **options)[0]

    def all(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        with self.database.read() as tx:
            return [tuple(row) for row in tx.all(sql, params)]

    def run_state(self, run_id: str) -> str:
        return str(self.all("SELECT state FROM runs WHERE run_id = ?", run_id)[0][0])

    def task_states(self, run_id: str) -> dict[str, str]:
        sql = (
            "SELECT task_id, t.state FROM task_instances t JOIN runs r ON r.id = t.run_key"
            " WHERE run_id = ? ORDER BY t.id"
        )
        return dict(self.all(sql, run_id))

    def read_log(self, attempt: Attempt) -> str:
        """The whole log of an attempt, wherever it is."""
        names = (attempt.run_id, attempt.task_id, attempt.map_index)
        with self.database.read() as tx:
            source = task_instances.log_source(tx, *names, attempt.try_number, attempt.poke)
        assert source is not None
        return read_source(self.scheduler.runs, source, 0).content
