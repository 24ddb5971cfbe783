"""Finds out which templates always give a number, whatever the params and outputs are."""

from __future__ import annotations

import re
from collections.abc import Collection

from jinja2 import nodes

_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_TO_NUMBERS = ("int", "float", "length")
_OF_NUMBERS = ("default", "round")


def is_number(text: str) -> bool:
    """Whether a rendered text is a number."""
    return _NUMBER.fullmatch(text) is not None


def always_number(tree: nodes.Expr, params: Collection[str]) -> bool:
    """Whether the expression gives a number or fails. `params` are the params that are numbers."""
    if isinstance(tree, nodes.Const):
        return isinstance(tree.value, int | float) and not isinstance(tree.value, bool)
    if isinstance(tree, nodes.Name):
        return tree.name == "try_number"
    if isinstance(tree, nodes.Getattr | nodes.Getitem):
        return _param(tree) in params
    parts: list[nodes.Expr] = []
    if isinstance(tree, nodes.Filter):
        if tree.name in _TO_NUMBERS:
            return True
        parts = [tree.node, *tree.args] if tree.name in _OF_NUMBERS and tree.node else []
    elif isinstance(tree, nodes.Neg | nodes.Pos):
        parts = [tree.node]
    elif isinstance(tree, nodes.CondExpr) and tree.expr2 is not None:
        parts = [tree.expr1, tree.expr2]
    elif isinstance(tree, nodes.BinExpr) and not isinstance(tree, nodes.And | nodes.Or):
        parts = [tree.left, tree.right]
    return bool(parts) and all(always_number(part, params) for part in parts)


def _param(tree: nodes.Getattr | nodes.Getitem) -> str | None:
    """Return the name of the param, if the expression is one."""
    if not isinstance(tree.node, nodes.Name) or tree.node.name != "params":
        return None
    if isinstance(tree, nodes.Getattr):
        return tree.attr
    key = tree.arg.value if isinstance(tree.arg, nodes.Const) else None
    return key if isinstance(key, str) else None
