"""The characters of a script, with continued lines joined."""

from __future__ import annotations

PLACEHOLDER = "\0"
"""Stands for a value. No script can contain this character itself."""

_CONTINUED = "\\\n"


class NotUnderstood(Exception):
    """The reader does not know for sure what the script means from `at` on."""

    def __init__(self, at: int, what: str) -> None:
        super().__init__(what)
        self.at = at
        self.what = what


class Source:
    """A script, and how far it has been read. `end` is where the reader must stop."""

    def __init__(self, text: str, at: int = 0, end: int | None = None) -> None:
        self.text = text
        self.at = at
        self.end = len(text) if end is None else end

    def peek(self) -> str:
        """Return the next character, or an empty text at the end. Skips line continuations."""
        while self.text.startswith(_CONTINUED, self.at, self.end):
            self.at += 2
        return self.text[self.at] if self.at < self.end else ""

    def ahead(self, count: int) -> str:
        """Return the next `count` characters, or fewer at the end."""
        at = self.at
        characters = [self._take() for _ in range(count)]
        self.at = at
        return "".join(characters)

    def skip(self, count: int) -> None:
        for _ in range(count):
            self._take()

    def _take(self) -> str:
        char = self.peek()
        self.at += len(char)
        return char

    def raw(self, offset: int = 0) -> str:
        """Return the character at `offset` from here, with line continuations, or an empty text."""
        at = self.at + offset
        return self.text[at] if at < self.end else ""
