"""The YAML of one field, before a reader turns it into a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chalicelib.dag.language.fields.field import Field
from chalicelib.dag.language.yaml_nodes import Mapping, Node, Scalar, Sequence
from chalicelib.dag.problems import Report, quote
from chalicelib.dag.templates.scope import OPEN
from chalicelib.dag.text import text_problem

NODE_NAMES: dict[type[Node], str] = {Scalar: "text", Sequence: "a list", Mapping: "a mapping"}
"""The kinds of nodes, as messages call them."""


@dataclass(frozen=True, slots=True)
class YamlValue:
    """The YAML of one field, and the path at which its problems are reported."""

    node: Node
    field: Field
    path: str
    report: Report

    def problem(self, message: str) -> Any:
        """Report a problem, and return the field's default."""
        self.report.add(self.node, self.path, message)
        return self.field.default

    def at(self, node: Node, step: str) -> YamlValue:
        """Return a part of this value. `step` is what its path adds."""
        return YamlValue(node, self.field, self.path + step, self.report)

    def text(self, expected: str = "text") -> str | None:
        """Return the text as written, or report a problem if no command can be given it."""
        if not isinstance(self.node, Scalar):
            self.problem(f"expected {expected}, found {NODE_NAMES[type(self.node)]}")
        elif self.node.is_null:
            self.problem(f"expected {expected}, found null")
        elif message := text_problem(self.node.text):
            self.problem(message)
        else:
            return self.node.text
        return None

    def plain(self, expected: str) -> str | None:
        """Return unquoted text, which may be a number or a boolean, or report a problem."""
        text = self.text(expected)
        if text is not None and isinstance(self.node, Scalar) and not self.node.is_plain:
            self.problem(f"expected {expected}, found the quoted text {quote(text)}")
            return None
        return text


def items_of(value: YamlValue) -> list[YamlValue]:
    """Return the items of a list, or report a problem."""
    if not isinstance(value.node, Sequence):
        value.problem(f"expected a list such as [one, two], found {NODE_NAMES[type(value.node)]}")
        return []
    return [value.at(item, f"[{index}]") for index, item in enumerate(value.node.items)]


def one_or_more(value: YamlValue) -> list[YamlValue]:
    """Return the items of a list, or a single value in its place."""
    return [value] if isinstance(value.node, Scalar) else items_of(value)


def refuse_template(value: YamlValue, text: str | None, remedy: str) -> bool:
    """Report a template in a field that renders none. Returns whether there was one."""
    if text is None or OPEN not in text:
        return False
    value.problem(f"{value.field.name} takes no templates: {remedy}")
    return True
