"""Parses the bytes of a DAG file into a `Dag`, or reports every problem of the file."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from chalicelib.dag.constraints import (
    MAX_ENV_BYTES,
    MAX_ID_LENGTH,
    MAX_MESSAGE_BYTES,
    MAX_TASKS,
    RESERVED_IDS,
)
from chalicelib.dag.graph import all_ancestors, cycles, topological_order
from chalicelib.dag.language import (
    artifact_checks,
    command_warnings,
    cross_checks,
    notification_checks,
    place_choice,
    program_warnings,
    template_checks,
    unlikely,
)
from chalicelib.dag.language.fields.table import DAG_FIELDS, TASK_FIELDS
from chalicelib.dag.language.mappings import FieldMapping, read_mapping
from chalicelib.dag.language.readers.nested_kinds import DAG_READERS, TASK_READERS
from chalicelib.dag.language.readers.strings import reserved_id_message
from chalicelib.dag.language.readers.variables import env_size
from chalicelib.dag.language.shared_file import NOTHING, Shared
from chalicelib.dag.language.yaml_nodes import Mapping, Node, Scalar, Sequence, compose
from chalicelib.dag.language.yaml_value import items_of, one_or_more
from chalicelib.dag.model import Dag, Task
from chalicelib.dag.problems import (
    DagFileError,
    DagWarning,
    Problem,
    Report,
    did_you_mean,
    quote,
)
from chalicelib.dag.schedule.cron import BadSchedule, compile_expression
from chalicelib.places import Places

__all__ = ["DagFileError", "ParsedFile", "parse", "parse_file"]

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?P<time>[Tt ].*)?", re.ASCII)
_SPACE_BEFORE_OFFSET = re.compile(r"\s+(?=[+-]\d)")


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """The DAG of a file, and its warnings. `file_places` says where each pattern of `files` is, and
    `pool_places` where each pool is named."""

    dag: Dag
    warnings: tuple[DagWarning, ...]
    file_places: dict[str, FilePlace] = field(default_factory=dict)
    pool_places: dict[str, FilePlace] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FilePlace:
    """A line and a column, both counted from 1, and the path of the key."""

    line: int
    column: int
    path: str

    def problem(self, message: str) -> Problem:
        return Problem(self.line, self.column, self.path, message)


def parse(source: bytes, *, file_name: str = "") -> Dag:
    """Parse a DAG file. `file_name` is a prefix of the error's message.

    Raises DagFileError with every problem of the file, and nothing else, whatever the bytes are.
    """
    return parse_file(source, file_name=file_name).dag


def parse_file(
    source: bytes,
    *,
    file_name: str = "",
    places: Places | None = None,
    now: datetime | None = None,
    has_layers: bool = False,
    shared: Shared = NOTHING,
) -> ParsedFile:
    """Parse a DAG file and return its warnings, too. With the `places` of an installation, choose
    one for each task; with the time, warn about what can hardly be meant. With `has_layers`,
    whatever a command calls may be there on Lambda. The DAG takes what it does not say itself from
    `shared`. Raises DagFileError as `parse` does."""
    report = Report()
    file_places: dict[str, FilePlace] = {}
    root = compose(source, report)
    is_complete = has_layers or (places is not None and places.has_layers)
    pool_places: dict[str, FilePlace] = {}
    options = (file_places, pool_places, source if now else b"", now, shared)
    dag = _dag(root, report, places, *options, is_complete=is_complete) if root else None
    if report or dag is None:
        raise report.error(file_name)
    return ParsedFile(dag, report.warnings(), file_places, pool_places)


def _dag(
    root: Node,
    report: Report,
    places: Places | None,
    file_places: dict[str, FilePlace],
    pool_places: dict[str, FilePlace],
    source: bytes,
    now: datetime | None,
    shared: Shared,
    *,
    is_complete: bool,
) -> Dag | None:
    if not isinstance(root, Mapping):
        report.add(root, "", "a DAG file is a mapping that begins with a line such as name: My DAG")
        return None
    mapping = read_mapping(root, DAG_FIELDS, "", report, DAG_READERS)
    dag_id = mapping.values["dag_id"] or _id_from_name(mapping)
    dates = _dates(mapping)
    _check_schedule(mapping)
    file_places.update(_file_places(mapping))
    tasks = _tasks(mapping, report)
    _take_shared(mapping, shared)
    cross_checks.take_defaults(mapping, tasks, shared.default_args)
    pool_places.update(_pool_places(mapping, tasks))
    order = _order(tasks)
    upstream = _upstream(tasks)
    cross_checks.check_dag(mapping)
    cross_checks.check_tasks(mapping, tasks)
    template_checks.check_all_templates(mapping, tasks, upstream)
    artifact_checks.check_inputs(tasks, upstream)
    notification_checks.check_notifications(mapping, tasks)
    if places is not None:
        place_choice.choose_places(tasks, places)
    if not report:
        command_warnings.warn_about_commands(mapping, tasks)
        if not is_complete:
            program_warnings.warn_about_programs(mapping, tasks, places)
        _check_sizes(mapping.values["env"], tasks)
    if report:
        return None
    del mapping.values["default_args"]
    by_id = {task.values["id"]: Task(**task.values) for task in tasks}
    ordered = tuple(by_id[task_id] for task_id in order)
    dag = Dag(**mapping.values | dates | {"dag_id": dag_id, "tasks": ordered})
    if now is not None:
        text = source.decode("utf-8-sig", "replace")
        unlikely.warn_about_the_unlikely(dag, mapping, tasks, text, now)
    return dag


def _take_shared(mapping: FieldMapping, shared: Shared) -> None:
    """Take what the DAG does not say itself; its own secrets come before a shared variable."""
    secrets = mapping.values["secrets"]
    own = {name: value for name, value in shared.env.items() if name not in secrets}
    mapping.values["env"] = own | mapping.values["env"]
    for name, items in shared.lists.items():
        value = mapping.written.get(name)
        if name in mapping.values and (value is None or value.node.is_null):
            mapping.values[name] = items


def _file_places(mapping: FieldMapping) -> dict[str, FilePlace]:
    value = mapping.written.get("files")
    if value is None or not mapping.values["files"]:
        return {}
    return {
        item.node.text: FilePlace(item.node.line, item.node.column, item.path)
        for item in one_or_more(value)
        if isinstance(item.node, Scalar)
    }


def _pool_places(mapping: FieldMapping, tasks: list[FieldMapping]) -> dict[str, FilePlace]:
    """Where each pool is first named; the whole file for one of shared defaults."""
    defaults = mapping.values["default_args"]
    given = defaults.written if isinstance(defaults, FieldMapping) else {}
    places: dict[str, FilePlace] = {}
    for task in tasks:
        if isinstance(pool := task.values["pool"], str):
            value = task.written.get("pool") or given.get("pool")
            node, path = (value.node, value.path) if value else (mapping.node, "")
            places.setdefault(pool, FilePlace(node.line, node.column, path))
    return places


def _id_from_name(mapping: FieldMapping) -> str:
    """Derive the id: `Sample DAG` gives `sample_dag`.

    Accents are dropped; names with letters outside ASCII need a dag_id.
    """
    name, given = mapping.values["name"], mapping.written.get("dag_id")
    if name is None or (given and not given.node.is_null):
        return ""  # the name or the dag_id is reported already
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    dag_id = re.sub(r"[^a-z0-9]+", "_", plain.lower())
    is_ascii = all(char.isascii() or not char.isalnum() for char in plain)
    if not is_ascii or not dag_id.strip("_") or len(dag_id) > MAX_ID_LENGTH:
        message = f"no id can be derived from the name {quote(name)}: set dag_id"
        mapping.problem("name", message)
    elif dag_id in RESERVED_IDS:
        mapping.problem("name", reserved_id_message(dag_id))
    return dag_id


def _dates(mapping: FieldMapping) -> dict[str, str | None]:
    zone = ZoneInfo(mapping.values["timezone"])
    dates: dict[str, datetime] = {}
    for name in ("start_date", "end_date"):
        text = mapping.values[name]
        if text is not None:
            try:
                dates[name] = _parse_date(text, zone, is_end=name == "end_date")
            except (ValueError, OverflowError):
                message = (
                    f"{quote(text)} is not a date since 1970: write 2026-01-31 or "
                    "2026-01-31T08:00:00, with or without an offset such as +01:00"
                )
                mapping.problem(name, message)
    if len(dates) == 2 and dates["end_date"] < dates["start_date"]:
        mapping.problem("end_date", "end_date is before start_date")
    return {n: dates[n].isoformat() if n in dates else None for n in ("start_date", "end_date")}


def _parse_date(text: str, zone: ZoneInfo, *, is_end: bool) -> datetime:
    """Return the time that `text` names. Raises ValueError or OverflowError."""
    match = _DATE.fullmatch(text)
    if match is None or int(text[:4]) < 1970:
        raise ValueError(text)
    time = datetime.fromisoformat(_SPACE_BEFORE_OFFSET.sub("", text))
    if match["time"] is None and is_end:
        time += timedelta(days=1, microseconds=-1)
    if time.tzinfo is None:
        time = time.replace(tzinfo=zone)
    try:
        # Goes through UTC, because no clock ever shows a local time in a gap.
        return time.astimezone(UTC).astimezone(zone)
    except OverflowError:
        if not is_end:
            raise
        return datetime.max.replace(tzinfo=UTC)  # 9999-12-31 west of Greenwich: never


def _check_schedule(mapping: FieldMapping) -> None:
    value = mapping.written.get("schedule")
    if value is None or not mapping.values["schedule"]:
        return
    for item, text in zip(one_or_more(value), mapping.values["schedule"], strict=False):
        try:
            compile_expression(text)
        except BadSchedule as error:
            item.problem(str(error))


def _tasks(mapping: FieldMapping, report: Report) -> list[FieldMapping]:
    value = mapping.written.get("tasks")
    if value is None or value.node.is_null:
        return []
    if not isinstance(value.node, Sequence) or not value.node.items:
        value.problem("expected a list of at least one task, each with an id and a command")
        return []
    items = items_of(value)
    if len(items) > MAX_TASKS:
        value.problem(f"{len(items)} tasks; a DAG can have at most {MAX_TASKS}")
    tasks: list[FieldMapping] = []
    for item in items[:MAX_TASKS]:
        if isinstance(item.node, Mapping):
            tasks.append(read_mapping(item.node, TASK_FIELDS, item.path, report, TASK_READERS))
        else:
            item.problem("expected a task: a mapping with an id and a command")
    _check_ids(tasks)
    return tasks


def _check_ids(tasks: list[FieldMapping]) -> None:
    seen: dict[str, int] = {}
    for task in tasks:
        task_id = task.values["id"]
        if task_id is None:
            continue
        line = task.written["id"].node.line
        if task_id in seen:
            message = f"the id {quote(task_id)} is taken by the task on line {seen[task_id]}"
            task.problem("id", message)
        seen.setdefault(task_id, line)


def _check_sizes(dag_env: dict[str, str], tasks: list[FieldMapping]) -> None:
    for task in tasks:
        env = dag_env | task.values["env"]
        if (size := env_size(env)) > MAX_ENV_BYTES:
            message = (
                f"env and the DAG's env have {size} bytes; at most {MAX_ENV_BYTES} are allowed"
            )
            task.problem("env", message)
        elif len(json.dumps([task.values["command"], env])) > MAX_MESSAGE_BYTES:
            message = "command and env are too long together: move the script to a file"
            task.problem("command", message)


def _order(tasks: list[FieldMapping]) -> list[str]:
    """Return the ids in topological order, and report unknown dependencies and cycles."""
    known = {task.values["id"]: task for task in tasks if task.values["id"] is not None}
    for task in tasks:
        _check_dependencies(task, known)
    graph = {
        task_id: [up for up in task.values["dependencies"] if up in known]
        for task_id, task in known.items()
    }
    all_cycles = cycles(graph)
    for cycle in all_cycles:
        message = f"dependency cycle: {cycle}"
        known[cycle.path[0]].problem("dependencies", message)
    return [] if all_cycles else topological_order(graph)


def _upstream(tasks: list[FieldMapping]) -> dict[str, list[str]]:
    """Map each task to all tasks that come before it."""
    known = {task.values["id"]: task for task in tasks if task.values["id"] is not None}
    return all_ancestors(
        {
            task_id: [up for up in task.values["dependencies"] if up in known]
            for task_id, task in known.items()
        }
    )


def _check_dependencies(task: FieldMapping, known: dict[str, FieldMapping]) -> None:
    if not task.values["dependencies"]:
        return
    for item in one_or_more(task.written["dependencies"]):
        text = item.node.text if isinstance(item.node, Scalar) else None
        if text is not None and text not in known:
            hint = "" if task.report.is_full else did_you_mean(text, known)
            item.problem(f"there is no task {quote(text)}{hint}")
