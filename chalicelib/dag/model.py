"""What a DAG file says, as values. The compiled form in the database is this, as JSON.

Nothing here reads YAML: the entry points that only run DAGs never import the parser.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Task:
    """One task. Durations in seconds; `execution_timeout` None means what the executor allows."""

    id: str
    command: str
    dependencies: tuple[str, ...] = ()
    trigger_rule: str = "all_success"
    retries: int = 0
    retry_delay: float = 300.0
    execution_timeout: float | None = None
    env: dict[str, str] = field(default_factory=dict)
    cwd: str | None = None


@dataclass(frozen=True)
class Dag:
    """One DAG. `schedule` is a tuple of expressions (empty: only on request); dates are ISO 8601
    texts with an offset; `tasks` are in topological order."""

    dag_id: str
    name: str
    tasks: tuple[Task, ...]
    description: str | None = None
    doc_md: str | None = None
    owner: str | None = None
    tags: tuple[str, ...] = ()
    schedule: tuple[str, ...] = ()
    timezone: str = "UTC"
    start_date: str | None = None
    end_date: str | None = None
    max_active_runs: int = 16
    max_active_tasks: int = 16
    is_paused_upon_creation: bool = False
    env: dict[str, str] = field(default_factory=dict)

    def task(self, task_id: str) -> Task:
        """Raises KeyError."""
        return self._by_id[task_id]

    @cached_property
    def _by_id(self) -> dict[str, Task]:
        return {task.id: task for task in self.tasks}

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Dag:
        """The inverse of `to_json`. Fields that a newer version added are ignored, so that old code
        can still run what new code registered during a deployment."""
        tasks = tuple(_known(Task, task, ("dependencies",)) for task in data["tasks"])
        return _known(cls, {**data, "tasks": tasks}, ("tags", "schedule"))


def _known(cls: type[T], data: dict[str, Any], tuples: tuple[str, ...]) -> T:
    names = {spec.name for spec in fields(cls)}  # type: ignore[arg-type]
    values = {name: value for name, value in data.items() if name in names}
    return cls(**{k: tuple(v) if k in tuples else v for k, v in values.items()})
