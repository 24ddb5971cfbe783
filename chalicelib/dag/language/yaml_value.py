"""What a file says about one field, before it is known what it means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chalicelib.dag.language.fields.field import Field
from chalicelib.dag.language.yaml_nodes import Mapping, Node, Scalar, Sequence
from chalicelib.dag.problems import Report, quote
from chalicelib.dag.templates.scope import OPEN
from chalicelib.dag.text import text_problem

NODE_NAMES: dict[type[Node], str] = {Scalar: "text", Sequence: "a list", Mapping: "a mapping"}
"""What people call the kinds of nodes."""


@dataclass(frozen=True, slots=True)
class YamlValue:
    """What a file says about one field, and where what is wrong with it is reported."""

    node: Node
    field: Field
    path: str
    report: Report

    def problem(self, message: str) -> Any:
        """Report, and answer with the field's default."""
        self.report.add(self.node, self.path, message)
        return self.field.default

    def at(self, node: Node, step: str) -> YamlValue:
        """A part of this value; `step` is what the path to it adds."""
        return YamlValue(node, self.field, self.path + step, self.report)

    def text(self, expected: str = "text") -> str | None:
        """The text that was written, if it is one that a command can be given."""
        if not isinstance(self.node, Scalar):
            self.problem(f"expected {expected}, found {NODE_NAMES[type(self.node)]}")
        elif self.node.is_null:
            self.problem(f"expected {expected}, found null")
        elif fault := text_problem(self.node.text):
            self.problem(fault)
        else:
            return self.node.text
        return None

    def plain(self, expected: str) -> str | None:
        """The text, if it has no quotation marks and so may be a number or a boolean."""
        text = self.text(expected)
        if text is not None and isinstance(self.node, Scalar) and not self.node.is_plain:
            self.problem(f"expected {expected}, found the text {quote(text)} in quotation marks")
            return None
        return text


def items_of(value: YamlValue) -> list[YamlValue]:
    """The items of a list."""
    if not isinstance(value.node, Sequence):
        value.problem(f"expected a list such as [one, two], found {NODE_NAMES[type(value.node)]}")
        return []
    return [value.at(item, f"[{index}]") for index, item in enumerate(value.node.items)]


def one_or_more(value: YamlValue) -> list[YamlValue]:
    """The items of a list, or the one thing that stands in its place."""
    return [value] if isinstance(value.node, Scalar) else items_of(value)


def refuse_template(value: YamlValue, text: str | None, remedy: str) -> bool:
    """Report a template where none is rendered: it must not pass for one that is."""
    if text is None or OPEN not in text:
        return False
    value.problem(f"{value.field.name} takes no templates: {remedy}")
    return True
