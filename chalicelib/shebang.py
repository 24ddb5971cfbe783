"""The first line of a script, `#!PROGRAM ARGUMENT`, read as Linux reads it. Pure.

A command that begins with `#!` is such a script: the executor runs it with that program, and the
language checks its first line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

_MARK = "#!"
_BLANKS = re.compile(r"[ \t]+")
_MULTIPLEXERS = ("busybox", "toybox")

_SPLIT = re.compile(r"(?:-[iv0]*S|--split-string(?:=|(?=[ \t])))[ \t]*(.*)", re.DOTALL)
_ENV_FLAGS = re.compile(
    r"-[iv0]*|--(?:ignore-environment|null|debug|(?:block|default|ignore)-signal(?:=.*)?)"
)
_ENV_OPTIONS = re.compile(r"(-[uCa]|--(?:unset|chdir|argv0))(?:=?(.*))")
_ENV_VARIABLE = re.compile(r"[^=]+=.*", re.DOTALL)
_SPECIAL = re.compile(r"[\\'\"$#]")
"""What `env -S` gives a meaning of its own."""


class Interpreter(NamedTuple):
    """What runs a script in the end, seen through `env`: a program's name without its folder, and
    the arguments before the script."""

    name: str
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shebang:
    """Linux passes everything after the program as one `argument`; it may be empty."""

    program: str
    argument: str

    @property
    def name(self) -> str:
        return self.program.rpartition("/")[2]

    @property
    def has_several_arguments(self) -> bool:
        """Whether the argument holds several words, and the program will not split them."""
        is_split = self.name == "env" and _SPLIT.fullmatch(self.argument)
        return not is_split and _BLANKS.search(self.argument) is not None

    @property
    def interpreter(self) -> Interpreter | None:
        """None where `env` is called in a way that is not understood."""
        words = (self.program, self.argument) if self.argument else (self.program,)
        found = _through_env(self.argument) if self.name == "env" else words
        if not found:
            return None
        if found[0].rpartition("/")[2] in _MULTIPLEXERS and len(found) > 1:
            found = found[1:]
        return Interpreter(found[0].rpartition("/")[2], found[1:])


def is_script(command: str) -> bool:
    return command.startswith(_MARK)


def read_shebang(command: str) -> Shebang | None:
    """Read the first line of a command; None if it is no script."""
    if not is_script(command):
        return None
    line = command[len(_MARK) :].partition("\n")[0].strip(" \t\r")
    program, *rest = _BLANKS.split(line, maxsplit=1)
    return Shebang(program, rest[0] if rest else "")


def shebang_problem(command: str) -> str:
    """Return why Linux could not run the script as it is meant, and what to write; else nothing."""
    shebang = read_shebang(command)
    if shebang is None:
        return ""
    if not shebang.program:
        return "its first line names no program: write one after #!, as in #!/usr/bin/env python3"
    if "/" not in shebang.program:
        return (
            f"its first line must give the path of {shebang.program}: write "
            f"#!/usr/bin/env {shebang.program}"
        )
    if not command.partition("\n")[2].strip():
        return (
            "it is a script of a single line, which does nothing: write it after a |, which keeps "
            "line ends, and not after a >, which joins lines"
        )
    if shebang.name == "env" and shebang.has_several_arguments:
        return several_arguments_message(shebang, f"{shebang.program} -S")
    return ""


def several_arguments_message(shebang: Shebang, instead: str) -> str:
    """Say what to write for a program that cannot split its one argument."""
    return (
        f"Linux passes everything after {shebang.program} on as one word: write "
        f"#!{instead} {shebang.argument}"
    )


def _through_env(argument: str) -> tuple[str, ...]:
    """Return the program that `env` runs, and the program's arguments; nothing if unknown."""
    if split := _SPLIT.fullmatch(argument):
        if _SPECIAL.search(split[1]):
            return ()
        words = split[1].split()
    elif argument.startswith("-") or _BLANKS.search(argument):
        return ()
    else:
        words = [argument]
    while words:
        word = words.pop(0)
        if word == "--":
            break
        if option := _ENV_OPTIONS.fullmatch(word):
            del words[: 0 if option[2] else 1]
        elif not (_ENV_FLAGS.fullmatch(word) or _ENV_VARIABLE.fullmatch(word)):
            return () if word.startswith("-") or not word else (word, *words)
    return tuple(words)
