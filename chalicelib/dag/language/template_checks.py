"""Checks the templates of a DAG file: the names they use, and the places where they stand."""

from __future__ import annotations

from chalicelib.dag.language.mappings import FieldMapping
from chalicelib.dag.language.yaml_nodes import Mapping, Node, Scalar, Sequence
from chalicelib.dag.language.yaml_value import YamlValue, items_of
from chalicelib.dag.shell.shell_names import is_shell_variable
from chalicelib.dag.templates import check, is_single_template, is_template
from chalicelib.dag.templates.scope import NAMES, TASK_NAMES, Scope, TemplateError

_EVERY_TASK = tuple(name for name in NAMES if name != "outputs")


def check_all_templates(
    dag: FieldMapping, tasks: list[FieldMapping], upstream: dict[str, list[str]]
) -> None:
    """Report every problem of the templates in `env`, and in the fields of tasks. `upstream` maps
    each task to all tasks that come before it."""
    params = tuple(param.name for param in dag.values["params"])
    numbers = tuple(p.name for p in dag.values["params"] if p.type in ("integer", "number"))
    if "env" in dag.written:
        check_all_texts(dag.written["env"], Scope(_EVERY_TASK, params))
        _check_variables(dag.written["env"])
    by_id = {task.values["id"]: task for task in tasks if task.values["id"] is not None}
    defaults = dag.values["default_args"]
    for task in tasks:
        places = _places(task, defaults.written if isinstance(defaults, FieldMapping) else {})
        if not places:
            continue
        before = upstream.get(task.values["id"], ())
        declared = {other: by_id[other].values["outputs"] for other in before}
        for name, value in places.items():
            names = TASK_NAMES if name in ("expand", "conf") else NAMES
            _check(name, value, Scope(names, params, declared, tuple(by_id), numbers))


def check_template(value: YamlValue, text: str, scope: Scope, *, for_shell: bool = False) -> None:
    """Report the problems of the templates in a text, each at its own line and column."""
    if value.report.is_full:
        return  # more problems are not shown, and looking for similar names takes time
    places = value.node.openings if isinstance(value.node, Scalar) else ()
    for problem in check(text, scope, for_shell=for_shell):
        place = places[problem.opening] if problem.opening < len(places) else value.node
        value.report.add(place, value.path, problem.message)


def check_all_texts(value: YamlValue, scope: Scope) -> None:
    """Report the problems of the templates in every text of a JSON value."""
    node = value.node
    if isinstance(node, Scalar):
        check_template(value, node.text, scope)
    elif isinstance(node, Sequence):
        for item in items_of(value):
            check_all_texts(item, scope)
    elif isinstance(node, Mapping):
        for key, item_node in node.pairs:
            check_all_texts(value.at(item_node, f".{key.text}"), scope)


def _places(task: FieldMapping, defaults: dict[str, YamlValue]) -> dict[str, YamlValue]:
    """Return the fields of the task with templates, whether its own or from `default_args`."""
    places: dict[str, YamlValue] = {}
    for name in ("command", "when", "env", "expand", "conf"):
        value = task.written.get(name)
        if value is None or value.node.is_null:
            value = defaults.get(name)
        if value is not None and task.values[name] and is_template(task.values[name]):
            places[name] = value
    return places


def _check(name: str, value: YamlValue, scope: Scope) -> None:
    if name in ("command", "when") and isinstance(value.node, Scalar):
        check_template(value, value.node.text, scope, for_shell=True)
        return
    check_all_texts(value, scope)
    if name in ("env", "expand"):
        _check_variables(value)
    if name == "expand" and isinstance(value.node, Mapping):
        for key, node in value.node.pairs:
            if isinstance(node, Scalar):
                _check_is_list(value.at(node, f".{key.text}"), node.text)


def _check_variables(value: YamlValue) -> None:
    """Report templates in variables that the shell itself runs or evaluates."""
    for key, node in value.node.pairs if isinstance(value.node, Mapping) else ():
        if is_shell_variable(key.text) and _holds_template(node):
            value.at(key, f".{key.text}").problem(
                f"{key.text} has a meaning of its own in the shell, so it cannot hold a template: "
                "choose another name"
            )


def _holds_template(node: Node) -> bool:
    if isinstance(node, Sequence):
        return any(map(_holds_template, node.items))
    return isinstance(node, Scalar) and is_template(node.text)


def _check_is_list(value: YamlValue, text: str) -> None:
    try:
        is_single = is_single_template(text)
    except TemplateError:
        return  # reported already
    if not is_single:
        value.problem(
            "a template that gives a list must stand alone, with nothing before or after it"
        )
