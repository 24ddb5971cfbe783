"""The one table of fields, and what is made from it."""

from __future__ import annotations

from dataclasses import MISSING, fields

from chalicelib.dag.language.fields.table import (
    DAG_FIELDS,
    PARAM_FIELDS,
    SENSOR_FIELDS,
    SHARED_TABLES,
    TABLES,
    TASK_FIELDS,
    TOOL_FIELDS,
    Field,
)
from chalicelib.dag.model import Dag, Param, Sensor, Task, Tool
from chalicelib.places import DEFAULT_PLACE
from tests.support.language_reference import reference_markdown


def defaults_of(model: type[Dag | Task | Param | Sensor | Tool]) -> dict[str, object]:
    return {
        spec.name: spec.default_factory()
        if spec.default_factory is not MISSING
        else None
        if spec.default is MISSING
        else spec.default
        for spec in fields(model)
    }


def table_defaults(table: tuple[Field, ...]) -> dict[str, object]:
    return {field.name: field.default for field in table}


def test_the_table_and_the_model_have_the_same_fields_and_defaults() -> None:
    dag = table_defaults(DAG_FIELDS)
    del dag["default_args"]  # the tasks have what it says

    found = {"files_sha256": ""}  # by registration
    assert dag | found == defaults_of(Dag)
    chosen = {"place": DEFAULT_PLACE}  # not by the file
    assert table_defaults(TASK_FIELDS) | chosen == defaults_of(Task)
    assert {"name": None, **table_defaults(PARAM_FIELDS)} == defaults_of(Param)
    assert {"name": None, **table_defaults(TOOL_FIELDS)} == defaults_of(Tool)
    assert table_defaults(SENSOR_FIELDS) == defaults_of(Sensor)


def test_what_a_field_needs_is_a_field() -> None:
    for table in TABLES.values():
        names = {field.name for field in table}
        assert {need for field in table for need in field.needs} <= names


def test_no_two_fields_share_a_name() -> None:
    for table in TABLES.values():
        names = [name for field in table for name in field.names]
        assert len(names) == len(set(names))


def test_the_reference_has_a_line_for_each_field() -> None:
    reference = reference_markdown()

    assert reference.count("\n| `") == sum(map(len, [*TABLES.values(), *SHARED_TABLES.values()]))
    assert "| `id` (or `task_id`) | id | required | Identifies the task" in reference
    assert "| `retry_delay` | duration | `5m` | " in reference
    assert "| `is_paused_upon_creation` | `true` or `false` | `false` | " in reference
    assert "| `max_active_runs` | whole number | `16` | " in reference
    shown = "| `command` (or `bash_command`) | shell command | required, or `trigger_dag_id` | "
    assert shown in reference
    assert "| `overlap_policy` | `queue`, `skip`, `replace` | `queue` | " in reference
    assert "| `cwd` | one line of text | a fresh directory | " in reference


def test_no_cell_of_the_reference_breaks_its_table() -> None:
    rows = [line for line in reference_markdown().splitlines() if line.startswith("|")]

    assert {line.count("|") for line in rows} == {5}
