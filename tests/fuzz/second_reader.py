"""What tree-sitter-bash, a grammar by other people, says about the places of values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import tree_sitter_bash
from tree_sitter import Language, Node, Parser

from chalicelib.dag.shell.insertion_points import insertion_points
from tests.fuzz.scripts import HOLE

_MARK = "%VaLuE%"
_PLAIN = {"word", "string", "string_content", "raw_string", "comment", "extglob_pattern"}
_EVALUATED = {
    "arithmetic_expansion",
    "compound_assignment",
    "expansion",
    "heredoc_body",
    "ansi_c_string",
    "translated_string",
    "c_style_for_statement",
}
_UNKNOWN_TO_IT = re.compile(r"<<-?[\\'\"A-Z0-9]|\\\n")
"""It takes the rest of a line with a here-document for the document, and joins no lines in it."""

_REDIRECTIONS = {"file_redirect", "herestring_redirect"}
_EVALUATORS = {"let", "eval", "read", "unset", "trap", "alias", "mapfile", "getopts", "source"}
_NUMERIC = {"-eq", "-ne", "-lt", "-le", "-gt", "-ge"}


@cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_bash.language()))


def wrong_places(script: str) -> list[str]:
    """Places that take any value and of which the other grammar says that the shell evaluates them.
    What that grammar cannot read either says nothing."""
    literals = script.split(HOLE)
    allowed = [not point.reason for point in insertion_points(literals)]
    text = _MARK.join(literals).encode()
    tree = _parser().parse(text)
    if tree.root_node.has_error or _UNKNOWN_TO_IT.search(script):
        return []
    found: list[str] = []
    at = -1
    for is_allowed in allowed:
        at = text.index(_MARK.encode(), at + 1)
        node = tree.root_node.descendant_for_byte_range(at, at + len(_MARK))
        if is_allowed and node is not None and (why := _wrong(node)):
            found.append(f"{why}: {script.replace(HOLE, '{{v}}')!r} at byte {at}")
    return found


def _wrong(node: Node) -> str:
    if node.type not in _PLAIN:
        return node.type
    is_redirected = False
    for inner, outer in _upwards(node):
        is_redirected = is_redirected or outer.type in _REDIRECTIONS
        if outer.type in _EVALUATED:
            return outer.type
        if outer.type == "subscript" and outer.child_by_field_name("index") == inner:
            return "subscript"
        if outer.type == "command_substitution" and outer.text and outer.text[:1] == b"`":
            return "backticks"
        if outer.type == "command":
            if not is_redirected and _name(outer) in _EVALUATORS:
                return _name(outer)
            is_redirected = False
        if outer.type == "binary_expression" and _is_evaluated_test(outer):
            return "[[ ]] with numbers"
    return ""


def _upwards(node: Node) -> Iterator[tuple[Node, Node]]:
    while (parent := node.parent) is not None:
        yield node, parent
        node = parent


def _name(command: Node) -> str:
    name = command.child_by_field_name("name")
    return (name.text or b"").decode() if name is not None else ""


def _is_evaluated_test(node: Node) -> bool:
    operator = node.child_by_field_name("operator")
    is_numeric = operator is not None and (operator.text or b"").decode() in _NUMERIC
    test = next((outer for _, outer in _upwards(node) if outer.type == "test_command"), None)
    return is_numeric and test is not None and (test.text or b"")[:2] == b"[["
