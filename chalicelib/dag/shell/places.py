"""Where each value of a script stands, and whether it may."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from chalicelib.dag.shell.arguments import Fault, faults_of
from chalicelib.dag.shell.conditions import CALCULATING
from chalicelib.dag.shell.grammar import Reader
from chalicelib.dag.shell.source import HOLE, NotFollowed
from chalicelib.dag.shell.syntax import Command, Condition, Part, Script
from chalicelib.dag.shell.values import EVALUATED, Place, Quoting
from chalicelib.dag.shell.variables import Variables


def places(literals: Sequence[str], raw: Collection[int] = ()) -> list[Place]:
    """Where the values stand of a script that is the `literals` with one value between each two.
    `raw` counts those from 0 which the author wants unquoted."""
    text = HOLE.join(literals)
    count = len(literals) - 1
    reader = Reader(text, frozenset(raw))
    try:
        reader.read()
    except NotFollowed as error:
        return [_not_followed(text, error)] * count
    _judge(reader)
    return [reader.places.get(index, Place(Quoting.WORD)) for index in range(count)]


def _not_followed(text: str, error: NotFollowed) -> Place:
    line = text.count("\n", 0, error.at) + 1
    return Place(
        Quoting.WORD,
        f"values may only stand in a script of which all is understood, and in line {line} of this "
        f"one there is {error.what}",
    )


def _judge(reader: Reader) -> None:
    script = reader.script
    variables = Variables.of(script)
    faults: list[Fault] = []
    for command in script.commands:
        for value in (v for one in command.assignments for v in _values(one.subscript)):
            reader.narrow(value, EVALUATED, Quoting.ARITHMETIC)
        faults += _of_command(command, script, variables)
    for condition in script.conditions:
        faults += _of_condition(condition)
    for loop in script.loops:
        if reason := variables.why_not(loop.name):
            faults += [(value, reason) for word in loop.words for value in word.values]
    for value, reason in faults:
        reader.narrow(value, reason)


def _of_command(command: Command, script: Script, variables: Variables) -> list[Fault]:
    faults: list[Fault] = []
    for assignment in command.assignments:
        if reason := variables.why_not(assignment.name):
            words = [assignment.word, *assignment.items]
            faults += [(value, reason) for word in words for value in word.values]
    if command.words:
        faults += faults_of(command.words, script.functions, variables.why_not_declared)
    return faults


def _values(parts: list[Part]) -> list[int]:
    return [value for part in parts for value in part.values]


def _of_condition(condition: Condition) -> list[Fault]:
    left = condition.left.values if condition.left else []
    right = condition.right.values
    operator = condition.operator
    if operator in CALCULATING:
        return [(value, EVALUATED) for value in (*left, *right)]
    if operator in ("<", ">"):
        return [(value, f"sh takes the {operator} for a redirection") for value in (*left, *right)]
    faults = []
    if operator == "=~":
        faults += [(value, "what is quoted in a regular expression is not one") for value in right]
    if condition.is_after_or and condition.left:
        reason = "sh takes what stands after || for the name of a command: write [ ] || [ ]"
        faults += [(value, reason) for value in left]
    return faults
