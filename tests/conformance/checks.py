"""What a case says must be true."""

from __future__ import annotations

import dataclasses
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chalicelib.database.reads import dags as dag_reads
from chalicelib.messages import Attempt
from tests.conformance.system import System

_ATTEMPT = re.compile(r"(?P<task>[^\[#]+)(?:\[(?P<copy>\d+)\])?(?:#(?P<number>\d+))?")


class Checks:
    """Each public method is a word of `then`. A run is the latest one of the case's own DAG; a
    task may be `name[3]` for a copy, and `name#2` for an attempt that is not the latest."""

    def __init__(self, system: System, folder: Path, dag_id: str) -> None:
        self._system, self._folder, self._dag_id = system, folder, dag_id

    def all(self, expected: dict[str, Any]) -> None:
        for word, value in expected.items():
            getattr(self, word)(value)

    def run(self, state: str) -> None:
        assert self.states()[-1] == state, self.everything()

    def runs(self, states: list[str]) -> None:
        """Check all runs of the DAG, in the order of their creation."""
        assert self.states() == states, self.everything()

    def runs_of(self, states: dict[str, list[str]]) -> None:
        """Check the runs of another DAG, as `runs` does."""
        found = {dag_id: self.states(dag_id) for dag_id in states}
        assert found == states, self.everything()

    def run_reason(self, pattern: str) -> None:
        """What the run says about its end, as a whole."""
        rows = self._rows("SELECT reason FROM runs WHERE dag_id = ? ORDER BY id")
        assert re.fullmatch(pattern, rows[-1][0]), rows

    def tasks(self, states: dict[str, Any]) -> None:
        """Check all tasks of the run without its history; a task with copies has a list."""
        sql = "SELECT task_id, map_index, state FROM task_instances WHERE removed_at IS NULL"
        sql += " AND run_key ="
        found: dict[str, Any] = {}
        for task_id, copy, state in self._rows(f"{sql} {_RUN} ORDER BY task_id, map_index"):
            if copy < 0:
                found[task_id] = state
            else:
                found.setdefault(task_id, []).append(state)
        assert found == states, self.everything()

    def history(self, states: dict[str, str]) -> None:
        """Tasks that the run's version has no more."""
        sql = "SELECT task_id, state FROM task_instances WHERE removed_at IS NOT NULL"
        assert dict(self._rows(f"{sql} AND run_key = {_RUN}")) == states, self.everything()

    def ran_with(self, versions: dict[str, list[int]]) -> None:
        """The version of the file that each attempt of a task of the run had."""
        sql = "SELECT task_id, a.version FROM attempts a JOIN task_instances t ON t.id ="
        rows = self._rows(f"{sql} task_instance_id WHERE run_key = {_RUN} ORDER BY a.try_number")
        found = {name: [version for task, version in rows if task == name] for name in versions}
        assert found == versions, self.everything()

    def reason(self, patterns: dict[str, str]) -> None:
        """What a task says about its state, as a whole."""
        sql = "SELECT task_id, reason FROM task_instances WHERE run_key ="
        found = dict(self._rows(f"{sql} {_RUN}"))
        wrong = {t: found[t] for t, p in patterns.items() if not re.fullmatch(p, found[t])}
        assert not wrong, wrong

    def said(self, lines: dict[str, list[str]]) -> None:
        """The log of an attempt, line by line."""
        found = {name: self._log(name) for name in lines}
        assert found == lines

    def said_like(self, patterns: dict[str, str]) -> None:
        """Check the log, lines joined by spaces, against a regular expression for the whole."""
        found = {name: " ".join(self._log(name)) for name in patterns}
        wrong = {n: t for n, t in found.items() if not re.fullmatch(patterns[n], t, re.DOTALL)}
        assert not wrong, wrong

    def order(self, task_ids: list[str]) -> None:
        """Check the order in which the attempts of all runs began."""
        assert [a.task_id for a in self._started()] == task_ids

    def starts(self, seconds: dict[str, list[float]]) -> None:
        """Check when each attempt of a task began, in seconds of the case."""
        begins = self._system.begins
        found: dict[str, list[float]] = {name: [] for name in seconds}
        for moment, task in self._system.executor.started:
            if task.attempt.task_id in found:
                offset = (moment - begins).total_seconds()
                found[task.attempt.task_id].append(round(offset, 6))
        assert found == seconds

    def most_at_once(self, numbers: dict[str, int]) -> None:
        """The most attempts of a task that ran at the same time; of all tasks under `*`."""
        assert {name: self._system.commands.most[name] for name in numbers} == numbers

    def attempts(self, outcomes: dict[str, list[str]]) -> None:
        """How each attempt of a task of the run ended."""
        sql = "SELECT task_id, outcome FROM attempts JOIN task_instances t ON t.id ="
        sql += f" task_instance_id WHERE run_key = {_RUN} ORDER BY map_index, attempts.try_number"
        found: dict[str, list[str]] = {name: [] for name in outcomes}
        for task_id, outcome in self._rows(sql):
            if task_id in found:
                found[task_id].append(outcome)
        assert found == outcomes

    def outputs(self, values: dict[str, Any]) -> None:
        """What a task of the run handed on."""
        sql = "SELECT task_id, outputs FROM task_outputs o JOIN task_instances t ON t.id ="
        rows = self._rows(f"{sql} task_instance_id WHERE run_key = {_RUN}")
        assert {task_id: json.loads(text) for task_id, text in rows} == values

    def dates(self, moments: list[str]) -> None:
        """The logical dates of all runs, in the order in which they were made."""
        rows = self._rows("SELECT logical_date FROM runs WHERE dag_id = ? ORDER BY id")
        assert [_iso(row[0]) for row in rows] == moments

    def began(self, moments: list[str]) -> None:
        """Check when the attempts began, in order."""
        found = [moment for moment, _ in self._system.executor.started]
        assert [f"{m:%Y-%m-%dT%H:%M:%SZ}" for m in found] == moments

    def told(self, notices: list[list[str]]) -> None:
        """Whom people are told by, where, and what about, in order."""
        assert [[n.how, n.target, n.subject] for n in self._system.executor.notified] == notices

    def files(self, texts: dict[str, str | None]) -> None:
        """Files in $CASE; null: there is none."""
        paths = {name: self._folder / name for name in texts}
        found = {n: p.read_text() if p.exists() else None for n, p in paths.items()}
        assert found == texts

    def paused(self, reason: str | bool) -> None:
        """Whether, or why, the DAG is paused."""
        rows = self._rows("SELECT is_paused, paused_reason FROM dags WHERE dag_id = ?")
        is_paused, why = rows[0]
        assert (why or bool(is_paused)) == reason

    def shown(self, values: dict[str, Any]) -> None:
        """What the API has to tell about the DAG."""
        with self._system.database.read() as tx:
            found = dag_reads.dag(tx, self._dag_id)
        assert found is not None
        told = json.loads(json.dumps(dataclasses.asdict(found), default=str))
        assert {name: told[name] for name in values} == values

    def listed(self, filters: dict[str, list[str]]) -> None:
        """The DAGs that a tag filters from the list."""
        with self._system.database.read() as tx:
            pages = {tag: dag_reads.list_dags(tx, limit=10, tag=tag) for tag in filters}
        assert {tag: [d.dag_id for d in p.items] for tag, p in pages.items()} == filters

    def registered(self, dag_ids: list[str]) -> None:
        assert [row[0] for row in self._system.all("SELECT dag_id FROM dags")] == dag_ids

    def problems(self, expected: list[str]) -> None:
        """What is wrong with the file: `line:column message`, all and exactly."""
        rows = self._system.all("SELECT problems FROM import_errors")
        found = [p for row in rows for p in json.loads(row[0])]
        assert [f"{p['line']}:{p['column']} {p['message']}" for p in found] == expected

    def states(self, dag_id: str | None = None) -> list[str]:
        sql = "SELECT state FROM runs WHERE dag_id = ? ORDER BY id"
        return [row[0] for row in self._system.all(sql, dag_id or self._dag_id)]

    def everything(self) -> str:
        """Describe everything, for the message of a failed check."""
        runs = self._system.all("SELECT run_id, state, reason FROM runs ORDER BY id")
        tasks = self._system.all(
            "SELECT run_key, task_id, map_index, state, reason FROM task_instances"
        )
        return f"runs {runs}; tasks {tasks}"

    def _log(self, name: str) -> list[str]:
        found = _ATTEMPT.fullmatch(name)
        assert found, f"{name!r} names no attempt"
        copy = int(found["copy"]) if found["copy"] else -1
        candidates = [
            a for a in self._started() if (a.task_id, a.map_index) == (found["task"], copy)
        ]
        assert candidates, f"{name} never began; {self.everything()}"
        number = int(found["number"]) if found["number"] else 0
        return self._system.log_of(candidates[number - 1])

    def _started(self) -> list[Attempt]:
        return [task.attempt for _, task in self._system.executor.started]

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self._system.all(sql, self._dag_id)


_RUN = "(SELECT id FROM runs WHERE dag_id = ? ORDER BY id DESC LIMIT 1)"


def _iso(microseconds: int) -> str:
    return f"{datetime.fromtimestamp(microseconds / 1e6, UTC):%Y-%m-%dT%H:%M:%SZ}"
