"""A class replaces nothing private of its base by accident: two methods that happen to have the
same name once made `[[ $word ]]` unreadable."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]

INTENDED = {("_Gateway", "_has_user_defined_options_method")}
"""Chalice's own hook."""


def classes() -> dict[str, ast.ClassDef]:
    trees = [ast.parse(path.read_bytes()) for path in (ROOT / "chalicelib").rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    return {node.name: node for node in nodes if isinstance(node, ast.ClassDef)}


def methods(node: ast.ClassDef) -> Iterator[str]:
    """Return the private methods of the class that do something."""
    for item in node.body:
        if isinstance(item, ast.FunctionDef) and item.name.startswith("_"):
            raises = any(isinstance(statement, ast.Raise) for statement in item.body)
            if not (item.name.endswith("__") or raises):
                yield item.name


def bases(node: ast.ClassDef, known: dict[str, ast.ClassDef]) -> Iterator[ast.ClassDef]:
    for base in node.bases:
        if isinstance(base, ast.Name) and base.id in known and known[base.id] is not node:
            yield known[base.id]
            yield from bases(known[base.id], known)


def test_no_class_replaces_a_private_method_of_its_base_by_accident() -> None:
    known = classes()
    replaced = {
        (node.name, name)
        for node in known.values()
        for base in bases(node, known)
        for name in set(methods(node)) & set(methods(base))
    }
    assert replaced <= INTENDED
