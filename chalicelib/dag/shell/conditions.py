"""Reads `[[ ]]`, which only bash knows: in sh it is the name of a command."""

from __future__ import annotations

from chalicelib.dag.shell.heredocs import HeredocReader
from chalicelib.dag.shell.syntax_tree import Condition, Word

_PATTERNS = ("=", "==", "!=", "=~")
_OTHERS = ("-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef")
_UNARY = frozenset(f"-{letter}" for letter in "abcdefghknoprstuvwxzGLNORS")
NUMERIC = frozenset(("-eq", "-ne", "-lt", "-le", "-gt", "-ge"))
EVALUATING_OPERATORS = frozenset((*NUMERIC, "-v", "-R"))
"""The operators whose operands bash evaluates as arithmetic, or as names with a subscript."""


class ConditionReader(HeredocReader):
    """Reads the text between `[[` and `]]`."""

    def conditional(self, start: int) -> None:
        """Read the rest of a `[[`."""
        with self.deeper():
            self._alternatives(start, is_after_or=False)
        word = self._blank_word(start)
        if word.unquoted_literal != "]]":
            raise self.fail("an unsupported [[ ]]", start)

    def _alternatives(self, start: int, *, is_after_or: bool) -> bool:
        """Read tests joined by && and ||. Returns whether an || was among them."""
        while True:
            is_after_or = self._test(start, is_after_or=is_after_or)
            self._blanks()
            operator = self.source.ahead(2)
            if operator not in ("&&", "||"):
                return is_after_or
            self.source.skip(2)
            is_after_or = is_after_or or operator == "||"
            self._blanks("\n")

    def _test(self, start: int, *, is_after_or: bool) -> bool:
        self._blanks()
        if self.source.peek() == "(":
            self.source.skip(1)
            with self.deeper():
                is_after_or = self._alternatives(start, is_after_or=is_after_or)
            self._blanks()
            if self.source.peek() != ")":
                raise self.fail("an unsupported [[ ]]", start)
            self.source.skip(1)
            return is_after_or
        word = self._blank_word(start)
        if word.unquoted_literal == "!":
            return self._test(start, is_after_or=is_after_or)
        self._operators(word, start, is_after_or=is_after_or)
        return is_after_or

    def _operators(self, word: Word, start: int, *, is_after_or: bool) -> None:
        self._blanks()
        add = self.script.conditions.append
        if word.unquoted_literal in _UNARY:
            add(Condition(word.unquoted_literal or "", None, self._blank_word(start), is_after_or))
        elif self.source.peek() in ("<", ">"):
            operator = self.source.peek()
            self.source.skip(1)
            add(Condition(operator, word, self._blank_word(start), is_after_or))
        elif self._is_operand_alone():
            add(Condition("-n", None, word, is_after_or))
        elif (operator := self._blank_word(start).unquoted_literal or "") in _PATTERNS:
            add(Condition(operator, word, self._pattern(start), is_after_or))
        elif operator in _OTHERS:
            add(Condition(operator, word, self._blank_word(start), is_after_or))
        else:
            raise self.fail("an unsupported [[ ]]", start)

    def _is_operand_alone(self) -> bool:
        source = self.source
        return source.ahead(2) in ("]]", "&&", "||") or source.peek() in (")", "")

    def _blank_word(self, start: int) -> Word:
        self._blanks()
        if self.source.peek() in ("", "\n", "#"):
            raise self.fail("an unsupported [[ ]]", start)
        return self.word()

    def _pattern(self, start: int) -> Word:
        """Read a pattern or regular expression, which may contain parentheses and bars."""
        self._blanks()
        word = self.word(also="()|")
        text = word.unquoted_text
        if text.count("(") != text.count(")") or "||" in text:
            raise self.fail("an unsupported pattern in [[ ]]", start)
        return word

    def _blanks(self, also: str = "") -> None:
        source = self.source
        while (char := source.peek()) and char in " \t" + also:
            source.skip(1)
