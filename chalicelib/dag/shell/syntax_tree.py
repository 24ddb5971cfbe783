"""The parts of a script, as far as they matter for the values in it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum


class Kind(StrEnum):
    """The kinds of parts of a word."""

    LITERAL = "text"
    VALUE = "a value"
    VARIABLE = "a variable"
    OTHER = "only known to the shell"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a word: its `text` without quotation marks, or the name of a variable. `values` are
    the indexes of the values in it."""

    kind: Kind
    text: str
    is_quoted: bool
    values: tuple[int, ...] = ()


_SPREADS = re.compile(r"[*?\[{]")
_ALWAYS_ONE = ("#", "?", "$")


@dataclass(slots=True)
class Word:
    """A word of a script, and the offset at which it starts."""

    start: int
    parts: list[Part] = field(default_factory=list)

    @property
    def literal(self) -> str | None:
        """The text of the word, or None if it is not constant."""
        if any(part.kind is not Kind.LITERAL for part in self.parts):
            return None
        return "".join(part.text for part in self.parts)

    @property
    def unquoted_literal(self) -> str | None:
        """The text of the word if it is constant and unquoted, as keywords are; else None."""
        return None if any(part.is_quoted for part in self.parts) else self.literal

    @property
    def prefix(self) -> str:
        """The constant text at the start of the word, quoted or not."""
        return _prefix(self.parts, is_unquoted=False)

    @property
    def unquoted_prefix(self) -> str:
        """The constant text at the start of the word, up to the first quoted part."""
        return _prefix(self.parts, is_unquoted=True)

    @property
    def unquoted_text(self) -> str:
        """All constant text of the word that is not quoted."""
        return "".join(
            part.text for part in self.parts if part.kind is Kind.LITERAL and not part.is_quoted
        )

    @property
    def values(self) -> list[int]:
        """The indexes of the values in the word, also of those in a $( )."""
        return [value for part in self.parts for value in part.values]

    @property
    def is_single_word(self) -> bool:
        """Whether the shell always expands the word to exactly one word."""
        return not _SPREADS.search(self.unquoted_text) and all(map(_is_single, self.parts))


def _prefix(parts: list[Part], *, is_unquoted: bool) -> str:
    text = ""
    for part in parts:
        if part.kind is not Kind.LITERAL or (is_unquoted and part.is_quoted):
            break
        text += part.text
    return text


def _is_single(part: Part) -> bool:
    if part.kind is Kind.VARIABLE:
        return part.text in _ALWAYS_ONE or (part.is_quoted and part.text not in ("@", "*[@]"))
    return part.kind is not Kind.OTHER or part.is_quoted


@dataclass(slots=True)
class Assignment:
    """An assignment `NAME=value`. `subscript` holds the parts of `NAME[...]=`, `items` the words of
    `NAME=(...)`."""

    name: str
    word: Word
    subscript: list[Part] = field(default_factory=list)
    value: list[Part] = field(default_factory=list)
    items: list[Word] = field(default_factory=list)
    is_array: bool = False


@dataclass(slots=True)
class Command:
    """A simple command: assignments, then its name and arguments."""

    start: int
    assignments: list[Assignment] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Condition:
    """A test in `[[ ]]`. `left` is None if the operator has one operand."""

    operator: str
    left: Word | None
    right: Word
    is_after_or: bool


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop `for NAME in WORDS`."""

    name: str
    words: list[Word]


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """An arithmetic evaluation: the syntax that causes it, and the variables in it."""

    start: int
    what: str
    names: frozenset[str]


@dataclass(slots=True)
class Script:
    """Everything that was read, in order."""

    commands: list[Command] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)
    loops: list[Loop] = field(default_factory=list)
    arithmetic: list[Arithmetic] = field(default_factory=list)
    functions: set[str] = field(default_factory=set)

    def absorb(self, other: Script, at: int) -> None:
        """Add the contents of a nested script, as if all of it stood at the offset `at`."""
        for command in other.commands:
            command.start = at
            for word in (*command.words, *(assignment.word for assignment in command.assignments)):
                word.start = at
        for condition in other.conditions:
            for word in filter(None, (condition.left, condition.right)):
                word.start = at
        self.commands += other.commands
        self.conditions += other.conditions
        self.loops += other.loops
        self.arithmetic += [replace(item, start=at) for item in other.arithmetic]
        self.functions |= other.functions
