"""Finds out which programs a script needs on its PATH.

Only what is certain counts: the plain names of commands, in a script that is understood to its end
and does not itself decide where programs come from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from chalicelib.dag.shell.grammar import ScriptReader
from chalicelib.dag.shell.interpreters import is_shell
from chalicelib.dag.shell.shell_names import BUILTINS, KEYWORDS
from chalicelib.dag.shell.source import NotUnderstood
from chalicelib.dag.shell.syntax_tree import Command, Word
from chalicelib.shebang import read_shebang

_LOOK_FOR = ("hash", "type", "whence", "where", "which")
"""Commands that ask whether a program is there: the script knows that it may not be."""
_RUN_WHAT_FOLLOWS = ("builtin", "command", "env", "exec", "nice", "nohup", "time", "timeout")
_OPERANDS = {"env": re.compile(r"[^=]+=.*", re.DOTALL), "timeout": re.compile(r"[0-9.]+[smhd]?")}
"""What may stand between such a command and the program."""
_DEFINE_MORE = (".", "alias", "autoload", "eval", "source")
_INSTALLERS = ("dnf", "microdnf", "npm", "pip", "pip3", "rpm", "uv")
"""They may bring any program."""


def needed_programs(command: str) -> list[tuple[int, str]]:
    """Return the programs that a command calls by name, with the offset of each one's first call;
    for the script of another program than a shell only that one, which may be a path."""
    programs: dict[str, int] = {}
    shebang = read_shebang(command)
    if shebang is not None:
        runs_by_path = shebang.name != "env"
        interpreter = shebang.interpreter
        if interpreter is not None:
            programs[shebang.program if runs_by_path else interpreter.name] = 0
        if not is_shell(interpreter):
            return _pairs(programs)
    for at, name in _called(command):
        programs.setdefault(name, at)
    return _pairs(programs)


def _pairs(programs: dict[str, int]) -> list[tuple[int, str]]:
    return sorted((at, name) for name, at in programs.items())


def _called(text: str) -> Iterator[tuple[int, str]]:
    reader = ScriptReader(text)
    try:
        reader.read()
    except NotUnderstood:
        return
    script = reader.script
    if any(map(_changes_the_path, script.commands)):
        return
    looked_for = {name for command in script.commands for name in _looked_for(command)}
    for command in script.commands:
        word = _program_of(command)
        name = word.literal if word else None
        if word and name and _is_plain(word) and name not in looked_for | script.functions:
            yield word.start, name


def _changes_the_path(command: Command) -> bool:
    """Whether what a name means after the command is not known any more."""
    names = [assignment.name for assignment in command.assignments]
    words = [word.prefix for word in command.words]
    first = words[0] if words else ""
    if "PATH" in names or any(word == "PATH" or word.startswith("PATH=") for word in words):
        return True
    return first in _DEFINE_MORE or first in _INSTALLERS or "pip" in words


def _looked_for(command: Command) -> Iterator[str]:
    words = [word.literal or "" for word in command.words]
    if words and (words[0] in _LOOK_FOR or words[:2] in (["command", "-v"], ["command", "-V"])):
        yield from words[1:]


def _program_of(command: Command) -> Word | None:
    """Return the name of the program that a command runs, also through `env` and the like. With an
    option before it, it is not looked for."""
    words = command.words
    while words and words[0].literal in _RUN_WHAT_FOLLOWS:
        operand = _OPERANDS.get(words[0].literal or "")
        words = words[1:]
        while operand and words and operand.fullmatch(words[0].prefix):
            words = words[1:]
    return words[0] if words else None


def _is_plain(word: Word) -> bool:
    name = word.literal or ""
    is_special = name in BUILTINS | KEYWORDS or name.startswith(("-", "~", "%"))
    # Hardly any program has a single letter, and in sketches of a DAG any letter may stand for one.
    return len(name) > 1 and not is_special and "/" not in name and word.is_single_word
