"""Reads simple commands: assignments, words and redirections."""

from __future__ import annotations

import re
from dataclasses import replace

from chalicelib.dag.shell.conditions import ConditionReader
from chalicelib.dag.shell.mode_changes import changed_by, code_in
from chalicelib.dag.shell.placeholders import Quoting
from chalicelib.dag.shell.shell_names import DECLARATIONS, KEYWORDS
from chalicelib.dag.shell.source import PLACEHOLDER
from chalicelib.dag.shell.syntax_tree import Assignment, Command, Kind, Part, Word

ASSIGNS = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\+?=")
_ELEMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\[")
_DESCRIPTOR = re.compile(r"[0-9]+|\{[A-Za-z_][A-Za-z0-9_]*\}")
_OPERATORS = ("<<<", "<<-", "&>>", "<<", ">>", "<&", ">&", "<>", ">|", "&>", "<", ">")


class SimpleReader(ConditionReader):
    """Reads simple commands."""

    def function(self, name: Word, start: int) -> None:
        """Read the parentheses and the body after the name of a function."""
        raise NotImplementedError

    def lines(self) -> None:
        """Skip blanks, comments and line ends, and read the here-documents after them."""
        source = self.source
        while (char := source.peek()) and char in " \t\n#":
            if char == "#":
                self._comment()
                continue
            source.skip(1)
            if char == "\n":
                self.documents()

    def _comment(self) -> None:
        source = self.source
        end = source.text.find("\n", source.at, source.end)
        end = source.end if end < 0 else end
        while (at := source.text.find(PLACEHOLDER, source.at, end)) >= 0:
            source.at = at
            self.value([], Quoting.COMMENT)
        source.at = end

    def space(self) -> None:
        while self.source.peek() in (" ", "\t"):
            self.source.skip(1)

    def simple(self, word: Word | None) -> None:
        """Read a simple command after its first word, or a function."""
        command = Command(word.start if word else self.source.at)
        is_detached = False
        while True:
            if word and not self.is_descriptor(word):
                if is_detached:
                    raise self.fail("words after &>, which sh reads as a separate command")
                self._add(command, word)
            self.space()
            if self.source.peek() == "(" and len(command.words) == 1 and not command.assignments:
                self.function(command.words[0], command.start)
                return
            if operator := self.redirection():
                is_detached = is_detached or operator.startswith("&")
                word = None
            elif self.source.peek() in ("", "\n", ";", "&", "|", ")", "#"):
                break
            else:
                word = self.word()
        self.script.commands.append(command)
        if change := changed_by(command):
            raise self.fail(change, command.start)
        if code := code_in(command):
            self.inner_script(code, command.start)

    def is_descriptor(self, word: Word) -> bool:
        """Whether the word belongs to the redirection right after it."""
        if self.source.peek() not in ("<", ">"):
            return False
        if word.values and "{" in word.unquoted_text:
            raise self.fail("braces right before a redirection", word.start)
        return _DESCRIPTOR.fullmatch(word.unquoted_literal or "") is not None

    def _add(self, command: Command, word: Word) -> None:
        is_declaration = bool(command.words) and command.words[0].literal in DECLARATIONS
        if not command.words or is_declaration:
            assignment = self._assignment(word)
            if assignment and not command.words:
                command.assignments.append(assignment)
                return
            if assignment and assignment.is_array:
                command.assignments.append(assignment)
        if not command.words and word.unquoted_literal in KEYWORDS:
            raise self.fail(f"an unexpected {word.unquoted_literal!r}", word.start)
        command.words.append(word)

    def _assignment(self, word: Word) -> Assignment | None:
        """Return the assignment that the word makes, if any."""
        lead = word.unquoted_prefix
        if element := _ELEMENT.match(lead):
            return self._element(word, element[1])
        match = ASSIGNS.match(lead)
        if match is None:
            return None
        value = _after(word.parts, match.end())
        assignment = Assignment(match[1], word, value=value)
        if not value and self.source.peek() == "(":
            assignment.is_array = True
            self._items(assignment)
        return assignment

    def _items(self, assignment: Assignment) -> None:
        """Read the words of `NAME=( )`."""
        start = self.source.at
        if self.pending:
            raise self.fail("a here-document on a line with ( )", start)
        self.source.skip(1)
        while True:
            self.lines()
            if self.source.peek() == ")":
                break
            item = self.word()
            if item.unquoted_prefix.startswith("["):
                for value in item.values:
                    self.restrict(value, "this may be an array subscript")
            assignment.items.append(item)
        self.source.skip(1)
        if self.source.peek() not in ("", " ", "\t", "\n", ";", "&", "|", ")"):
            raise self.fail("text right after ( )", start)

    def _element(self, word: Word, name: str) -> Assignment | None:
        """Return the assignment `NAME[...]=value`, whose subscript bash evaluates."""
        subscript: list[Part] = []
        parts = _after(word.parts, len(name) + 1)
        for count, part in enumerate(parts):
            is_text = part.kind is Kind.LITERAL and not part.is_quoted
            if is_text and "]" in part.text:
                inside, _, rest = part.text.partition("]")
                subscript.append(Part(Kind.LITERAL, inside, False))
                return self._element_of(word, name, subscript, rest, parts[count + 1 :])
            subscript.append(part)
        raise self.fail("a [ that is not closed in the same word", word.start)

    def _element_of(
        self, word: Word, name: str, subscript: list[Part], rest: str, after: list[Part]
    ) -> Assignment | None:
        match = re.match(r"\+?=", rest)
        if match is None:
            # Bash looks at the word, but it is not an assignment.
            return None
        value = [Part(Kind.LITERAL, rest[match.end() :], False), *after]
        self.note_arithmetic(word.start, "[ ]", subscript)
        return Assignment(name, word, subscript=subscript, value=value)

    def redirection(self) -> str:
        """Read a redirection, if there is one. Returns its operator, or an empty text."""
        source, start = self.source, self.source.at
        if source.ahead(2) in ("<(", ">("):
            return ""
        three = source.ahead(3)
        operator = next((symbol for symbol in _OPERATORS if three.startswith(symbol)), "")
        if not operator:
            return ""
        source.skip(len(operator))
        self.space()
        if operator in ("<<", "<<-"):
            self.announce(start, is_indented=operator == "<<-")
            return operator
        word = self.word()
        if operator in ("<&", ">&"):
            for value in word.values:
                self.restrict(value, f"bash reads the word after {operator} twice")
        return operator

    def redirections(self) -> None:
        """Read the redirections after a compound command."""
        while True:
            self.space()
            if self.redirection():
                continue
            if not self.source.peek().isdigit():
                return
            word = self.word()
            if not self.is_descriptor(word):
                raise self.fail("a word after a compound command", word.start)


def _after(parts: list[Part], count: int) -> list[Part]:
    """Return the parts without their first `count` characters, which are unquoted text."""
    for index, part in enumerate(parts):
        if count < len(part.text):
            return [replace(part, text=part.text[count:]), *parts[index + 1 :]]
        count -= len(part.text)
        if count == 0:
            return parts[index + 1 :]
    return []
