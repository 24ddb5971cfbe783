"""Finds the templates in a text. The engine parses what is in them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from chalicelib.dag.problems import quote
from chalicelib.dag.templates.scope import OPEN, TemplateError

BRACES = "to get the two braces themselves, write {{ '{{' }}"
MAX_DEPTH = 50
MAX_TEMPLATES = 1000
"""The most templates in a text."""
_PAIRS = {"(": ")", "[": "]", "{": "}"}
_QUOTED = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Span:
    """A template in a text: the index of its `{{`, and the expression in it."""

    opening: int
    source: str


class UnreadableTemplate(TemplateError):
    """The text from the `{{` with index `opening` cannot be parsed as a template."""

    def __init__(self, opening: int, message: str) -> None:
        super().__init__(message)
        self.opening = opening


def split(text: str) -> tuple[list[str], list[Span]]:
    """Split a text into literals and the templates between them.

    A `-` next to the braces strips the white space on that side, as in Jinja.
    """
    literals: list[str] = []
    spans: list[Span] = []
    at = opening = counted = 0
    strip_next = False
    while (start := text.find(OPEN, at)) >= 0:
        if len(spans) == MAX_TEMPLATES:
            raise UnreadableTemplate(
                opening, f"a text can contain at most {MAX_TEMPLATES} templates"
            )
        # Braces in the quotation marks of a template count, too.
        opening += text.count(OPEN, counted, start)
        counted = start
        end = _end_of(text, start, opening)
        source = text[start + 2 : end]
        literal = text[at:start].lstrip() if strip_next else text[at:start]
        literals.append(literal.rstrip() if source.startswith("-") else literal)
        strip_next = source.endswith("-")
        source = source[1:] if source[:1] in ("-", "+") else source
        spans.append(Span(opening, source.removesuffix("-").strip()))
        at = end + 2
    literals.append(text[at:].lstrip() if strip_next else text[at:])
    return literals, spans


def _end_of(text: str, start: int, opening: int) -> int:
    """Return the offset of the braces that close the template."""
    at = start + 2
    expected: list[str] = []
    while at < len(text):
        char = text[at]
        if char in "'\"":
            quoted = _QUOTED.match(text, at)
            if quoted is None:
                break
            at = quoted.end()
            continue
        if not expected and text.startswith("}}", at):
            return at
        if char in _PAIRS:
            expected.append(_PAIRS[char])
            if len(expected) > MAX_DEPTH:
                raise UnreadableTemplate(
                    opening, f"a template can nest at most {MAX_DEPTH} brackets"
                )
        elif char in ")]}" and (not expected or expected.pop() != char):
            raise UnreadableTemplate(
                opening, f"invalid template: unexpected {quote(char)}; {BRACES}"
            )
        at += 1
    raise UnreadableTemplate(opening, f"this template is never closed: add }}}}; {BRACES}")
