"""Reads here-documents, and finds out where they end in bash and in sh."""

from __future__ import annotations

import re
from dataclasses import dataclass

from chalicelib.dag.shell.expansions import ExpansionReader
from chalicelib.dag.shell.placeholders import Quoting
from chalicelib.dag.shell.source import PLACEHOLDER, Source

IN_HEREDOC = "nothing can be quoted in a here-document"
_NUMBER = "-?[0-9][-+.0-9eE]*"


@dataclass(frozen=True, slots=True)
class Heredoc:
    """An announced here-document. The shell expands nothing in it if it `is_literal`."""

    start: int
    delimiter: str
    is_indented: bool
    is_literal: bool

    def may_end(self, line: str) -> bool:
        """Whether the line is the delimiter, or would be if its values were numbers."""
        line = line.lstrip("\t") if self.is_indented else line
        if PLACEHOLDER not in line:
            return line == self.delimiter
        return (
            re.fullmatch(_NUMBER.join(map(re.escape, line.split(PLACEHOLDER))), self.delimiter)
            is not None
        )


class HeredocReader(ExpansionReader):
    """Reads here-documents after the line that announces them."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.pending: list[Heredoc] = []

    def announce(self, start: int, *, is_indented: bool) -> None:
        """Read the delimiter after `<<`."""
        word = self.word()
        text = word.literal
        if text is None or "\n" in text or not text:
            raise self.fail("a here-document without a plain delimiter", start)
        is_literal = any(part.is_quoted for part in word.parts)
        self.pending.append(Heredoc(start, text, is_indented, is_literal))

    def documents(self) -> None:
        """Read the bodies of all announced here-documents, from the start of a line."""
        while self.pending:
            self._document(self.pending.pop(0))

    def _document(self, document: Heredoc) -> None:
        source = self.source
        begin = at = source.at
        joined = ""
        while True:
            end = source.text.find("\n", at, source.end)
            line = source.text[at : end if end >= 0 else source.end]
            if self._ends(document, line, joined):
                break
            if end < 0:
                raise self.fail("a here-document that is never closed", document.start)
            is_continued = not document.is_literal and _is_continued(line)
            joined = joined + line[:-1] if is_continued else ""
            at = end + 1
        self._text_of(document, begin, at)
        source.at = min(at + len(line) + 1, source.end)

    def _ends(self, document: Heredoc, line: str, joined: str) -> bool:
        ends = document.may_end(line)
        is_sure = PLACEHOLDER not in line and not joined
        if (ends and not is_sure) or (joined and document.may_end(joined + line)):
            raise self.fail("a here-document whose last line is ambiguous", document.start)
        return ends

    def _text_of(self, document: Heredoc, begin: int, end: int) -> None:
        whole = self.source
        self.source = Source(whole.text, begin, end)
        with self.only_numbers(IN_HEREDOC):
            if document.is_literal:
                self._literal_values(end)
            else:
                # In sh, too, the document ends only after everything that is open in it.
                self.double([], closer="")
        self.source = whole

    def _literal_values(self, end: int) -> None:
        while (at := self.source.text.find(PLACEHOLDER, self.source.at, end)) >= 0:
            self.source.at = at
            self.value([], Quoting.BARE)


def _is_continued(line: str) -> bool:
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1
