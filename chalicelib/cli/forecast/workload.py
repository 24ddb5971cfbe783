"""The DAG files of a simulation, and what their commands do there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chalicelib.cli.dag_paths import dag_files
from chalicelib.cli.failure import FAILED, USAGE, CliFailure
from chalicelib.cli.local_run.shared_files import shared_by_key, shared_of
from chalicelib.cli.local_run.source_folder import SourceFolder
from chalicelib.dag.language.parser import parse_file
from chalicelib.dag.model import Dag
from chalicelib.dag.problems import DagFileError
from chalicelib.database.reads import operations
from chalicelib.messages import TaskMessage
from chalicelib.scheduler import shared_defaults
from chalicelib.scheduler.file_match import match_files
from chalicelib.simulation.scripted_executor import ScriptedOutcome
from chalicelib.simulation.system import SimulatedSystem

DEFAULT_SECONDS = 10.0
MOST_ERRORS = 1000
_OUTPUT = re.compile(r"outputs\s*\.\s*(\w+)\s*\.\s*(\w+)")
SIMULATED_ITEMS = '["a", "b", "c"]'
"""What a simulated command writes where other tasks expand over its output."""


@dataclass(frozen=True)
class SourceFile:
    """A valid DAG file, and its key in the bucket."""

    path: Path
    key: str
    dag: Dag


def load(paths: Iterable[Path]) -> list[SourceFile]:
    """Read DAG files, and all in folders. Raises CliFailure with every problem."""
    files: list[SourceFile] = []
    problems: list[str] = []
    for path, key in dag_files(paths):
        try:
            files.append(
                SourceFile(path, key, parse_file(path.read_bytes(), shared=shared_of(path)).dag)
            )
        except DagFileError as error:
            problems += [f"{path}:{p.line}:{p.column}: {p.message}" for p in error.problems]
    if problems:
        raise CliFailure("\n".join(["invalid DAG files", *problems]), FAILED)
    return files


def upload(system: SimulatedSystem, file: SourceFile) -> None:
    """Register the file, with what lies beside it. Raises CliFailure for what registration
    rejects."""
    shared_defaults.seed(system.scheduler, shared_by_key(file.path, file.key))
    parsed = parse_file(file.path.read_bytes())
    beside = SourceFolder(file.path.parent)
    match = match_files(beside, file.path.name, parsed.file_places)
    folder = file.key[: file.key.rfind("/") + 1]
    for row in match.files:
        stored = beside.get(row.key)
        if stored is not None:
            system.dags.put(f"{folder}{row.path}", stored.body)
    system.upload(file.path.read_text(encoding="utf-8-sig"), file.key)
    with system.database.read() as tx:
        errors = operations.import_errors(tx, limit=MOST_ERRORS).items
    for error in errors:
        if error.file_key == file.key:
            messages = "; ".join(problem.message for problem in error.problems)
            raise CliFailure(f"{file.path}: {messages}", FAILED)


@dataclass
class Durations:
    """How long commands take: `tasks` by `dag.task` or `dag`, else `seconds`."""

    seconds: float = DEFAULT_SECONDS
    tasks: Mapping[str, float] = field(default_factory=dict)

    def of(self, dag_id: str, task_id: str) -> float:
        named = self.tasks.get(f"{dag_id}.{task_id}", self.tasks.get(dag_id))
        return self.seconds if named is None else named


def read_durations(text: str | None) -> Durations:
    """`30`, or the path of a JSON or YAML file: seconds by `dag.task` or by `dag`. Raises
    CliFailure."""
    if text is None:
        return Durations()
    path = Path(text)
    if re.fullmatch(r"-?[0-9.]+", text):
        return Durations(_seconds(text, "--durations"))
    if not path.is_file():
        raise CliFailure(f"--durations {text} is neither seconds nor a file", USAGE)
    import yaml

    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, ValueError) as error:
        raise CliFailure(f"{path} is no YAML: {error}".replace("\n", " "), USAGE) from error
    if not isinstance(data, dict):
        raise CliFailure(f"{path} is no mapping of DAGs or dag.task to seconds", USAGE)
    return Durations(tasks={str(name): _seconds(value, name) for name, value in data.items()})


def _seconds(value: Any, name: str) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError) as error:
        raise CliFailure(f"{name}: {value!r} is no number of seconds", USAGE) from error
    if not 0 <= seconds <= 30 * 86_400:
        raise CliFailure(f"{name}: {value!r} is not between 0 and 30 days", USAGE)
    return seconds


class Succeeds:
    """A script in which every command succeeds after its time, and writes what it promised."""

    def __init__(self, dags: Iterable[Dag], durations: Durations) -> None:
        self._durations = durations
        self._lists = {name for dag in dags for name in _expanded_outputs(dag)}

    def __call__(self, task: TaskMessage) -> ScriptedOutcome:
        attempt = task.attempt
        return ScriptedOutcome(
            seconds=self._durations.of(attempt.dag_id, attempt.task_id),
            outputs={
                name: self._output(attempt.dag_id, attempt.task_id, name) for name in task.outputs
            },
        )

    def _output(self, dag_id: str, task_id: str, name: str) -> str:
        return SIMULATED_ITEMS if (dag_id, task_id, name) in self._lists else "simulated"


def _expanded_outputs(dag: Dag) -> Iterator[tuple[str, str, str]]:
    """The outputs that tasks of the DAG expand over."""
    for task in dag.tasks:
        for source in dict(task.expand or {}).values():
            for task_id, name in _OUTPUT.findall(str(source)):
                yield dag.dag_id, task_id, name
