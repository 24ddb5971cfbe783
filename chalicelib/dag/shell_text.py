"""How a value must be quoted where it stands in a shell script.

Quotation marks that make a value safe between words are no protection within others: in
`echo "Hi 'x'"` the shell still expands what x holds. So the text ahead of each value is read as
bash and sh read it. Where no quoting helps (here-documents, arithmetic, backticks), or where it
would take a whole parser, the answer is UNSAFE and never a guess.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

_WORD_STARTS = frozenset(" \t\n;&|()<>")
_HEREDOC = re.compile(r"<<(-?)[ \t]*((?:'[^'\n]*'|\"[^\"\n]*\"|\\.|[^\s;&|()<>'\"\\])+)")


class Quoting(StrEnum):
    """Where a value stands."""

    WORD = "between words"
    DOUBLE = "in double quotation marks"
    SINGLE = "in single quotation marks"
    COMMENT = "in a comment"
    UNSAFE = "where no quoting is sure to work"


def quote_for(text: str, quoting: Quoting) -> str:
    """`text` so that the shell takes it as it is. Raises ValueError for UNSAFE."""
    if quoting is Quoting.UNSAFE:
        raise ValueError("no quoting is safe here")
    if quoting is Quoting.COMMENT:
        return _in_single_marks(" ".join(text.split()))
    around = {Quoting.DOUBLE: '"', Quoting.SINGLE: "'"}.get(quoting, "")
    return f"{around}{_in_single_marks(text)}{around}"


def _in_single_marks(text: str) -> str:
    # Always, where shlex.quote leaves out the marks: `if`, `a=b` and the 2 of `2>x` are no words.
    return "'" + text.replace("'", "'\"'\"'") + "'"


def quotings(literals: Sequence[str]) -> list[Quoting]:
    """Where the values stand of a script that is the `literals` with one value between each two."""
    reader = _Reader()
    found = []
    for literal in literals[:-1]:
        reader.read(literal)
        found.append(reader.quoting())
        reader.before = "x"  # a value is part of a word
    return found


# What the reader is in; the innermost stands last on its stack.
_DOUBLE, _SINGLE, _ANSI, _COMMENT = '"', "'", "$'", "#"
_PARENTHESIS, _BRACE, _BACKTICK, _HERE = "(", "${", "`", "<<"
_ARITHMETIC, _GROUP = "((", "((("
_QUOTINGS = {
    "": Quoting.WORD,
    _PARENTHESIS: Quoting.WORD,
    _DOUBLE: Quoting.DOUBLE,
    _SINGLE: Quoting.SINGLE,
    _COMMENT: Quoting.COMMENT,
}
_CLOSERS = {_SINGLE: "'", _COMMENT: "\n", _BACKTICK: "`", _ANSI: "'", _BRACE: "}", _DOUBLE: '"'}


@dataclass(frozen=True, slots=True)
class _Heredoc:
    """A here-document to come; nothing is replaced in it if it `is_literal`."""

    delimiter: str
    is_indented: bool
    is_literal: bool

    def ends_with(self, line: str) -> bool:
        return (line.lstrip("\t") if self.is_indented else line) == self.delimiter


def _is_closed(body: str) -> bool:
    return not body.count("`") % 2 and all(body.count(a) == body.count(b) for a, b in ("()", "{}"))


class _Reader:
    """Reads a script piece by piece and knows what encloses the place it has come to."""

    def __init__(self) -> None:
        self.before = "\n"
        self._stack: list[str] = [""]
        self._heredocs: list[_Heredoc] = []
        self._line = ""
        self._body = ""
        self._is_lost = False
        self._is_cut = False

    def quoting(self) -> Quoting:
        if self._is_lost or self._is_cut:
            return Quoting.UNSAFE
        # What is quoted within ${ } is not what it is elsewhere; a $( ) in between begins anew.
        for inside in reversed(self._stack):
            if inside in ("", _PARENTHESIS):
                break
            if inside not in _QUOTINGS:
                return Quoting.UNSAFE
        return _QUOTINGS.get(self._stack[-1], Quoting.UNSAFE)

    def read(self, text: str) -> None:
        """Go on by `text`, behind what was read and a value."""
        at = 0
        self._is_cut = False
        if self._stack[-1] == _HERE:
            self._line += "x"
        while at < len(text) and not self._is_lost:
            at += self._step(text, at)

    def _step(self, text: str, at: int) -> int:
        """Take in what stands at `at`; the number of characters it has."""
        inside, char = self._stack[-1], text[at]
        if inside == _HERE:
            return self._here(text, at)
        if char == "\\" and inside not in (_SINGLE, _COMMENT):
            return self._escape(text, at)
        if char == _CLOSERS.get(inside):
            self._stack.pop()
            return self._newline() if char == "\n" else self._go(char)
        if inside in (_SINGLE, _COMMENT, _ANSI, _BACKTICK):
            return 1
        if char in "$`" or (char == '"' and inside != _DOUBLE):
            return self._open(text, at)
        return 1 if inside == _DOUBLE else self._bare(text, at)

    def _escape(self, text: str, at: int) -> int:
        self._is_cut = at + 1 == len(text)
        # Without bash, $'...' is a dollar sign and a text that no backslash prolongs.
        self._is_lost = self._stack[-1] == _ANSI and text[at + 1 : at + 2] == "'"
        return self._go("x", 2)

    def _open(self, text: str, at: int) -> int:
        for opener in ("$((", "$(", "${", "$[", "$'", '$"', "`", '"'):
            if text.startswith(opener, at) and not (
                self._stack[-1] == _DOUBLE and opener in ("$'", '$"')
            ):
                inside = _PARENTHESIS if opener == "$(" else opener.lstrip("$")
                self._stack.append(opener if opener in (_BRACE, _ANSI) else inside)
                return self._go("(" if opener == "$(" else "x", len(opener))
        # A dollar sign right ahead of a value that begins with a mark makes $'...' of it.
        self._is_cut = at + 1 == len(text) and self._stack[-1] != _DOUBLE
        return self._go("$")

    def _bare(self, text: str, at: int) -> int:
        inside, char = self._stack[-1], text[at]
        if char == "'":
            self._is_lost = inside == _BRACE and _DOUBLE in self._stack
            self._stack.append(_SINGLE)
        elif inside == _BRACE:
            pass
        elif char in "()":
            return self._parenthesis(text, at)
        elif inside in (_ARITHMETIC, _GROUP):
            pass
        elif char == "#" and self.before in _WORD_STARTS:
            self._stack.append(_COMMENT)
        elif text.startswith("<<", at):
            return self._redirection(text, at)
        elif char == "\n":
            return self._newline()
        elif text.startswith("case", at) and self.before in _WORD_STARTS:
            # The lone ) of its patterns would be taken for the end of a $( ).
            self._is_lost = any(one not in ("", _PARENTHESIS) for one in self._stack)
        return self._go(char)

    def _parenthesis(self, text: str, at: int) -> int:
        inside = self._stack[-1]
        is_arithmetic = inside in (_ARITHMETIC, _GROUP)
        if text.startswith("((", at) and not is_arithmetic:
            self._stack.append(_ARITHMETIC)
            return self._go("(", 2)
        if text[at] == "(":
            self._stack.append(_GROUP if is_arithmetic else _PARENTHESIS)
        elif inside == _ARITHMETIC:
            # A single one here means that (( began two subshells.
            self._is_lost = not text.startswith("))", at)
            self._stack.pop()
            return self._go(")", 2)
        elif inside in (_PARENTHESIS, _GROUP):
            self._stack.pop()
        return self._go(text[at])

    def _redirection(self, text: str, at: int) -> int:
        if text.startswith("<<<", at):
            return self._go("<", 3)
        found = _HEREDOC.match(text, at)
        if found is None or found.end() == len(text) or "$" in found[2] or "`" in found[2]:
            self._is_lost = True  # which line ends the document is not sure
            return 2
        delimiter = re.sub(r"\\(.)|['\"]", r"\1", found[2])
        self._heredocs.append(_Heredoc(delimiter, found[1] == "-", delimiter != found[2]))
        return self._go("x", len(found[0]))

    def _newline(self) -> int:
        self.before = "\n"
        if self._heredocs:
            self._stack.append(_HERE)
            self._line = self._body = ""
        return 1

    def _here(self, text: str, at: int) -> int:
        """Up to the end of the line; the document ends with the line that is its delimiter."""
        end = text.find("\n", at)
        self._line += text[at : end if end >= 0 else len(text)]
        if end < 0:
            return len(text) - at
        self._is_lost = self._line.endswith("\\")  # the next line may belong to this one
        document = self._heredocs[0]
        if document.ends_with(self._line):
            # dash looks for the end behind all that is open, bash does not.
            self._is_lost = not document.is_literal and not _is_closed(self._body)
            del self._heredocs[0]
            self._body = ""
            if not self._heredocs:
                self._stack.pop()
            self.before = "\n"
        self._body += self._line
        self._line = ""
        return end + 1 - at

    def _go(self, before: str, count: int = 1) -> int:
        self.before = before
        return count
