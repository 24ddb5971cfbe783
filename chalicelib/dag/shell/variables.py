"""Finds the variables whose values the shell evaluates when they are assigned."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from chalicelib.dag.shell.shell_names import DECLARATIONS, is_shell_variable
from chalicelib.dag.shell.syntax_tree import Command, Script, Word

_OPTIONS = re.compile(r"-[A-Za-z]+")
_FILLS_ARRAYS = ("mapfile", "read", "readarray")


@dataclass(slots=True)
class Variables:
    """The variables of a script.

    `evaluated` are declared as integers or as references to others; if `is_unsure`, any variable
    may be. `arrays` are, or may be, arrays. `special` have a meaning of their own in the shell that
    reads the script.
    """

    evaluated: set[str] = field(default_factory=set)
    arrays: set[str] = field(default_factory=set)
    is_unsure: bool = False
    special: frozenset[str] = frozenset()

    @classmethod
    def of(cls, script: Script) -> Variables:
        variables = cls()
        for command in script.commands:
            variables._note(command)
        return variables

    def assignment_refusal(self, name: str) -> str:
        """Return why no value may be assigned to the variable, or an empty text."""
        if is_shell_variable(name) or name in self.special:
            return f"{name} has a meaning of its own in the shell: choose another name"
        if self.is_unsure or name in self.evaluated:
            return f"the script declares {name} in a way that may evaluate its value"
        return ""

    def declaration_refusal(self, name: str) -> str:
        """Return why `declare` and the like may not assign it a value, or an empty text."""
        if reason := self.assignment_refusal(name):
            return reason
        if name in self.arrays:
            return f"{name} is an array, and the shell evaluates declared values in parentheses"
        return ""

    def _note(self, command: Command) -> None:
        for assignment in command.assignments:
            if assignment.is_array or assignment.subscript:
                self.arrays.add(assignment.name)
        words = command.words
        while words and words[0].literal in ("builtin", "command"):
            words = words[1:]
        name = words[0].literal if words else None
        if name in DECLARATIONS and name != "export":
            self._declared(words[1:])
        elif name in _FILLS_ARRAYS:
            self.arrays |= {word.literal or "" for word in words[1:]}

    def _declared(self, words: list[Word]) -> None:
        options = ""
        for word in words:
            text = word.literal
            if text is not None and text.startswith("-"):
                options += text if _OPTIONS.fullmatch(text) else ""
            elif "i" in options or "n" in options:
                self.evaluated.add(_name(word))
                self.is_unsure = self.is_unsure or not _name(word)
            elif "a" in options or "A" in options:
                self.arrays.add(_name(word))
            elif not word.prefix:
                self.is_unsure = True  # it may be an option


def _name(word: Word) -> str:
    """Return the variable that the word declares, or an empty text if that is not known."""
    match = re.match(r"([A-Za-z_][A-Za-z0-9_]*)(?:$|[+=\[])", word.prefix)
    has_more = match is not None and match.end() == len(word.prefix) and word.literal is None
    is_whole = match is not None and (not has_more or word.prefix[-1:] in ("=", "[", "+"))
    return match[1] if match is not None and is_whole else ""
