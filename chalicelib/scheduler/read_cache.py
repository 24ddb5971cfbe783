"""What a transaction reads once and keeps: definitions, runs, and the outputs of tasks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chalicelib.dag.json_values import parse_verbatim
from chalicelib.dag.model import Dag, Task
from chalicelib.database import Transaction
from chalicelib.database.queries import definitions, outputs, runs
from chalicelib.database.queries.runs import Run
from chalicelib.database.queries.task_instances import TaskInstance
from chalicelib.scheduler.context import SchedulerContext


@dataclass
class ReadCache:
    """Only what does not change within the transaction is kept; what does is forgotten by those who
    change it."""

    tx: Transaction
    scheduler: SchedulerContext
    _definitions: dict[int, Dag] = field(default_factory=dict, init=False)
    _runs: dict[int, Run] = field(default_factory=dict, init=False)
    _outputs: dict[tuple[int, str], Any] = field(default_factory=dict, init=False)
    _output_texts: dict[tuple[int, str], dict[str, str]] = field(default_factory=dict, init=False)

    def definition(self, version_id: int) -> Dag:
        """The DAG as that version says. Raises LookupError."""
        if version_id not in self._definitions:
            self._definitions[version_id] = self.scheduler.definitions(self.tx, version_id)
        return self._definitions[version_id]

    def definition_of(self, task: TaskInstance, run: Run) -> Dag:
        """The DAG as the version says that the task's latest attempt was queued with: its message
        must not change when it is sent again. Raises LookupError."""
        if task.version in (None, run.version):
            return self.definition(run.version_id)
        return self.definition(definitions.key_of(self.tx, run.dag_id, task.version))

    def task_definition(self, run: Run, task: TaskInstance) -> Task | None:
        """The task as the run's version says; None for one that it has no more: what becomes of
        its last attempt is noted, and decides nothing."""
        return None if task.is_removed else self.definition(run.version_id).task(task.task_id)

    def run(self, run_id: str) -> Run | None:
        """The run as it is now."""
        return runs.find(self.tx, run_id)

    def run_of(self, task: TaskInstance) -> Run:
        """The run of a task instance: what of it never changes is read once."""
        if task.run_key not in self._runs:
            run = self.run(task.attempt.run_id)
            if run is None:
                raise LookupError(f"run {task.attempt.run_id} is missing")
            self._runs[task.run_key] = run
        return self._runs[task.run_key]

    def forget_run(self, run: Run) -> None:
        """It has taken another version."""
        self._runs.pop(run.key, None)
        for cache in (self._outputs, self._output_texts):
            for key in [key for key in cache if key[0] == run.key]:
                del cache[key]

    def outputs(self, run_key: int, task_id: str, *, is_expanded: bool) -> Mapping[str, Any]:
        """What the task wrote: by name its value, or the list of all copies' values in order."""
        key = (run_key, task_id)
        if key not in self._outputs:
            rows = outputs.of_task(self.tx, run_key, task_id)
            self._outputs[key] = (
                _gathered(rows) if is_expanded else _read(rows[0][1] if rows else {})
            )
        found: Mapping[str, Any] = self._outputs[key]
        return found

    def output_texts(
        self, run_key: int, task_id: str, make: Callable[[], dict[str, str]]
    ) -> dict[str, str]:
        """A task's outputs as variables, made once for all the copies that are given them."""
        key = (run_key, task_id)
        if key not in self._output_texts:
            self._output_texts[key] = make()
        return self._output_texts[key]

    def forget_outputs(self, run_key: int, task_id: str) -> None:
        """The task has written anew."""
        self._outputs.pop((run_key, task_id), None)
        self._output_texts.pop((run_key, task_id), None)


def _read(texts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _value(text) for name, text in texts.items()}


def _value(kept: Any) -> Any:
    """What templates see of an output. One that is no text was kept by an earlier version, which
    read it when it was written."""
    return parse_verbatim(kept) if isinstance(kept, str) else kept


def _gathered(rows: list[tuple[int, dict[str, Any]]]) -> dict[str, list[Any]]:
    gathered: dict[str, list[Any]] = {}
    for _, values in rows:
        for name, value in values.items():
            gathered.setdefault(name, []).append(_value(value))
    return gathered
