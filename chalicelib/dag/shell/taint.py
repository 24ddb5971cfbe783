"""Finds out where a script evaluates a variable: as arithmetic, as a name, or as code.

The shell runs what such a variable contains, whoever set it. The script may well be right, so this
module only finds the places; `command_warnings` reports them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath

from chalicelib.dag.shell.conditions import EVALUATING_OPERATORS
from chalicelib.dag.shell.grammar import ScriptReader
from chalicelib.dag.shell.shell_names import DECLARATIONS
from chalicelib.dag.shell.source import NotUnderstood
from chalicelib.dag.shell.syntax_tree import Assignment, Command, Kind, Part, Script, Word
from chalicelib.dag.shell.variables import Variables

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DECLARED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\+?=")
_ARGUMENTS = frozenset("123456789@*")
_NAMING = frozenset(("getopts", "mapfile", "read", "readarray", "unset"))
_INTERPRETERS = re.compile(r"(?:ba|da|k|z|a)?sh|python[0-9.]*|perl|ruby|node|php|Rscript")
_CODE_OPTIONS = re.compile(r"-[a-z]*[ce]|-r|--eval")


@dataclass(frozen=True, slots=True, order=True)
class Evaluation:
    """An evaluation at the offset `at` of a script.

    `what` evaluates the variables `names`, or the value of a template if there are none. It runs
    them as code if `is_code`, and may split them into several words if `is_split`.
    """

    at: int
    what: str
    names: tuple[str, ...]
    is_code: bool = False
    is_split: bool = False


def evaluations(text: str, tainted: Collection[str], values: Collection[int]) -> list[Evaluation]:
    """Return where a script evaluates variables that hold user input.

    `tainted` are such variables of the environment, `values` the indexes of such values in the
    script. If the script is not understood completely, returns those found until then.
    """
    reader = ScriptReader(text)
    with suppress(NotUnderstood):
        reader.read()
    script = reader.script
    names = _tainted(script, frozenset(tainted), frozenset(values))
    result = {*_calculated(script, names), *_tested(script, names)}
    variables = Variables.of(script)
    for command in script.commands:
        result.update(_of_command(command, names, variables, frozenset(values)))
    return sorted(result)


def _tainted(script: Script, given: frozenset[str], values: frozenset[int]) -> frozenset[str]:
    """Return the variables that hold user input, also by way of other variables."""
    names = given
    while (more := names | set(_assigned(script, names, values))) != names:
        names = frozenset(more)
    return names


def _assigned(script: Script, names: frozenset[str], values: frozenset[int]) -> Iterator[str]:
    for loop in script.loops:
        if any(_holds(word.parts, names, values) for word in loop.words):
            yield loop.name
    for command in script.commands:
        for assignment in command.assignments:
            parts = [*assignment.value, *(part for item in assignment.items for part in item.parts)]
            if _holds(parts, names, values):
                yield assignment.name
        words = command.words
        name = words[0].literal if words else None
        held = [word for word in words[1:] if _holds(word.parts, names, values)]
        if name in DECLARATIONS:
            yield from (declared[1] for word in held if (declared := _DECLARED.match(word.prefix)))
        elif held and (name in script.functions or name == "set"):
            yield from _ARGUMENTS


def _holds(parts: list[Part], names: frozenset[str], values: frozenset[int]) -> bool:
    """Whether the parts contain the input itself, rather than the output of a command."""
    return any(
        part.text in names if part.kind is Kind.VARIABLE else not values.isdisjoint(part.values)
        for part in parts
        if part.kind in (Kind.VARIABLE, Kind.VALUE)
    )


def _calculated(script: Script, names: frozenset[str]) -> Iterator[Evaluation]:
    for item in script.arithmetic:
        if evaluated := names & item.names:
            is_code = item.what == "${ @P}"
            yield Evaluation(item.start, item.what, tuple(sorted(evaluated)), is_code)


def _tested(script: Script, names: frozenset[str]) -> Iterator[Evaluation]:
    for condition in script.conditions:
        if condition.operator not in EVALUATING_OPERATORS:
            continue
        for word in (condition.left, condition.right):
            if word and (tested := _named(word, names)):
                yield Evaluation(word.start, f"[[ {condition.operator} ]]", tested)


def _named(word: Word, names: frozenset[str]) -> tuple[str, ...]:
    """Return the tainted variables that the word names, with or without a dollar sign."""
    return tuple(sorted({*_used(word, names), *(set(_NAME.findall(word.prefix)) & names)}))


def _used(word: Word, names: frozenset[str]) -> tuple[str, ...]:
    used = {part.text for part in word.parts if part.kind is Kind.VARIABLE}
    return tuple(sorted(used & names))


def _of_command(
    command: Command, names: frozenset[str], variables: Variables, values: frozenset[int]
) -> Iterator[Evaluation]:
    for assignment in command.assignments:
        if variables.assignment_refusal(assignment.name):
            yield from _of_assignment(assignment, names)
    words = command.words
    while words and words[0].literal in ("builtin", "command", "exec", "time"):
        words = words[1:]
    name = (words[0].literal if words else None) or ""
    arguments = words[1:]
    if name == "let":
        yield from _all(arguments, name, names, _named)
    elif name in _NAMING:
        yield from _all(arguments, name, names)
    elif name == "printf" and arguments and arguments[0].prefix.startswith("-v"):
        yield from _all(arguments[:2], "printf -v", names)
    elif name in ("eval", "trap"):
        yield from _all(arguments if name == "eval" else arguments[:1], name, names, is_code=True)
    elif name in DECLARATIONS:
        yield from _of_declaration(name, arguments, names, variables)
    elif name in ("[", "test"):
        yield from _of_test(name, arguments, names)
    elif words:
        yield from _of_program(words, names, values)


def _of_assignment(assignment: Assignment, names: frozenset[str]) -> Iterator[Evaluation]:
    words = [assignment.word, *assignment.items]
    what = f"the assignment to {assignment.name}"
    yield from _all(words, what, names)


def _all(
    words: list[Word],
    what: str,
    names: frozenset[str],
    named: Callable[[Word, frozenset[str]], tuple[str, ...]] = _used,
    *,
    is_code: bool = False,
) -> Iterator[Evaluation]:
    for word in words:
        if held := named(word, names):
            yield Evaluation(word.start, what, held, is_code)


def _of_declaration(
    name: str, words: list[Word], names: frozenset[str], variables: Variables
) -> Iterator[Evaluation]:
    for word in words:
        declared = _DECLARED.match(word.prefix)
        if declared is None or variables.declaration_refusal(declared[1]):
            yield from _all([word], name, names)


def _of_test(name: str, words: list[Word], names: frozenset[str]) -> Iterator[Evaluation]:
    """Yield unquoted variables, which may become several words such as -v and a subscript."""
    for before, word in zip([None, *words], words, strict=False):
        bare = [part for part in word.parts if part.kind is Kind.VARIABLE and not part.is_quoted]
        unquoted = tuple(sorted({part.text for part in bare} & names))
        if unquoted:
            yield Evaluation(word.start, name, unquoted, is_split=True)
        elif before is not None and before.literal in ("-v", "-R"):
            yield from _all([word], f"{name} {before.literal}", names, _named)


def _of_program(
    words: list[Word], names: frozenset[str], values: frozenset[int]
) -> Iterator[Evaluation]:
    """Yield evaluations by `sh -c` and other interpreters, whose argument is a program."""
    for index, word in enumerate(words):
        program = PurePosixPath(word.literal or "").name
        if not _INTERPRETERS.fullmatch(program):
            continue
        for option, code in zip(words[index + 1 :], words[index + 2 :], strict=False):
            if not _CODE_OPTIONS.fullmatch(option.literal or ""):
                continue
            what = f"{program} {option.literal}"
            used = _used(code, names)
            if used or not values.isdisjoint(code.values):
                yield Evaluation(code.start, what, used, is_code=True)
            return
        return
