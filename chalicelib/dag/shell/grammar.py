"""Reads a whole script, as far as bash and sh agree on its grammar or one of them rejects it."""

from __future__ import annotations

import re
from collections.abc import Callable

from chalicelib.dag.shell.shell_names import DECLARATIONS, KEYWORDS
from chalicelib.dag.shell.simple_commands import ASSIGNS, SimpleReader
from chalicelib.dag.shell.source import NotUnderstood
from chalicelib.dag.shell.syntax_tree import Loop, Word

_PREFIXES = DECLARATIONS | {"builtin", "command", "eval", "exec"}
_NEVER = frozenset[str]()


class ScriptReader(SimpleReader):
    """Reads a whole script."""

    def __init__(self, text: str, raw: frozenset[int] = frozenset()) -> None:
        super().__init__(text)
        self.raw = raw
        self._in_substitution = False

    def read(self) -> None:
        """Read the script to its end. Raises NotUnderstood."""
        if self._list(_NEVER) or self.source.peek():
            raise self.fail(f"an unexpected {self.source.ahead(2)!r}")
        if self.pending:
            raise self.fail("a here-document that is never closed", self.pending[0].start)

    def substitution(self) -> None:
        """Read the rest of a `$(`."""
        start, before = self.source.at, (self.pending, self._in_substitution)
        self.pending, self._in_substitution = [], True
        with self.deeper():
            self._list(_NEVER)
        if self.source.peek() != ")" or self.pending:
            raise self.fail("a $( that is never closed", start)
        if before[0] and "\n" in self.source.text[start : self.source.at]:
            raise self.fail("a $( ) of several lines on a line with a here-document", start)
        self.source.skip(1)
        self.pending, self._in_substitution = before

    def inner_script(self, text: str, at: int) -> None:
        """Read a script that the shell reads separately, such as one in backticks."""
        inner = ScriptReader(text)
        inner._depth = self._depth + 1
        try:
            inner.read()
        except NotUnderstood as error:
            raise self.fail(error.what, at) from None
        self.script.absorb(inner.script, at)

    # Lists

    def _list(self, ends: frozenset[str]) -> str:
        """Read commands up to a keyword of `ends`, and return it; or up to a `)`, a `;;` or the
        end, and return an empty text."""
        while True:
            self.lines()
            if self._is_at_end():
                return ""
            if end := self._pipelines(ends):
                return end
            self.space()
            if self.source.ahead(2) in (";;", ";&"):
                return ""
            if self.source.peek() in (";", "&"):
                self.source.skip(1)
            elif self.source.peek() not in ("", "\n", ")", "#"):
                raise self.fail(f"an unexpected {self.source.ahead(2)!r}")

    def _is_at_end(self) -> bool:
        return self.source.peek() in ("", ")") or self.source.ahead(2) in (";;", ";&")

    def _pipelines(self, ends: frozenset[str]) -> str:
        """Read commands joined by |, && and ||, or a keyword of `ends`, which is returned."""
        if end := self._command(ends):
            return end
        while True:
            self.space()
            two = self.source.ahead(2)
            if two not in ("&&", "||", "|&") and two[:1] != "|":
                return ""
            self.source.skip(2 if two in ("&&", "||", "|&") else 1)
            self.lines()
            if self._is_at_end():
                raise self.fail("a missing command")
            self._command(_NEVER)

    # Commands

    def _command(self, ends: frozenset[str]) -> str:
        """Read one command, or a keyword of `ends`, which is returned."""
        source, start = self.source, self.source.at
        if source.ahead(2) == "((":
            source.skip(2)
            self._arithmetic_command(start)
        elif source.peek() == "(":
            source.skip(1)
            self._grouped(start)
        elif source.peek() in ("<", ">") or source.ahead(2) == "&>":
            self.simple(None)
            return ""
        else:
            return self._worded(self.word(), ends)
        self.redirections()
        return ""

    def _worded(self, word: Word, ends: frozenset[str]) -> str:
        """Read a command that begins with a word."""
        keyword = word.unquoted_literal or ""
        if keyword in ends:
            return keyword
        if keyword in ("!", "time"):
            self.space()
            self._after_time(keyword)
            return ""
        if compound := self._compound().get(keyword):
            with self.deeper():
                compound(word.start)
            self.redirections()
        elif keyword in KEYWORDS:
            raise self.fail(f"an unexpected {keyword!r}", word.start)
        else:
            self.simple(word)
        return ""

    def _after_time(self, keyword: str) -> None:
        """Read the command after `!` or `time`."""
        if self.source.peek() in ("", "\n", ";", "&", "|", ")", "#"):
            raise self.fail(f"a {keyword} without a command")
        before = self.source.at
        if (
            keyword == "time"
            and self.source.ahead(2) == "-p"
            and self.word().unquoted_literal == "-p"
        ):
            self.space()
        elif keyword == "time":
            self.source.at = before
        with self.deeper():
            self._command(_NEVER)

    def _compound(self) -> dict[str, Callable[[int], None]]:
        return {
            "{": self._braced,
            "if": self._if,
            "while": self._while,
            "until": self._while,
            "for": self._for,
            "case": self._case,
            "function": self._function_keyword,
            "[[": self.conditional,
        }

    def _until(self, *ends: str) -> str:
        keyword = self._list(frozenset(ends))
        if not keyword:
            raise self.fail(f"a missing {' or '.join(ends)}")
        return keyword

    def _grouped(self, start: int) -> None:
        with self.deeper():
            self._list(_NEVER)
        if self.source.peek() != ")":
            raise self.fail("a ( that is never closed", start)
        self.source.skip(1)

    def _braced(self, start: int) -> None:
        del start
        self._until("}")

    def _if(self, start: int) -> None:
        del start
        self._until("then")
        while (keyword := self._until("elif", "else", "fi")) == "elif":
            self._until("then")
        if keyword == "else":
            self._until("fi")

    def _while(self, start: int) -> None:
        del start
        self._until("do")
        self._until("done")

    def _arithmetic_command(self, start: int) -> None:
        self.arithmetic("(( ))", start)
        text = self.source.text[start : self.source.at]
        # In sh, these are two subshells: nothing may shift, quote or comment out what follows.
        if "<<" in text or "\n" in text or re.search(r"[\s(]#", text):
            raise self.fail("an unsupported (( ))", start)

    def _for(self, start: int) -> None:
        self.space()
        if self.source.ahead(2) == "((":
            self.source.skip(2)
            self.arithmetic("(( ; ; ))", start, also=";")
        else:
            self._for_words(start)
        self.space()
        if self.source.peek() == ";":
            self.source.skip(1)
        self.lines()
        if self.word().unquoted_literal != "do":
            raise self.fail("an unsupported for", start)
        self._until("done")

    def _for_words(self, start: int) -> None:
        name = self.word().unquoted_literal
        if not name or not ASSIGNS.fullmatch(f"{name}="):
            raise self.fail("an unsupported for", start)
        self.lines()
        words: list[Word] = []
        before = self.source.at
        if self.source.peek() not in ("", ";") and self.word().unquoted_literal == "in":
            self._words(words)
        else:
            self.source.at = before
        self.script.loops.append(Loop(name, words))

    def _words(self, words: list[Word]) -> None:
        """Read the words up to the end of the command."""
        while True:
            self.space()
            if self.source.peek() in ("", "\n", ";", "#"):
                return
            words.append(self.word())

    def _case(self, start: int) -> None:
        self.space()
        self.word()
        self.lines()
        if self.word().unquoted_literal != "in":
            raise self.fail("an unsupported case", start)
        while not self._branch(start):
            pass

    def _branch(self, start: int) -> bool:
        """Read one `pattern) commands ;;` of a case. Returns True at its end."""
        self.lines()
        before = self.source.at
        if self.source.peek() != "(" and self.word().unquoted_literal == "esac":
            return True
        self.source.at = before
        if self.source.peek() == "(":
            self.source.skip(1)
        elif self._in_substitution:
            raise self.fail("a case within $( ): put a ( before each of its patterns", start)
        while True:
            self.space()
            self.word()
            self.space()
            if self.source.peek() != "|":
                break
            self.source.skip(1)
        if self.source.peek() != ")":
            raise self.fail("an unsupported case", start)
        self.source.skip(1)
        if self._list(frozenset(["esac"])):
            return True
        if self.source.ahead(2) not in (";;", ";&"):
            raise self.fail("an unsupported case", start)
        self.source.skip(3 if self.source.ahead(3) == ";;&" else 2)
        return False

    # Functions

    def _function_keyword(self, start: int) -> None:
        self.space()
        name = self.word()
        self.space()
        if self.source.peek() == "(":
            self._parentheses(start)
        self._body(name, start)

    def _parentheses(self, start: int) -> None:
        self.source.skip(1)
        self.space()
        if self.source.peek() != ")":
            raise self.fail("an unexpected (", start)
        self.source.skip(1)

    def function(self, name: Word, start: int) -> None:
        self._parentheses(start)
        self._body(name, start)

    def _body(self, name: Word, start: int) -> None:
        """Read the body of a function, which is a compound command."""
        if not name.unquoted_literal or name.unquoted_literal in _PREFIXES:
            raise self.fail("an unsupported function", start)
        self.script.functions.add(name.unquoted_literal)
        self.lines()
        if self.source.peek() == "(":
            self._command(_NEVER)
            return
        keyword = self.word()
        if (
            keyword.unquoted_literal not in self._compound()
            or keyword.unquoted_literal == "function"
        ):
            raise self.fail("an unsupported function", start)
        self._worded(keyword, _NEVER)
