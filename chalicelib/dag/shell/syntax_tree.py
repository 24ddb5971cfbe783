"""What a script is made of, as far as it matters for the values in it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum


class Kind(StrEnum):
    """What a part of a word is."""

    LITERAL = "text"
    VALUE = "a value"
    VARIABLE = "a variable"
    OTHER = "what only the shell knows"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a word: its `text`, without quotation marks, or the name of the variable; `values`
    are those that stand in it, counted from 0 in the script."""

    kind: Kind
    text: str
    is_quoted: bool
    values: tuple[int, ...] = ()


_SPREADS = re.compile(r"[*?\[{]")
_ALWAYS_ONE = ("#", "?", "$")


@dataclass(slots=True)
class Word:
    """One word of a script, and where it begins there."""

    start: int
    parts: list[Part] = field(default_factory=list)

    @property
    def literal(self) -> str | None:
        """The text that it always is, or None."""
        if any(part.kind is not Kind.LITERAL for part in self.parts):
            return None
        return "".join(part.text for part in self.parts)

    @property
    def unquoted_literal(self) -> str | None:
        """The text that it always is if nothing of it is quoted: only that can be a keyword."""
        return None if any(part.is_quoted for part in self.parts) else self.literal

    @property
    def prefix(self) -> str:
        """The text that it begins with, quoted or not."""
        return _prefix(self.parts, is_unquoted=False)

    @property
    def unquoted_prefix(self) -> str:
        """The text that it begins with, as far as nothing of it is quoted."""
        return _prefix(self.parts, is_unquoted=True)

    @property
    def unquoted_text(self) -> str:
        """All of its text that is not quoted."""
        return "".join(
            part.text for part in self.parts if part.kind is Kind.LITERAL and not part.is_quoted
        )

    @property
    def values(self) -> list[int]:
        """The values in it, also those within a $( ) of it."""
        return [value for part in self.parts for value in part.values]

    @property
    def is_single_word(self) -> bool:
        """Whether the shell never makes more or less than one word of it."""
        return not _SPREADS.search(self.unquoted_text) and all(map(_is_single, self.parts))


def _prefix(parts: list[Part], *, is_unquoted: bool) -> str:
    found = ""
    for part in parts:
        if part.kind is not Kind.LITERAL or (is_unquoted and part.is_quoted):
            break
        found += part.text
    return found


def _is_single(part: Part) -> bool:
    if part.kind is Kind.VARIABLE:
        return part.text in _ALWAYS_ONE or (part.is_quoted and part.text not in ("@", "*[@]"))
    return part.kind is not Kind.OTHER or part.is_quoted


@dataclass(slots=True)
class Assignment:
    """`NAME=value`. `subscript` holds the parts of `NAME[...]=`, `items` the words of
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
    """One test within `[[ ]]`; `left` is missing where the operator has one operand."""

    operator: str
    left: Word | None
    right: Word
    is_after_or: bool


@dataclass(frozen=True, slots=True)
class Loop:
    """`for NAME in WORDS`."""

    name: str
    words: list[Word]


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """What the shell calculates: in which way, and which variables it names."""

    start: int
    what: str
    names: frozenset[str]


@dataclass(slots=True)
class Script:
    """All that was read, in the order in which it was."""

    commands: list[Command] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)
    loops: list[Loop] = field(default_factory=list)
    arithmetic: list[Arithmetic] = field(default_factory=list)
    functions: set[str] = field(default_factory=set)

    def take(self, other: Script, at: int) -> None:
        """Add what another script holds that stands in this one, as if all of it stood at `at`."""
        for command in other.commands:
            command.start = at
            for word in (*command.words, *(one.word for one in command.assignments)):
                word.start = at
        for condition in other.conditions:
            for word in filter(None, (condition.left, condition.right)):
                word.start = at
        self.commands += other.commands
        self.conditions += other.conditions
        self.loops += other.loops
        self.arithmetic += [replace(one, start=at) for one in other.arithmetic]
        self.functions |= other.functions
