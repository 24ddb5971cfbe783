"""Reads words and the quotation marks in them."""

from __future__ import annotations

import re

from chalicelib.dag.shell.placeholders import Quoting, ValueReader
from chalicelib.dag.shell.source import PLACEHOLDER
from chalicelib.dag.shell.syntax_tree import Kind, Part, Word

_BARE = re.compile(r"[^\0\\'\"`$ \t\n;&|<>()]+")
_IN_DOUBLE = re.compile(r"[^\0\\\"`$]+")
_IN_BACKTICKS = re.compile(r"(?:[^`\\]|\\.)*", re.DOTALL)
_WORD_ENDS = frozenset(" \t\n;&|<>()")
IN_BACKTICKS = "the shell reads what is quoted in backticks twice: write $( ) instead"


class WordReader(ValueReader):
    """Reads words."""

    def dollar(self, parts: list[Part], *, is_double: bool) -> None:
        """Read what a dollar sign begins."""
        raise NotImplementedError

    def word(self, also: str = "") -> Word:
        """Read a word. `also` are characters that do not end it."""
        source = self.source
        word = Word(source.at)
        while (char := source.peek()) and (char not in _WORD_ENDS or char in also):
            if char in also:
                source.skip(1)
                word.parts.append(Part(Kind.LITERAL, char, False))
            else:
                self.part(char, word)
        if not word.parts and source.ahead(2) in ("<(", ">("):
            self._process(word)
        if not word.parts:
            raise self.fail(
                f"an unexpected {source.ahead(1)!r}" if source.peek() else "an unexpected end"
            )
        return word

    def _process(self, word: Word) -> None:
        start = self.source.at
        self.source.skip(2)
        self.substitution()
        word.parts.append(self.other(start, is_quoted=True))
        if self.source.peek() and self.source.peek() not in _WORD_ENDS:
            raise self.fail("text right after <( )")

    def part(self, char: str, word: Word) -> None:
        source, parts = self.source, word.parts
        if char == PLACEHOLDER:
            open_braces = word.unquoted_text.count("{") > word.unquoted_text.count("}")
            self.value(parts, Quoting.BRACES if open_braces else Quoting.WORD)
        elif char == "\\":
            self.escape(parts)
        elif char == "'":
            self._single(parts)
        elif char == '"':
            source.skip(1)
            parts.append(Part(Kind.LITERAL, "", True))
            self.double(parts)
        elif char == "$":
            self.dollar(parts, is_double=False)
        elif char == "`":
            self.backticks(parts, is_double=False)
        else:
            match = _BARE.match(source.text, source.at, source.end)
            assert match is not None
            source.at = match.end()
            parts.append(Part(Kind.LITERAL, match[0], False))

    def escape(self, parts: list[Part]) -> None:
        escaped = self.source.raw(1)
        if not escaped:
            raise self.fail("a backslash at the end")
        if escaped == PLACEHOLDER:
            self.source.at += 1
            self.value(parts, Quoting.WORD, wrong="it follows a backslash")
            return
        self.source.at += 2
        parts.append(Part(Kind.LITERAL, escaped, True))

    def _single(self, parts: list[Part]) -> None:
        source = self.source
        start = source.at
        end = source.text.find("'", source.at + 1, source.end)
        if end < 0:
            raise self.fail("a single quotation mark that is never closed", start)
        source.at += 1
        parts.append(Part(Kind.LITERAL, "", True))
        while source.at < end:
            stop = source.text.find(PLACEHOLDER, source.at, end)
            stop = end if stop < 0 else stop
            if stop > source.at:
                parts.append(Part(Kind.LITERAL, source.text[source.at : stop], True))
            source.at = stop
            if stop < end:
                self.value(parts, Quoting.SINGLE)
        source.at = end + 1

    def double(self, parts: list[Part], *, closer: str = '"') -> None:
        """Read the rest of a text in double quotation marks; without a `closer`, to the end."""
        source, start = self.source, self.source.at
        with self.deeper():
            while (char := source.peek()) and char != closer:
                if char == PLACEHOLDER:
                    self.value(parts, Quoting.DOUBLE)
                elif char == "\\":
                    self.escape_in_double(parts)
                elif char == "$":
                    self.dollar(parts, is_double=True)
                elif char == "`":
                    self.backticks(parts, is_double=True)
                else:
                    match = _IN_DOUBLE.match(source.text, source.at, source.end)
                    length = len(match[0]) if match else 1
                    text = source.text[source.at : source.at + length]
                    source.at += length
                    parts.append(Part(Kind.LITERAL, text, True))
        if not char and closer:
            raise self.fail("a double quotation mark that is never closed", start - 1)
        source.skip(len(closer))

    def escape_in_double(self, parts: list[Part]) -> None:
        escaped = self.source.raw(1)
        if escaped == PLACEHOLDER:
            self.source.at += 1
            self.value(parts, Quoting.DOUBLE, wrong="it follows a backslash")
            return
        self.source.at += 1 + len(escaped)
        text = escaped if escaped in ("$", "`", '"', "\\") else "\\" + escaped
        parts.append(Part(Kind.LITERAL, text, True))

    def ansi(self, parts: list[Part]) -> None:
        source, start = self.source, self.source.at
        source.skip(2)
        end = source.text.find("'", source.at, source.end)
        text = source.text[source.at : max(end, 0)]
        # In sh it is a dollar sign and a single-quoted text, which no backslash can extend.
        if end < 0 or (len(text) - len(text.rstrip("\\"))) % 2:
            raise self.fail("$'...' with a quotation mark in it", start)
        while PLACEHOLDER in source.text[source.at : end]:
            source.at = source.text.index(PLACEHOLDER, source.at)
            self.value([], Quoting.BARE, wrong="nothing can be quoted within $'...'")
        source.at = end + 1
        parts.append(self.other(start, is_quoted=True))

    def backticks(self, parts: list[Part], *, is_double: bool) -> None:
        source, start = self.source, self.source.at
        match = _IN_BACKTICKS.match(source.text, source.at + 1, source.end)
        assert match is not None
        if match.end() >= source.end:
            raise self.fail("a backtick that is never closed", start)
        with self.only_numbers(IN_BACKTICKS):
            while (at := source.text.find(PLACEHOLDER, source.at, match.end())) >= 0:
                source.at = at
                self.value([], Quoting.BARE)
        source.at = match.end() + 1
        parts.append(self.other(start, is_quoted=is_double))
        escapes = '([$`\\\\"])' if is_double else "([$`\\\\])"
        self.inner_script(re.sub(r"\\" + escapes, r"\1", match[0].replace(PLACEHOLDER, "0")), start)
