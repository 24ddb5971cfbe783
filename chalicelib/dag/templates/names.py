"""Which names a template uses, and which of them are wrong or missing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from typing import Any

from jinja2 import nodes

from chalicelib.dag.problems import did_you_mean, quote
from chalicelib.dag.templates.scope import Scope


def paths(tree: nodes.Expr) -> list[tuple[str, ...]]:
    """What it names, each as far as it is written out: `params.a.b` is a path of three."""
    inner: set[int] = set()
    found: list[tuple[str, ...]] = []
    for node in (tree, *tree.find_all((nodes.Getattr, nodes.Getitem, nodes.Name))):
        if isinstance(node, nodes.Getattr | nodes.Getitem):
            inner.add(id(node.node))
        if id(node) not in inner or (isinstance(node, nodes.Name) and node is tree):
            path = _path(node)
            if path and path not in found:
                found.append(path)
    return found


def _path(node: nodes.Node) -> tuple[str, ...]:
    """The names from the first on; [] where it does not begin with one."""
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
    """What to write where a template names the output of a task whose id is no plain name behind
    a dot: `3rd`, `load-db`, `load.db`."""
    for match in _OUTPUT.finditer(source):
        parts = match[1].split(".")
        for count in range(len(parts) - 1, 0, -1):
            task = ".".join(parts[:count])
            if task in tasks and not task.isidentifier():
                name = parts[count].partition("-")[0]
                return (
                    f"outputs.{task} is read as something else, for the id {quote(task)} has a "
                    f"dash, a dot or a digit ahead: write outputs['{task}'].{name}"
                )
    return None


def wrong_names(tree: nodes.Expr, scope: Scope) -> Iterator[str]:
    for path in paths(tree):
        name, rest = path[0], path[1:]
        if name not in scope.names:
            known = f"; known here are {', '.join(scope.names)}"
            yield f"the name {quote(name)} is not known{did_you_mean(name, scope.names) or known}"
        elif name == "params" and rest[:1] == ("*",):
            yield "params needs the name of a param in quotation marks"
        elif name == "params" and rest:
            yield from _wrong_param(rest[0], scope)
        elif name == "outputs":
            yield from _wrong_output(rest, scope)
        elif rest and name != "params":
            yield f"{name} has no parts: {quote('.'.join(path))} is nothing"


def _wrong_param(name: str, scope: Scope) -> Iterator[str]:
    if name not in scope.params:
        known = ", ".join(scope.params)
        hint = f"; declared are {known}" if known else "; the DAG declares none"
        yield f"no param {quote(name)} is declared{did_you_mean(name, scope.params) or hint}"


def _wrong_output(path: tuple[str, ...], scope: Scope) -> Iterator[str]:
    if not path or path[0] == "*":
        yield "outputs needs the name of a task, such as outputs.load.rows"
    elif path[0] not in scope.tasks:
        yield f"there is no task {quote(path[0])}{did_you_mean(path[0], scope.tasks)}"
    elif path[0] not in scope.outputs:
        yield f"the task {quote(path[0])} does not come before this one: name it in dependencies"
    elif path[1:2] == ("*",):
        yield f"outputs.{path[0]} needs the name of an output in quotation marks"
    elif len(path) > 1 and path[1] not in (promised := scope.outputs[path[0]]):
        known = f"; it promises {', '.join(promised)}" if promised else "; it promises none"
        hint = did_you_mean(path[1], promised) or known
        yield f"the task {quote(path[0])} promises no output {quote(path[1])}{hint}"


def explain_missing(
    tree: nodes.Expr, context: Mapping[str, Any], undefined: str, stand_in: str
) -> str:
    """Of what the engine calls `undefined`, where it was looked for; itself if nobody knows.
    `stand_in` is a value that would do in its place."""
    for path in _missing(tree, context):
        if undefined == missing_message(path[-1]):
            where = ".".join(path)
            if path[0] == "outputs" and len(path) == 3:
                what = f"{where} is missing: {quote(path[1])} has not written it"
                return f"{what}; | default({stand_in}) can stand in"
            return f"there is no {where}"
    return undefined


def missing_message(name: object) -> str:
    """What the engine calls the absence of a name."""
    return f"there is no {name!r} here"


def _missing(tree: nodes.Expr, context: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """The paths that lead nowhere, as far as the step that is not there."""
    for path in paths(tree):
        value: Any = context
        for count, step in enumerate(path, start=1):
            try:
                value = value[step]
            except (LookupError, TypeError):
                if step != "*":  # what stands for any step can only be found by the engine
                    yield path[:count]
                break
