"""Where the templates of a text are; what stands in them is for the engine."""

from __future__ import annotations

import re
from dataclasses import dataclass

from chalicelib.dag.problems import quote
from chalicelib.dag.templates.scope import OPEN, TemplateError

BRACES = "for the two braces themselves write {{ '{{' }}"
MAX_DEPTH = 50
MAX_TEMPLATES = 1000
"""In one text."""
_PAIRS = {"(": ")", "[": "]", "{": "}"}
_MARKED = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Span:
    """A template's place in its text: what is evaluated there."""

    opening: int
    source: str


class UnreadableTemplate(TemplateError):
    """No template can be made of the text from one of its `{{` on."""

    def __init__(self, opening: int, message: str) -> None:
        super().__init__(message)
        self.opening = opening


def split(text: str) -> tuple[list[str], list[Span]]:
    """The literal texts and what stands between them. A `-` beside the braces takes the white space
    on that side away, as in Jinja."""
    literals: list[str] = []
    spans: list[Span] = []
    at = opening = counted = 0
    strip_next = False
    while (start := text.find(OPEN, at)) >= 0:
        if len(spans) == MAX_TEMPLATES:
            raise UnreadableTemplate(opening, f"a text holds at most {MAX_TEMPLATES} templates")
        # Those within the marks of a template count, too.
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
    """Where the braces that close the template begin."""
    at = start + 2
    expected: list[str] = []
    while at < len(text):
        char = text[at]
        if char in "'\"":
            found = _MARKED.match(text, at)
            if found is None:
                break
            at = found.end()
            continue
        if not expected and text.startswith("}}", at):
            return at
        if char in _PAIRS:
            expected.append(_PAIRS[char])
            if len(expected) > MAX_DEPTH:
                raise UnreadableTemplate(
                    opening, f"a template is at most {MAX_DEPTH} brackets deep"
                )
        elif char in ")]}" and (not expected or expected.pop() != char):
            raise UnreadableTemplate(
                opening, f"this is no template: {quote(char)} is too much; {BRACES}"
            )
        at += 1
    raise UnreadableTemplate(opening, f"this template has no end: close it with }}}}; {BRACES}")
