"""Reads what a dollar sign begins: variables, substitutions, arithmetic."""

from __future__ import annotations

import re

from chalicelib.dag.shell.placeholders import EVALUATED_AS_ARITHMETIC, Quoting
from chalicelib.dag.shell.source import PLACEHOLDER
from chalicelib.dag.shell.syntax_tree import Arithmetic, Kind, Part, Word
from chalicelib.dag.shell.words import WordReader

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_IN_BRACES = re.compile(r"[^\0\\'\"`$}]+")
_CALCULATED = re.compile(r"[A-Za-z0-9_ \t\n+\-*/%<>=!&|^~?:,.#@\[\]{}]")
IN_BRACES = "quoting works differently within ${ }"


class ExpansionReader(WordReader):
    """Reads expansions."""

    def dollar(self, parts: list[Part], *, is_double: bool) -> None:
        source = self.source
        start, two = source.at, source.ahead(2)
        if source.ahead(3) == "$((":
            source.skip(3)
            self.arithmetic("$(( ))", start)
            parts.append(self.other(start, is_quoted=is_double))
        elif two == "$(":
            source.skip(2)
            self.substitution()
            parts.append(self.other(start, is_quoted=is_double))
        elif two == "${":
            source.skip(2)
            self._braces(parts, start, is_double=is_double)
        elif two == "$[":
            raise self.fail("$[ ]: write $(( ))")
        elif two == "$'" and not is_double:
            self.ansi(parts)
        elif two == '$"' and not is_double:
            raise self.fail('$"..."')
        else:
            source.skip(1)
            self._variable(parts, is_double=is_double)

    def _variable(self, parts: list[Part], *, is_double: bool) -> None:
        source = self.source
        char = source.peek()
        if char == PLACEHOLDER:
            quoting = Quoting.DOUBLE if is_double else Quoting.WORD
            self.value(parts, quoting, wrong="it follows a dollar sign")
        elif name := self.name():
            parts.append(Part(Kind.VARIABLE, name, is_double))
        elif char and char in "@*#?$!-0123456789":
            source.skip(1)
            if char == "$" and source.peek() in ("(", "{", "["):
                # Looking for the end of a text, bash takes "$$(" for the start of a substitution.
                raise self.fail(f"$${source.peek()}: put something between the two")
            parts.append(Part(Kind.VARIABLE, char, is_double))
        else:
            parts.append(Part(Kind.LITERAL, "$", is_double))

    def name(self) -> str:
        """Read the name of a variable, or return an empty text if none begins here."""
        name = ""
        while (char := self.source.peek()) and _NAME.fullmatch(name + char):
            name += char
            self.source.at += 1
        return name

    def _braces(self, parts: list[Part], start: int, *, is_double: bool) -> None:
        source = self.source
        with self.deeper(), self.only_numbers(IN_BRACES):
            name, many = self._parameter(start)
            operator = source.ahead(2)
            text = self._braces_text(is_double=is_double, start=start)
        source.skip(1)
        if operator[:1] == ":" and operator[1:] not in ("-", "=", "?", "+"):
            self.note_arithmetic(start, "${ : }", text)
        if operator == "@P":
            self.script.arithmetic.append(Arithmetic(start, "${ @P}", frozenset({name})))
        kind = Kind.VARIABLE if name and not many else Kind.OTHER
        is_quoted = is_double and not many
        parts.append(Part(kind, name, is_quoted, self.values_from(start)))

    def _parameter(self, start: int) -> tuple[str, bool]:
        """Read the name before the operator, and return whether it may expand to several words."""
        source = self.source
        prefix = source.peek()
        if prefix in ("#", "!") and source.ahead(2)[1:] not in ("}", ":", "-", "=", "?", "+", ""):
            source.skip(1)
        name = self.name()
        if not name:
            if (char := source.peek()) not in tuple("@*#?$!-0123456789"):
                raise self.fail("an unsupported ${ }", start)
            while source.peek().isascii() and source.peek().isdigit():
                source.skip(1)
            if not char.isdigit():
                source.skip(1)
            return "", char in "@*"
        if prefix == "!" and source.peek() != "[":
            self.script.arithmetic.append(Arithmetic(start, "${!NAME}", frozenset({name})))
        many = False
        if source.peek() == "[":
            source.skip(1)
            many = self.subscript(start) in ("@", "*")
        return ("", False) if prefix == "#" else (name, many or prefix == "!")

    def subscript(self, start: int) -> str:
        """Read the rest of a `[...]`, and return it as written. The shell evaluates it."""
        source, begin = self.source, self.source.at
        parts: list[Part] = []
        with self.only_numbers(EVALUATED_AS_ARITHMETIC):
            while (char := source.peek()) and char != "]":
                if char in "\n;&|<>()[`\\":
                    raise self.fail("an unsupported [ ]", start)
                if char in ("$", "'", '"', PLACEHOLDER):
                    self.part(char, Word(source.at, parts))
                else:
                    self._plain(parts)
        if not char:
            raise self.fail("a [ that is never closed", start)
        text = source.text[begin : source.at]
        source.skip(1)
        self.note_arithmetic(start, "[ ]", parts)
        return text

    def _plain(self, parts: list[Part]) -> None:
        parts.append(Part(Kind.LITERAL, self.source.peek(), False))
        self.source.skip(1)

    def _braces_text(self, *, is_double: bool, start: int) -> list[Part]:
        """Read up to the brace that closes `${`."""
        source = self.source
        parts: list[Part] = []
        while (char := source.peek()) != "}":
            if not char:
                raise self.fail("a ${ that is never closed", start)
            if is_double and char in "'\"":
                raise self.fail("a quotation mark in ${ } within quotation marks")
            if char == "\\" and not is_double:
                self.escape(parts)
            elif char == "\\":
                self.escape_in_double(parts)
            elif char == PLACEHOLDER:
                self.value(parts, Quoting.BARE)
            elif char in "'\"`$":
                self._braces_part(char, parts, is_double=is_double)
            else:
                self._braces_plain(parts)
        return parts

    def _braces_part(self, char: str, parts: list[Part], *, is_double: bool) -> None:
        if char == "$" and is_double:
            self.dollar(parts, is_double=True)
        elif char == "`":
            self.backticks(parts, is_double=is_double)
        else:
            self.part(char, Word(self.source.at, parts))

    def _braces_plain(self, parts: list[Part]) -> None:
        source = self.source
        match = _IN_BRACES.match(source.text, source.at, source.end)
        assert match is not None
        if "<(" in match[0] or ">(" in match[0]:
            raise self.fail("<( ) within ${ }")
        source.at = match.end()
        parts.append(Part(Kind.LITERAL, match[0], False))

    # Arithmetic

    def arithmetic(self, what: str, start: int, also: str = "") -> None:
        """Read the rest of an arithmetic expression and its `))`. `also` are further characters
        allowed in it."""
        source, depth = self.source, 0
        parts: list[Part] = []
        with self.deeper(), self.only_numbers(EVALUATED_AS_ARITHMETIC):
            while (char := source.peek()) != ")" or depth:
                if char == "$":
                    self.dollar(parts, is_double=True)
                elif char == PLACEHOLDER:
                    self.value(parts, Quoting.ARITHMETIC)
                elif char and (char in "()" or char in also or _CALCULATED.match(char)):
                    depth += (char == "(") - (char == ")")
                    self._plain(parts)
                else:
                    raise self.fail(f"an unsupported {what}", start)
        if source.ahead(2) != "))":
            raise self.fail("a (( that does not end with )): put a space between the two", start)
        source.skip(2)
        self.note_arithmetic(start, what, parts)

    def note_arithmetic(self, start: int, what: str, parts: list[Part]) -> None:
        """Record the variables that arithmetic evaluates."""
        text = "".join(part.text if part.kind is Kind.LITERAL else " " for part in parts)
        names = {part.text for part in parts if part.kind is Kind.VARIABLE}
        names |= set(_NAME.findall(text))
        if names:
            self.script.arithmetic.append(Arithmetic(start, what, frozenset(names)))
