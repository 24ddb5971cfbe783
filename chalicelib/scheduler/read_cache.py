"""What a transaction reads once and keeps: definitions, runs, and what tasks hand on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from chalicelib.dag.json_values import parse_verbatim
from chalicelib.dag.model import Dag, Task
from chalicelib.database import Transaction
from chalicelib.database.queries import artifacts, definitions, outputs, runs
from chalicelib.database.queries.artifacts import KeptArtifact
from chalicelib.database.queries.runs import Run
from chalicelib.database.queries.task_instances import TaskInstance
from chalicelib.scheduler.context import SchedulerContext

T = TypeVar("T")


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
    _message_parts: dict[tuple[int, str, int, int], Any] = field(default_factory=dict, init=False)
    _run_keys: dict[str, int] = field(default_factory=dict, init=False)
    _current_runs: dict[int, Run] = field(default_factory=dict, init=False)
    _current_as_of: int = field(default=0, init=False)

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
        run = self.known_run(self._run_keys.get(run_id, 0))
        if run is None:
            run = runs.find(self.tx, run_id)
            if run is not None:
                self._keep_runs([run])
        return run

    def runs(self, keys: Sequence[int]) -> list[Run]:
        """Return the runs with these keys as they are now, in this order."""
        if unknown := [key for key in keys if self.known_run(key) is None]:
            self._keep_runs(runs.by_keys(self.tx, unknown))
        return [run for key in keys if (run := self.known_run(key)) is not None]

    def read_runs(self, run_ids: Collection[str]) -> None:
        """Read these runs with one statement, because they will be asked for."""
        self._keep_runs(runs.find_all(self.tx, run_ids))

    def known_run(self, key: int) -> Run | None:
        """Return the run as it is now, if it was read and no statement may have changed it."""
        if self._current_as_of != self.tx.run_changes:
            self.forget_current_runs()
        return self._current_runs.get(key)

    def change_run(self, key: int, change: Callable[[], bool], **changes: Any) -> bool:
        """Call what changes this run and no other, and return whether it did. `changes` are the
        fields that it changes, if they are known; else the run is read again when asked for."""
        run = self.known_run(key)
        is_changed = change()
        self._current_as_of = self.tx.run_changes
        if run is not None and is_changed:
            del self._current_runs[key]
            if changes:
                self._current_runs[key] = replace(run, **changes)
        return is_changed

    def forget_current_runs(self) -> None:
        """Read each run again when it is asked for: some were changed, or changed back."""
        self._current_runs.clear()
        self._current_as_of = self.tx.run_changes

    def _keep_runs(self, current: Iterable[Run]) -> None:
        for run in current:
            self._run_keys[run.run_id] = run.key
            self._current_runs[run.key] = run

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
        self._message_parts.clear()

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

    def message_parts(self, key: tuple[int, str, int, int], make: Callable[[], T]) -> T:
        """Return what the messages of a task of a run have in common, built once. The key is the
        run, the task, the number of the attempt and the identity of the DAG."""
        if key not in self._message_parts:
            self._message_parts[key] = make()
        parts: T = self._message_parts[key]
        return parts

    def forget_outputs(self, run_key: int, task_id: str) -> None:
        """Forget the outputs and artifacts of a task that has new ones."""
        self._outputs.pop((run_key, task_id), None)
        self._output_texts.pop((run_key, task_id), None)
        self._artifacts.pop((run_key, task_id), None)
        self._message_parts.clear()


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
