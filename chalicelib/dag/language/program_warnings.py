"""Warnings about programs that commands call and Lambda lacks."""

from __future__ import annotations

from fnmatch import fnmatchcase

from chalicelib.dag.language.command_warnings import (
    command_nodes,
    place_in,
    written_value,
)
from chalicelib.dag.language.mappings import FieldMapping
from chalicelib.dag.language.yaml_nodes import Node, Scalar
from chalicelib.dag.language.yaml_value import YamlValue
from chalicelib.dag.model import NOTIFICATION_FIELDS
from chalicelib.dag.shell.programs import needed_programs
from chalicelib.dag.templates import with_placeholders
from chalicelib.enums import PlaceKind, WarningCode
from chalicelib.lambda_programs import FOLDERS, PROGRAMS, PYTHON
from chalicelib.places import LAMBDA_MAX_MB, LAMBDA_SECONDS, Places


def warn_about_programs(
    dag: FieldMapping, tasks: list[FieldMapping], places: Places | None
) -> None:
    """Warn about programs that are not there on Lambda and that nothing brings along. Without
    `places`, assume that what Lambda can run goes there."""
    tools = {tool.name for tool in dag.values["tools"]}
    for task in tasks:
        is_own_path = "PATH" in task.values["env"] or "PATH" in dag.values["env"]
        if is_own_path or not _runs_on_lambda(task, places):
            continue
        for name in ("command", "when"):
            if value := written_value(dag, task, name):
                _warn(value, value.node, tools, dag)
    for mapping in (dag, *tasks):
        for name in NOTIFICATION_FIELDS:
            if value := written_value(dag, mapping, name):
                for node in command_nodes(value.node):
                    _warn(value, node, set(), dag)


def _runs_on_lambda(task: FieldMapping, places: Places | None) -> bool:
    values = task.values
    if not values["command"]:
        return False
    if places is not None:
        place = places.find(values["place"])
        return place is not None and place.kind is PlaceKind.LAMBDA
    is_elsewhere = values["image"] or values["queue"] or values["cpu"]
    return not (
        is_elsewhere
        or (values["memory"] or 0) > LAMBDA_MAX_MB
        or (values["execution_timeout"] or 0) > LAMBDA_SECONDS
    )


def _warn(value: YamlValue, node: Node, tools: set[str], dag: FieldMapping) -> None:
    if not isinstance(node, Scalar):
        return
    script, _ = with_placeholders(node.text, frozenset())
    for at, program in needed_programs(script):
        if program not in tools and (message := _message(program, dag)):
            place = place_in(node, script, at)
            value.report.warn(place, value.path, WarningCode.NOT_ON_LAMBDA, message)


def _message(program: str, dag: FieldMapping) -> str:
    """Return what is wrong with a program, or an empty text."""
    folder, slash, name = program.rpartition("/")
    if slash and folder in FOLDERS and name in PYTHON:
        return f"Lambda has no {program}: write #!/usr/bin/env {name}"
    if name in PROGRAMS or (slash and folder not in FOLDERS) or _is_a_file(dag, name):
        return ""
    return (
        f"Lambda has no {program}: bring it along as one of the DAG's `tools` or in a layer "
        "(deploy --task-layer), or run the task in an `image` or on a `queue`"
    )


def _is_a_file(dag: FieldMapping, name: str) -> bool:
    """Whether one of the DAG's files may be called so."""
    patterns: tuple[str, ...] = dag.values.get("files") or ()
    return any(fnmatchcase(name, pattern.rpartition("/")[2]) for pattern in patterns)
