"""Finds out where each value of a script stands, and whether it may stand there."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from chalicelib.dag.shell.arguments import Refusal, calculated_by_ksh_and_zsh, refusals
from chalicelib.dag.shell.conditions import EVALUATING_OPERATORS
from chalicelib.dag.shell.grammar import ScriptReader
from chalicelib.dag.shell.interpreters import (
    CALCULATING_SHELL_VARIABLES,
    is_calculating,
    template_refusal,
)
from chalicelib.dag.shell.placeholders import EVALUATED_AS_ARITHMETIC, InsertionPoint, Quoting
from chalicelib.dag.shell.source import PLACEHOLDER, NotUnderstood
from chalicelib.dag.shell.syntax_tree import Command, Condition, Part, Script
from chalicelib.dag.shell.variables import Variables


def insertion_points(literals: Sequence[str], raw: Collection[int] = ()) -> list[InsertionPoint]:
    """Return the insertion point of each value in a script, which is `literals` joined by values.

    `raw` are the indexes of the values that the author wants unquoted.
    """
    text = PLACEHOLDER.join(literals)
    count = len(literals) - 1
    if reason := template_refusal(literals[0]):
        return [InsertionPoint(Quoting.WORD, reason)] * count
    reader = ScriptReader(text, frozenset(raw))
    try:
        reader.read()
    except NotUnderstood as error:
        return [_not_understood(text, error)] * count
    _judge(reader)
    return [
        reader.insertion_points.get(index, InsertionPoint(Quoting.WORD)) for index in range(count)
    ]


def _not_understood(text: str, error: NotUnderstood) -> InsertionPoint:
    line = text.count("\n", 0, error.at) + 1
    return InsertionPoint(
        Quoting.WORD,
        "values are only allowed in a script that is understood completely, and "
        f"line {line} contains {error.what}",
    )


def _judge(reader: ScriptReader) -> None:
    script = reader.script
    variables = Variables.of(script)
    refused: list[Refusal] = []
    if is_calculating(reader.source.text):
        variables.special = CALCULATING_SHELL_VARIABLES
        values = [
            v for command in script.commands for v in calculated_by_ksh_and_zsh(command.words)
        ]
        refused += [(value, EVALUATED_AS_ARITHMETIC) for value in values]
    for command in script.commands:
        for value in (
            v for assignment in command.assignments for v in _values(assignment.subscript)
        ):
            reader.restrict(value, EVALUATED_AS_ARITHMETIC, Quoting.ARITHMETIC)
        refused += _of_command(command, script, variables)
    for condition in script.conditions:
        refused += _of_condition(condition)
    for loop in script.loops:
        if reason := variables.assignment_refusal(loop.name):
            refused += [(value, reason) for word in loop.words for value in word.values]
    for value, reason in refused:
        reader.restrict(value, reason)


def _of_command(command: Command, script: Script, variables: Variables) -> list[Refusal]:
    refused: list[Refusal] = []
    for assignment in command.assignments:
        if reason := variables.assignment_refusal(assignment.name):
            words = [assignment.word, *assignment.items]
            refused += [(value, reason) for word in words for value in word.values]
    if command.words:
        refused += refusals(command.words, script.functions, variables.declaration_refusal)
    return refused


def _values(parts: list[Part]) -> list[int]:
    return [value for part in parts for value in part.values]


def _of_condition(condition: Condition) -> list[Refusal]:
    left = condition.left.values if condition.left else []
    right = condition.right.values
    operator = condition.operator
    if operator in EVALUATING_OPERATORS:
        return [(value, EVALUATED_AS_ARITHMETIC) for value in (*left, *right)]
    if operator in ("<", ">"):
        return [(value, f"sh reads the {operator} as a redirection") for value in (*left, *right)]
    refused = []
    if operator == "=~":
        refused += [(value, "quoted text is not read as a regular expression") for value in right]
    if condition.is_after_or and condition.left:
        reason = "sh reads what follows || as the name of a command: write [ ] || [ ]"
        refused += [(value, reason) for value in left]
    return refused
