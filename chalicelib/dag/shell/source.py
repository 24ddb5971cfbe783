"""The characters of a script, with continued lines joined as the shell joins them."""

from __future__ import annotations

PLACEHOLDER = "\0"
"""Stands for a value; no script can hold this character itself."""

_CONTINUED = "\\\n"


class NotUnderstood(Exception):
    """The script means something from `at` on that this reader does not know for sure."""

    def __init__(self, at: int, what: str) -> None:
        super().__init__(what)
        self.at = at
        self.what = what


class Source:
    """A script and how far it is read. `end` is where it ends for whoever reads it."""

    def __init__(self, text: str, at: int = 0, end: int | None = None) -> None:
        self.text = text
        self.at = at
        self.end = len(text) if end is None else end

    def peek(self) -> str:
        """The next character, or nothing at the end. Goes past continued lines."""
        while self.text.startswith(_CONTINUED, self.at, self.end):
            self.at += 2
        return self.text[self.at] if self.at < self.end else ""

    def ahead(self, count: int) -> str:
        """The next `count` characters, fewer at the end."""
        at = self.at
        found = [self._take() for _ in range(count)]
        self.at = at
        return "".join(found)

    def skip(self, count: int) -> None:
        for _ in range(count):
            self._take()

    def _take(self) -> str:
        char = self.peek()
        self.at += len(char)
        return char

    def raw(self, offset: int = 0) -> str:
        """The character at `offset` from here as it is written, or nothing at the end."""
        at = self.at + offset
        return self.text[at] if at < self.end else ""
