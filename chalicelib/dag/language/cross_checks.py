"""Checks fields that contradict each other or need each other, and applies `default_args`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from chalicelib.dag.evaluate.expand import MAX_MAPPED_INSTANCES
from chalicelib.dag.language.fields.field import Field
from chalicelib.dag.language.fields.table import DAG_FIELDS, TASK_FIELDS
from chalicelib.dag.language.mappings import FieldMapping
from chalicelib.dag.text import output_variable


def take_defaults(
    dag: FieldMapping, tasks: list[FieldMapping], shared: Mapping[str, Any] | None = None
) -> None:
    """Apply `default_args` to each task's missing fields, and then the `shared` ones."""
    defaults = dag.values["default_args"]
    values = dict(shared or {})
    if isinstance(defaults, FieldMapping):
        values |= {name: defaults.values[name] for name in defaults.written}
    if not values:
        return
    for task in tasks:
        is_trigger = task.sets("trigger_dag_id")
        for name, value in values.items():
            if _is_left_out(task, name) and not (name == "command" and is_trigger):
                task.values[name] = value
        if task.sets("command") or (is_trigger and task.values["command"]):
            _drop(task, "trigger_dag_id")
        _drop_useless(task)


def _is_left_out(task: FieldMapping, name: str) -> bool:
    value = task.written.get(name)
    return value is None or value.node.is_null


def _drop(task: FieldMapping, name: str) -> None:
    """Reset a field that only `default_args` sets."""
    if _is_left_out(task, name):
        task.values[name] = _BY_NAME[name].default


_BY_NAME = {field.name: field for field in TASK_FIELDS}


def _drop_useless(task: FieldMapping) -> None:
    # In the table, every field comes after those that it needs, except the pool of a trigger.
    for field in TASK_FIELDS:
        if _missing(task, field):
            _drop(task, field.name)


def _has(mapping: FieldMapping, name: str) -> bool:
    """Whether the field is set. An invalid value counts, because it has its own problem."""
    if name in ("retries", "retry_exponential_backoff"):
        return bool(mapping.values[name])
    return bool(mapping.values[name]) or not _is_left_out(mapping, name)


def check_dag(dag: FieldMapping) -> None:
    """Report contradictions between the DAG's own fields."""
    _check_needs(dag, DAG_FIELDS)
    for name in dag.values["secrets"]:
        if name in dag.values["env"]:
            dag.problem_at_key("secrets", name, f"{name} is also in env: keep one of them")
    for param in dag.values["params"]:
        if param.required and param.default is None and dag.values["schedule"]:
            dag.problem_at_key(
                "params",
                param.name,
                f"{param.name} is required, but scheduled runs are given no params: add a default",
            )


def check_tasks(dag: FieldMapping, tasks: list[FieldMapping]) -> None:
    """Report contradictions between the fields of each task."""
    outputs = {
        task.values["id"]: [
            (output_variable(task.values["id"], name), f"{task.values['id']}.{name}")
            for name in task.values["outputs"]
        ]
        for task in tasks
        if task.values["id"] is not None
    }
    for task in tasks:
        for name in set(task.values["env"]) & set(dag.values["secrets"]):
            task.problem_at_key("env", name, f"{name} is also in secrets: keep one of them")
        _check_work(task)
        _check_needs(task, TASK_FIELDS)
        _check_retries(task)
        _check_expand(dag, task)
        _check_outputs(task, outputs)


def _check_work(task: FieldMapping) -> None:
    command, trigger = _has(task, "command"), _has(task, "trigger_dag_id")
    if command and trigger:
        task.problem("trigger_dag_id", "a task has either a command or a trigger_dag_id, not both")
    elif not command and not trigger:
        task.problem("command", "a task needs a command or a trigger_dag_id")


def _check_needs(mapping: FieldMapping, fields: tuple[Field, ...]) -> None:
    for field in fields:
        missing = _missing(mapping, field) if mapping.sets(field.name) else None
        if missing == "command":
            message = f"{field.name} has no effect with trigger_dag_id, which runs no command"
            mapping.problem(field.name, message)
        elif missing:
            mapping.problem(field.name, f"{field.name} has no effect without {missing}")


def _missing(mapping: FieldMapping, field: Field) -> str | None:
    """Return the first field that this one needs and that is not set, or None."""
    for need in field.needs:
        # A task without command and trigger is reported for that alone.
        is_there = not _has(mapping, "trigger_dag_id") if need == "command" else _has(mapping, need)
        if not is_there:
            return need
    return None


def _check_retries(task: FieldMapping) -> None:
    values = task.values
    both = set(values["retry_exit_codes"] or ()) & set(values["skip_on_exit_code"])
    if both:
        code = min(both)
        task.problem(
            "retry_exit_codes",
            f"{code} is also in skip_on_exit_code, and a skipped task is never retried",
        )
    if task.sets("retry_exit_codes") and values["sensor"] and values["command"]:
        task.problem(
            "retry_exit_codes", "a sensor pokes again whatever its exit code: remove this key"
        )
    longest, delay = values["max_retry_delay"], values["retry_delay"]
    if task.sets("max_retry_delay") and task.sets("retry_delay") and (longest or 0) < (delay or 0):
        task.problem("max_retry_delay", "max_retry_delay is shorter than retry_delay")


def _check_expand(dag: FieldMapping, task: FieldMapping) -> None:
    expand = task.values["expand"]
    for name in expand:
        for where, variables in (("env", task.values["env"]), ("secrets", dag.values["secrets"])):
            if name in variables:
                task.problem_at_key(
                    "expand", name, f"{name} is also in {where}: choose another name"
                )
    counts = [len(items) for items in expand.values() if isinstance(items, list)]
    if (count := math.prod(counts)) > MAX_MAPPED_INSTANCES:
        task.problem(
            "expand",
            f"this makes {count} mapped instances; at most {MAX_MAPPED_INSTANCES} are allowed",
        )


def _check_outputs(task: FieldMapping, outputs: dict[str, list[tuple[str, str]]]) -> None:
    """Report outputs of direct dependencies that would share a variable.

    `outputs` maps each task to the variable and name of each of its outputs.
    """
    seen: dict[str, str] = {}
    for other in task.values["dependencies"]:
        for variable, source in outputs.get(other, ()):
            if variable in seen:
                task.problem(
                    "dependencies",
                    f"the outputs {seen[variable]} and {source} would share the variable "
                    f"{variable}: rename one of them",
                )
            seen[variable] = source
