"""Warnings about commands that would run text supplied by users as code."""

from __future__ import annotations

import re
from collections.abc import Iterator

from chalicelib.dag.language.mappings import FieldMapping
from chalicelib.dag.language.yaml_nodes import Mapping, Node, Scalar, Sequence
from chalicelib.dag.language.yaml_value import YamlValue
from chalicelib.dag.model import NOTIFICATION_FIELDS, Param
from chalicelib.dag.problems import Location
from chalicelib.dag.shell.interpreters import is_read_by_a_shell
from chalicelib.dag.shell.source import PLACEHOLDER
from chalicelib.dag.shell.taint import Evaluation, evaluations
from chalicelib.dag.templates import is_template, with_placeholders
from chalicelib.dag.text import output_variable, param_variable
from chalicelib.enums import WarningCode
from chalicelib.notification_kinds import KINDS

_SAFE_TYPES = ("integer", "number", "boolean")
_SAFE_TEXT = re.compile(r"[A-Za-z0-9_.:/-]*")
_NOTIFICATION_INPUT = frozenset(("REASON", "CAUSE", "TITLE", "TEXT"))


def warn_about_commands(dag: FieldMapping, tasks: list[FieldMapping]) -> None:
    """Warn about commands that evaluate variables or run code with user input in them."""
    params: tuple[Param, ...] = dag.values["params"]
    safe_params = frozenset(param.name for param in params if _is_safe(param))
    given = {param_variable(param.name) for param in params if param.name not in safe_params}
    given |= set(_env_inputs(dag.values["env"], safe_params))
    by_id = {task.values["id"]: task for task in tasks}
    for task in tasks:
        names = (given - set(task.values["env"])) | set(_task_inputs(task, by_id, safe_params))
        for name in ("command", "when"):
            if value := written_value(dag, task, name):
                _warn(value, value.node, names, safe_params)
    for mapping in (dag, *tasks):
        for value in filter(
            None, (written_value(dag, mapping, name) for name in NOTIFICATION_FIELDS)
        ):
            for node in command_nodes(value.node):
                _warn(value, node, _NOTIFICATION_INPUT, safe_params)


def _is_safe(param: Param) -> bool:
    """Whether a shell can evaluate every value of the param without running commands."""
    if param.type in _SAFE_TYPES:
        return True
    words = [value for value in param.enum or () if isinstance(value, str)]
    return bool(param.enum) and all(map(_SAFE_TEXT.fullmatch, words)) and param.type == "string"


def _task_inputs(
    task: FieldMapping, by_id: dict[str, FieldMapping], safe_params: frozenset[str]
) -> Iterator[str]:
    """Yield the task's own variables that hold user input or the output of a command."""
    yield from _env_inputs(task.values["env"], safe_params)
    yield from (name for name, items in task.values["expand"].items() if is_template(items))
    for other in task.values["dependencies"]:
        for name in by_id[other].values["outputs"]:
            yield output_variable(other, name)


def _env_inputs(env: dict[str, str], safe_params: frozenset[str]) -> Iterator[str]:
    yield from (name for name, text in env.items() if with_placeholders(text, safe_params)[1])


def written_value(dag: FieldMapping, task: FieldMapping, name: str) -> YamlValue | None:
    """Return the YAML that sets the field for the task, if any: its own or `default_args`."""
    if not task.values.get(name):
        return None
    value = task.written.get(name)
    if value is not None and not value.node.is_null:
        return value
    defaults = dag.values["default_args"]
    return defaults.written.get(name) if isinstance(defaults, FieldMapping) else None


def command_nodes(node: Node) -> Iterator[Node]:
    """Yield the commands among the notifications of a field."""
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
    if not is_read_by_a_shell(script) or (not names and not values):
        return
    for evaluation in evaluations(script, names, values):
        place = place_in(node, script, evaluation.at)
        code = WarningCode.VALUE_IN_CODE if evaluation.is_code else WarningCode.VALUE_EVALUATED
        value.report.warn(place, value.path, code, _message(evaluation))


def place_in(node: Scalar, script: str, at: int) -> Location:
    """Return where a character of the script stands in the file.

    It is the start of the line if a template comes before it on its line, and the start of the
    script if a template contains a line end.
    """
    line, begin = script.count("\n", 0, at), script.rfind("\n", 0, at) + 1
    lines = node.text.split("\n")
    if len(lines) != script.count("\n") + 1:
        return node
    column = 0 if PLACEHOLDER in script[begin:at] else at - begin
    return node.place_of(sum(len(text) + 1 for text in lines[:line]) + column)


def _message(evaluation: Evaluation) -> str:
    what = evaluation.what
    source = " and ".join(f"${name}" for name in evaluation.names) or "the value of a template"
    if evaluation.is_code:
        return (
            f"{what} runs {source} as code, whatever a user passes to a run: write the code "
            "out and let it read a variable, as in sh -c 'echo \"$NAME\"'"
        )
    if evaluation.is_split:
        return (
            f"{what} may split {source} into several words, where -v and a[$(id)] run a "
            f'command: put it in double quotation marks, as in "{source}"'
        )
    return (
        f"{what} evaluates {source}, where text such as a[$(id)] runs a command: make it "
        "a number (type: integer for a param, | int for a template in env), or compare it with "
        'single brackets, as in [ "$NAME" -gt 5 ]'
    )
