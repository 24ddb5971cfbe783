"""Warnings about commands that are legal and run what somebody gives to a run."""

from __future__ import annotations

import re
from collections.abc import Iterator

from chalicelib.dag.language.mappings import FieldMapping
from chalicelib.dag.language.yaml_nodes import Mapping, Node, Scalar, Sequence
from chalicelib.dag.language.yaml_value import YamlValue
from chalicelib.dag.model import Param
from chalicelib.dag.problems import Location
from chalicelib.dag.shell.source import PLACEHOLDER
from chalicelib.dag.shell.taint import Evaluation, evaluations
from chalicelib.dag.templates import is_template, with_placeholders
from chalicelib.dag.text import output_variable, param_variable
from chalicelib.enums import WarningCode
from chalicelib.notification_kinds import KINDS

_SAFE_TYPES = ("integer", "number", "boolean")
_SAFE_TEXT = re.compile(r"[A-Za-z0-9_.:/-]*")
_GIVEN_TO_NOTIFICATIONS = frozenset(("REASON",))
_NOTIFICATIONS = ("on_retry", "on_success", "on_failure")


def warn_about_commands(dag: FieldMapping, tasks: list[FieldMapping]) -> None:
    """Warn of commands that evaluate variables which hold what a run was given."""
    params: tuple[Param, ...] = dag.values["params"]
    safe_params = frozenset(param.name for param in params if _is_safe(param))
    given = {param_variable(param.name) for param in params if param.name not in safe_params}
    given |= set(_given_by_env(dag.values["env"], safe_params))
    by_id = {task.values["id"]: task for task in tasks}
    for task in tasks:
        names = (given - set(task.values["env"])) | set(_given_to(task, by_id, safe_params))
        for name in ("command", "when"):
            if value := _written(dag, task, name):
                _warn(value, value.node, names, safe_params)
    for mapping in (dag, *tasks):
        for value in filter(None, (_written(dag, mapping, name) for name in _NOTIFICATIONS)):
            for node in _commands(value.node):
                _warn(value, node, _GIVEN_TO_NOTIFICATIONS, safe_params)


def _is_safe(param: Param) -> bool:
    """Whether no value of the param runs where a shell evaluates it."""
    if param.type in _SAFE_TYPES:
        return True
    words = [value for value in param.enum or () if isinstance(value, str)]
    return bool(param.enum) and all(map(_SAFE_TEXT.fullmatch, words)) and param.type == "string"


def _given_to(
    task: FieldMapping, by_id: dict[str, FieldMapping], safe_params: frozenset[str]
) -> Iterator[str]:
    """The task's own variables that hold what a run was given, or what a command wrote."""
    yield from _given_by_env(task.values["env"], safe_params)
    yield from (name for name, items in task.values["expand"].items() if is_template(items))
    for other in task.values["dependencies"]:
        for name in by_id[other].values["outputs"]:
            yield output_variable(other, name)


def _given_by_env(env: dict[str, str], safe_params: frozenset[str]) -> Iterator[str]:
    yield from (name for name, text in env.items() if with_placeholders(text, safe_params)[1])


def _written(dag: FieldMapping, task: FieldMapping, name: str) -> YamlValue | None:
    """What the field was read from, if it says something for the task."""
    if not task.values.get(name):
        return None
    value = task.written.get(name)
    if value is not None and not value.node.is_null:
        return value
    defaults = dag.values["default_args"]
    return defaults.written.get(name) if isinstance(defaults, FieldMapping) else None


def _commands(node: Node) -> Iterator[Node]:
    """The commands among the notifications of a field."""
    commands = [name for name, kind in KINDS.items() if kind.runs_a_command]
    for item in node.items if isinstance(node, Sequence) else (node,):
        for key, command in item.pairs if isinstance(item, Mapping) else ():
            if key.text in commands:
                yield command


def _warn(
    value: YamlValue, node: Node, names: set[str] | frozenset[str], safe_params: frozenset[str]
) -> None:
    if not isinstance(node, Scalar):
        return
    script, values = with_placeholders(node.text, safe_params)
    if not names and not values:
        return
    for found in evaluations(script, names, values):
        place = _place(node, script, found.at)
        code = WarningCode.VALUE_IN_CODE if found.is_code else WarningCode.VALUE_EVALUATED
        value.report.warn(place, value.path, code, _message(found))


def _place(node: Scalar, script: str, at: int) -> Location:
    """Where the script's character stands in the file: exactly where no template is before it in
    its line, else where the line begins; where the script begins if a template holds a line end."""
    line, begin = script.count("\n", 0, at), script.rfind("\n", 0, at) + 1
    lines = node.text.split("\n")
    if len(lines) != script.count("\n") + 1:
        return node
    column = 0 if PLACEHOLDER in script[begin:at] else at - begin
    return node.place_of(sum(len(text) + 1 for text in lines[:line]) + column)


def _message(found: Evaluation) -> str:
    who = " and ".join(f"${name}" for name in found.names) or "the value of a template"
    if found.is_code:
        return (
            f"{found.what} runs {who} as code, whatever somebody gives to a run: write the code "
            "out and let it read a variable, as in sh -c 'echo \"$NAME\"'"
        )
    if found.is_split:
        return (
            f"{found.what} takes {who} for several words, of which -v and a[$(id)] run a command: "
            f'write it in double quotation marks, as in "{who}"'
        )
    return (
        f"{found.what} evaluates {who}, and a text such as a[$(id)] in it runs a command: make it "
        "a number (type: integer for a param, | int for a template in env), or compare it with "
        'single brackets, as in [ "$NAME" -gt 5 ]'
    )
