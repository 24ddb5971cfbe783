"""What a DAG file says, as values. The compiled form in the database is this, as JSON.

Nothing here reads YAML: the entry points that only run DAGs never import the parser.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from functools import cached_property
from typing import Any, TypeVar

from chalicelib.places import DEFAULT_PLACE, Needs

T = TypeVar("T")

NOTIFICATION_FIELDS = ("on_retry", "on_success", "on_partial_success", "on_failure")
"""The keys of DAGs and tasks that say whom to notify."""


@dataclass(frozen=True, slots=True)
class NotificationTarget:
    """Where a notification goes.

    Attributes:
        kind: Name of a row of `chalicelib.notification_kinds`.
        target: What that kind sends to, such as a URL, or a reference to a secret.
        title: Template of the title; null for the default.
        text: Template of the text; null for the default.
    """

    kind: str
    target: str
    title: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class SharedPool:
    """A pool that a `_defaults.yaml` defines.

    Attributes:
        slots: Its capacity.
        description: What it protects.
    """

    name: str
    slots: int
    description: str = ""


@dataclass(frozen=True, slots=True)
class Sensor:
    """How a sensor polls its command.

    Attributes:
        poke_interval: Seconds between pokes.
        timeout: Seconds after the first poke at which the sensor gives up.
        soft_fail: Giving up skips the task instead of failing it.
    """

    poke_interval: float = 60.0
    timeout: float = 7 * 86_400.0
    soft_fail: bool = False


@dataclass(frozen=True, slots=True)
class Param:
    """A value that can be set for each run.

    Attributes:
        type: JSON Schema type; null for any.
        default: Used if the run sets no value; strings may contain templates.
        enum: Allowed values.
        pattern: Regular expression that the whole string must match.
    """

    name: str
    type: str | None = None
    default: Any = None
    description: str | None = None
    enum: tuple[Any, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None
    pattern: str | None = None
    required: bool = False


@dataclass(frozen=True, slots=True)
class Tool:
    """A program that commands find on their PATH.

    Attributes:
        url: HTTPS or `s3://`.
        sha256: Of what is at the URL, in lower case.
        path: Where the program lies in the archive at the URL; null if it is the program itself.
    """

    name: str
    url: str
    sha256: str
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """A task of a DAG. `command`, `when`, `env`, `conf` and `expand` may contain templates.

    Attributes:
        command: Shell command; empty if `trigger_dag_id` is set.
        group: Group that a graph can fold into one box.
        retry_delay: Seconds.
        retry_exponential_backoff: Multiplier of the delay after each retry; 0 for a constant delay.
        max_retry_delay: Seconds; null for no limit.
        retry_exit_codes: Exit codes that are retried; null for all failures.
        execution_timeout: Seconds; null for the executor's limit.
        image: Container image to run in; null for the executor's own machine.
        memory: Megabytes that the command needs; null for what the place has.
        cpu: Number of vCPUs that the command needs; null for what the place has.
        queue: Worker queue to run it; null for a place of the installation's own.
        place: Name of the place that was chosen when the file was registered.
        trigger_dag_id: DAG to run instead of a command.
        artifacts: Files and folders that the command leaves: paths by name.
        inputs: `task.artifact` by the path at which the command finds it.
    """

    id: str
    command: str = ""
    dependencies: tuple[str, ...] = ()
    group: str | None = None
    trigger_rule: str = "all_success"
    when: str | None = None
    retries: int = 0
    retry_delay: float = 300.0
    retry_exponential_backoff: float = 0.0
    max_retry_delay: float | None = None
    retry_exit_codes: tuple[int, ...] | None = None
    skip_on_exit_code: tuple[int, ...] = ()
    execution_timeout: float | None = None
    env: dict[str, str] = field(default_factory=dict)
    cwd: str | None = None
    outputs: tuple[str, ...] = ()
    artifacts: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    expand: dict[str, list[Any] | str] = field(default_factory=dict)
    max_active_tis_per_dagrun: int | None = None
    sensor: Sensor | None = None
    pool: str | None = None
    pool_slots: int = 1
    priority_weight: int = 1
    depends_on_past: bool = False
    image: str | None = None
    memory: int | None = None
    cpu: float | None = None
    queue: str | None = None
    place: str = DEFAULT_PLACE
    trigger_dag_id: str | None = None
    conf: dict[str, Any] = field(default_factory=dict)
    wait_for_completion: bool = False
    on_retry: tuple[NotificationTarget, ...] = ()
    on_success: tuple[NotificationTarget, ...] = ()
    on_failure: tuple[NotificationTarget, ...] = ()

    @property
    def needs(self) -> Needs:
        """What its command needs of a place."""
        return Needs(self.memory, self.cpu, self.image, self.queue, self.execution_timeout)


@dataclass(frozen=True)
class Dag:
    """The definition of a DAG, compiled from its file.

    Attributes:
        tasks: Tasks in topological order, with `default_args` applied.
        schedule: Cron expressions, presets or intervals; empty for a DAG that runs only on request.
        start_date: ISO 8601 with an offset.
        end_date: ISO 8601 with an offset.
        catchup_window: Seconds. Fire times missed by more than this are not caught up.
        dagrun_timeout: Seconds after which a run fails; null for no limit.
        max_consecutive_failed_dag_runs: Failed runs in a row after which the DAG is paused; 0 for
            never.
        retention_days: Days to keep ended runs; null for the installation's default.
        secrets: References such as `ssm:/path` by environment variable.
        files: Names and patterns of files beside the DAG file.
        files_sha256: SHA-256 of the list of those files, which pins this version to them.
    """

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
    catchup: bool = False
    catchup_window: float = 7 * 86_400.0
    max_active_runs: int = 16
    overlap_policy: str = "queue"
    max_active_tasks: int = 16
    dagrun_timeout: float | None = None
    max_consecutive_failed_dag_runs: int = 0
    is_paused_upon_creation: bool = False
    retention_days: int | None = None
    rerun_with_latest_version: bool = True
    params: tuple[Param, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    tools: tuple[Tool, ...] = ()
    files: tuple[str, ...] = ()
    files_sha256: str = ""
    on_success: tuple[NotificationTarget, ...] = ()
    on_partial_success: tuple[NotificationTarget, ...] = ()
    on_failure: tuple[NotificationTarget, ...] = ()

    def task(self, task_id: str) -> Task:
        """Raises KeyError."""
        return self._by_id[task_id]

    @cached_property
    def _by_id(self) -> dict[str, Task]:
        return {task.id: task for task in self.tasks}

    def to_json(self) -> dict[str, Any]:
        """Encode as JSON, without fields that have their default: most fields of most tasks."""
        said: dict[str, Any] = _plain(self)
        return said

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Dag:
        """The inverse of `to_json`. Fields that a newer version added are ignored, so that old code
        can still run what new code registered during a deployment."""
        params = [_known(Param, param) for param in data.get("params", ())]
        tasks = [_task(task) for task in data["tasks"]]
        tools = [_known(Tool, tool) for tool in data.get("tools", ())]
        return _known(
            cls, {**data, "params": params, "tasks": tasks, "tools": tools, **_notifications(data)}
        )


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    specs = getattr(type(value), "__dataclass_fields__", None)
    if specs is None:
        return value
    named = ((spec, getattr(value, name)) for name, spec in specs.items())
    return {spec.name: _plain(item) for spec, item in named if not _is_blank(spec, item)}


def _is_blank(spec: Field[Any], value: Any) -> bool:
    # Other defaults are written down: a run must mean the same when a later version changes them.
    if value:
        return False
    default = spec.default if spec.default_factory is MISSING else spec.default_factory()
    return not default and type(value) is type(default) and value == default


# JSON has lists only; where the model has a tuple, it is made one again.
_TUPLES = {
    spec.name
    for cls in (Dag, Task, Param)
    for spec in fields(cls)
    if str(spec.type).startswith("tuple")
}


def _task(data: Mapping[str, Any]) -> Task:
    sensor = data.get("sensor")
    built = {"sensor": _known(Sensor, sensor) if sensor else None, **_notifications(data)}
    return _known(Task, {**data, **built})


def _notifications(data: Mapping[str, Any]) -> dict[str, Any]:
    names = [name for name in NOTIFICATION_FIELDS if name in data]
    return {name: [_known(NotificationTarget, target) for target in data[name]] for name in names}


def _known(cls: type[T], data: Mapping[str, Any]) -> T:
    values: dict[str, Any] = {}
    for name in cls.__dataclass_fields__:  # type: ignore[attr-defined]
        if name in data:
            value = data[name]
            is_tuple = name in _TUPLES and isinstance(value, list)
            values[name] = tuple(value) if is_tuple else value
    return cls(**values)
