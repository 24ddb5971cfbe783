"""What a case does, step by step, to the whole system."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chalicelib.errors import OrchestratorError
from chalicelib.scheduler.commands import backfills, pools, runs
from chalicelib.scheduler.commands import dags as dag_commands
from chalicelib.scheduler.commands import task_instances as task_commands
from tests.conformance.case import FOLDER, Case
from tests.conformance.checks import Checks
from tests.conformance.places import RemotePlace
from tests.conformance.system import System

_RUN_ID = re.compile(r"[\w.-]+__\d{8}T\d{6}Z_[a-z0-9]{5}")


class Story:
    """Plays a case. Each public method is a word of a step; `refused` beside it is the exact error
    that it must meet, with RUN for a run_id."""

    def __init__(self, case: Case, folder: Path, place: RemotePlace | None = None) -> None:
        self._case = case
        self._folder = folder
        self._system = System(folder, case.clock, case.lasts, case.secrets, place)

    def tell(self) -> None:
        """Upload the files and take every step."""
        try:
            for name, text in self._case.also.items():
                self._system.upload(text, name)
            self._system.upload(self._case.dag)
            for step in self._case.steps:
                self._take(dict(step))
        finally:
            self._system.close()

    def _take(self, step: dict[str, Any]) -> None:
        refused = step.pop("refused", None)
        ((word, details),) = step.items()
        if refused is None:
            getattr(self, word)(details)
            return
        with pytest.raises(OrchestratorError) as caught:
            getattr(self, word)(details)
        assert _RUN_ID.sub("RUN", caught.value.message) == refused

    def then(self, expected: dict[str, Any]) -> None:
        """See checks.Checks."""
        Checks(self._system, self._folder, self.dag_id).all(expected)

    @property
    def dag_id(self) -> str:
        """Return the dag_id of the case's own file, the last one uploaded."""
        found = self._system.all("SELECT dag_id FROM dags ORDER BY rowid DESC LIMIT 1")
        return str(found[0][0]) if found else ""

    def run(self, options: dict[str, Any]) -> None:
        """Ask for a run: `dag_id`, `params`, `logical_date`, `idempotency_key`, `note`."""
        given = dict(options)
        if "logical_date" in given:
            given["logical_date"] = _moment(given["logical_date"])
        self._system.request(given.pop("dag_id", self.dag_id), **given)

    def play(self, seconds: float) -> None:
        """Let so many seconds pass, with ticks and everything that they bring about."""
        self._system.play(seconds)

    def outage(self, seconds: float) -> None:
        """Let nothing work for so many seconds, not even a tick."""
        self._system.clock.advance(seconds)

    def upload(self, name: str) -> None:
        """Put another version of the file, from `also/`, in its place."""
        self._system.upload((FOLDER / "also" / name).read_text(encoding="utf-8"))

    def pad(self, size: int) -> None:
        """Upload the file with a comment that makes it `size` bytes long."""
        text = self._case.dag + "\n#"
        self._system.upload(text + "x" * (size - len(text.encode())))

    def pause(self, is_paused: bool) -> None:
        dag_commands.set_paused(self._system.scheduler, self.dag_id, is_paused, who="ann")

    def cancel(self, task_id: str | None) -> None:
        """The run, or one task of it."""
        run_id = self._last_run()
        if task_id is None:
            runs.cancel_run(self._system.scheduler, run_id, who="ann")
        else:
            task_commands.cancel_task(self._system.scheduler, run_id, task_id, who="ann")

    def clear(self, options: dict[str, Any]) -> None:
        runs.clear(self._system.scheduler, self._last_run(), **options, who="ann")

    def retry(self, number: int) -> None:
        """Retry the run with this number, counted from 1."""
        run_ids = self._system.all(
            "SELECT run_id FROM runs WHERE dag_id = ? ORDER BY id", self.dag_id
        )
        runs.retry_run(self._system.scheduler, run_ids[number - 1][0], who="ann")

    def mark(self, states: dict[str, str]) -> None:
        for task_id, state in states.items():
            task_commands.mark(
                self._system.scheduler, self._last_run(), task_id, None, state, who="ann"
            )

    def pool(self, slots: dict[str, int]) -> None:
        for name, number in slots.items():
            pools.put_pool(self._system.scheduler, name, number, who="ann")

    def backfill(self, options: dict[str, Any]) -> None:
        """`from`, `to`, and what else backfill.create takes."""
        given = dict(options)
        first, last = _moment(given.pop("from")), _moment(given.pop("to"))
        backfills.create(
            self._system.scheduler, self.dag_id, who="ann", from_date=first, to_date=last, **given
        )

    def _last_run(self) -> str:
        sql = "SELECT run_id FROM runs WHERE dag_id = ? ORDER BY id DESC LIMIT 1"
        return str(self._system.all(sql, self.dag_id)[0][0])


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
