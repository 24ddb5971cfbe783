"""The names that a template uses, and which of them are unknown or missing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from typing import Any

from jinja2 import nodes

from chalicelib.dag.problems import did_you_mean, quote
from chalicelib.dag.templates.scope import Scope


def paths(tree: nodes.Expr) -> list[tuple[str, ...]]:
    """Return the paths that the expression names, such as `params.a.b`, as far as literal."""
    inner: set[int] = set()
    result: list[tuple[str, ...]] = []
    for node in (tree, *tree.find_all((nodes.Getattr, nodes.Getitem, nodes.Name))):
        if isinstance(node, nodes.Getattr | nodes.Getitem):
            inner.add(id(node.node))
        if id(node) not in inner or (isinstance(node, nodes.Name) and node is tree):
            path = _path(node)
            if path and path not in result:
                result.append(path)
    return result


def _path(node: nodes.Node) -> tuple[str, ...]:
    """Return the steps of the path, or nothing if it does not begin with a name."""
    if isinstance(node, nodes.Name):
        return (node.name,)
    if isinstance(node, nodes.Getattr):
        before = _path(node.node)
        return (*before, node.attr) if before else ()
    if isinstance(node, nodes.Getitem):
        before = _path(node.node)
        key = node.arg.value if isinstance(node.arg, nodes.Const) else None
        if not before:
            return ()
        return (*before, key) if isinstance(key, str) else (*before, "*")
    return ()


_OUTPUT = re.compile(r"\boutputs\.([A-Za-z0-9_.-]+)")


def task_id_hint(source: str, tasks: Set[str]) -> str | None:
    """Return how to name the output of a task whose id cannot follow a dot, such as `load-db`, or
    None."""
    for match in _OUTPUT.finditer(source):
        parts = match[1].split(".")
        for count in range(len(parts) - 1, 0, -1):
            task = ".".join(parts[:count])
            if task in tasks and not task.isidentifier():
                name = parts[count].partition("-")[0]
                return (
                    f"outputs.{task} does not name the task {quote(task)}, whose id contains a "
                    f"dash or a dot or begins with a digit: write outputs['{task}'].{name}"
                )
    return None


def wrong_names(tree: nodes.Expr, scope: Scope) -> Iterator[str]:
    """Yield a message for each name that the expression cannot use."""
    for path in paths(tree):
        name, rest = path[0], path[1:]
        if name not in scope.names:
            known = f"; known here: {', '.join(scope.names)}"
            yield f"unknown name {quote(name)}{did_you_mean(name, scope.names) or known}"
        elif name == "params" and rest[:1] == ("*",):
            yield "params needs the name of a param in quotation marks"
        elif name == "params" and rest:
            yield from _wrong_param(rest[0], scope)
        elif name == "outputs":
            yield from _wrong_output(rest, scope)
        elif rest and name != "params":
            yield f"{name} has no parts: {quote('.'.join(path))} does not exist"


def _wrong_param(name: str, scope: Scope) -> Iterator[str]:
    if name not in scope.params:
        known = ", ".join(scope.params)
        hint = f"; the DAG declares {known or 'none'}"
        yield f"unknown param {quote(name)}{did_you_mean(name, scope.params) or hint}"


def _wrong_output(path: tuple[str, ...], scope: Scope) -> Iterator[str]:
    if not path or path[0] == "*":
        yield "outputs needs the name of a task, such as outputs.load.rows"
    elif path[0] not in scope.tasks:
        yield f"there is no task {quote(path[0])}{did_you_mean(path[0], scope.tasks)}"
    elif path[0] not in scope.outputs:
        yield f"the task {quote(path[0])} does not run before this one: add it to dependencies"
    elif path[1:2] == ("*",):
        yield f"outputs.{path[0]} needs the name of an output in quotation marks"
    elif len(path) > 1 and path[1] not in (promised := scope.outputs[path[0]]):
        known = f"; it declares {', '.join(promised) or 'none'}"
        hint = did_you_mean(path[1], promised) or known
        yield f"the task {quote(path[0])} declares no output {quote(path[1])}{hint}"


def explain_missing(
    tree: nodes.Expr, context: Mapping[str, Any], undefined: str, stand_in: str
) -> str:
    """Name the path that made the engine report `undefined`, else return its report.

    `stand_in` is the default to suggest for a missing output.
    """
    for path in _missing(tree, context):
        if undefined == missing_message(path[-1]):
            where = ".".join(path)
            if path[0] == "outputs" and len(path) == 3:
                what = f"{where} is missing: {quote(path[1])} did not write it"
                return f"{what}; add | default({stand_in}) to allow that"
            return f"{where} does not exist"
    return undefined


def missing_message(name: object) -> str:
    """Return the engine's report of a missing name."""
    return f"there is no {name!r} here"


def _missing(tree: nodes.Expr, context: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield the paths that do not exist in `context`, up to the missing step."""
    for path in paths(tree):
        value: Any = context
        for count, step in enumerate(path, start=1):
            try:
                value = value[step]
            except (LookupError, TypeError):
                if step != "*":  # only the engine can resolve a computed step
                    yield path[:count]
                break
