"""What a transaction reads once and keeps: definitions, runs, and what tasks hand on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chalicelib.dag.json_values import parse_verbatim
from chalicelib.dag.model import Dag, Task
from chalicelib.database import Transaction
from chalicelib.database.queries import artifacts, definitions, outputs, runs
from chalicelib.database.queries.artifacts import KeptArtifact
from chalicelib.database.queries.runs import Run
from chalicelib.database.queries.task_instances import TaskInstance
from chalicelib.scheduler.context import SchedulerContext


@dataclass
class ReadCache:
    """Reads through the cache. Whoever changes something that is kept here must call `forget_run`
    or `forget_outputs`."""

    tx: Transaction
    scheduler: SchedulerContext
    _definitions: dict[int, Dag] = field(default_factory=dict, init=False)
    _runs: dict[int, Run] = field(default_factory=dict, init=False)
    _outputs: dict[tuple[int, str], Any] = field(default_factory=dict, init=False)
    _artifacts: dict[tuple[int, str], dict[str, list[KeptArtifact]]] = field(
        default_factory=dict, init=False
    )
    _output_texts: dict[tuple[int, str], dict[str, str]] = field(default_factory=dict, init=False)

    _run_texts: dict[tuple[int, str], dict[str, str]] = field(default_factory=dict, init=False)

    def definition(self, version_id: int) -> Dag:
        """Return the DAG of that version. Raises LookupError."""
        if version_id not in self._definitions:
            self._definitions[version_id] = self.scheduler.definitions(self.tx, version_id)
        return self._definitions[version_id]

    def definition_of(self, task: TaskInstance, run: Run) -> Dag:
        """Return the DAG of the version that the task's latest attempt was queued with, because its
        message must not change when it is resent. Raises LookupError."""
        if task.version in (None, run.version):
            return self.definition(run.version_id)
        return self.definition(definitions.key_of(self.tx, run.dag_id, task.version))

    def task_definition(self, run: Run, task: TaskInstance) -> Task | None:
        """Return the task of the run's version, or None if that version no longer has it: then the
        result of its last attempt is recorded but decides nothing."""
        return None if task.is_removed else self.definition(run.version_id).task(task.task_id)

    def run(self, run_id: str) -> Run | None:
        """Return the run as it is now."""
        return runs.find(self.tx, run_id)

    def run_of(self, task: TaskInstance) -> Run:
        """Return the run of a task instance, as it was when first read. Use `run` for its state."""
        if task.run_key not in self._runs:
            run = self.run(task.attempt.run_id)
            if run is None:
                raise LookupError(f"run {task.attempt.run_id} is missing")
            self._runs[task.run_key] = run
        return self._runs[task.run_key]

    def forget_run(self, run: Run) -> None:
        """Forget a run that has switched its version."""
        self._runs.pop(run.key, None)
        for cache in (self._outputs, self._output_texts, self._artifacts, self._run_texts):
            for key in [key for key in cache if key[0] == run.key]:
                del cache[key]

    def outputs(self, run_key: int, task_id: str, *, is_expanded: bool) -> Mapping[str, Any]:
        """Return the task's outputs by name: the value, or for a mapped task the list of the values
        of its mapped instances in order."""
        key = (run_key, task_id)
        if key not in self._outputs:
            rows = outputs.of_task(self.tx, run_key, task_id)
            self._outputs[key] = (
                _gathered(rows) if is_expanded else _read(rows[0][1] if rows else {})
            )
        cached: Mapping[str, Any] = self._outputs[key]
        return cached

    def artifacts(self, run_key: int, task_id: str, name: str) -> list[KeptArtifact]:
        """Return the artifact of every instance of the task that has it, by map index."""
        of_task = self._artifacts.setdefault((run_key, task_id), {})
        if name not in of_task:
            of_task[name] = artifacts.of_task(self.tx, run_key, task_id, name)
        return of_task[name]

    def run_texts(
        self, run_key: int, zone: str, make: Callable[[], dict[str, str]]
    ) -> dict[str, str]:
        """Return what all tasks of a run are told about it, in this time zone, built once."""
        key = (run_key, zone)
        if key not in self._run_texts:
            self._run_texts[key] = make()
        return self._run_texts[key]

    def output_texts(
        self, run_key: int, task_id: str, make: Callable[[], dict[str, str]]
    ) -> dict[str, str]:
        """Return a task's outputs as variables, built once for all the mapped instances that get
        them."""
        key = (run_key, task_id)
        if key not in self._output_texts:
            self._output_texts[key] = make()
        return self._output_texts[key]

    def forget_outputs(self, run_key: int, task_id: str) -> None:
        """Forget the outputs and artifacts of a task that has new ones."""
        self._outputs.pop((run_key, task_id), None)
        self._output_texts.pop((run_key, task_id), None)
        self._artifacts.pop((run_key, task_id), None)


def _read(texts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _value(text) for name, text in texts.items()}


def _value(kept: Any) -> Any:
    """Return what templates see of an output. A value that is not text was stored by an earlier
    version, which parsed it when it was written."""
    return parse_verbatim(kept) if isinstance(kept, str) else kept


def _gathered(rows: list[tuple[int, dict[str, Any]]]) -> dict[str, list[Any]]:
    gathered: dict[str, list[Any]] = {}
    for _, values in rows:
        for name, value in values.items():
            gathered.setdefault(name, []).append(_value(value))
    return gathered
