"""Finds out which arguments of a command the shell takes as plain text.

A program receives its arguments unchanged. A shell builtin may treat them as code, as names of
variables or as arithmetic; only the builtins listed here are known not to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from chalicelib.dag.shell.shell_names import (
    BUILTINS,
    DECLARATIONS,
    KEYWORDS,
    VERBATIM_DECLARATION_OPTIONS,
    word_set,
)
from chalicelib.dag.shell.syntax_tree import Kind, Part, Word

Refusal = tuple[int, str]
"""A value's index, and why it may not stand there."""

NameJudge = Callable[[str], str]
"""Returns why no value may be assigned to a variable, or an empty text."""

_PLAIN = word_set(
    """
    . : [ break builtin cd command continue echo exec exit false kill popd printf pushd pwd
    return set shift source test true type umask
    """
)
_UNARY = frozenset(f"-{letter}" for letter in "abcdefghknprstuwxzGLNOS")
_BINARY = word_set(
    """
    = == != < > -eq -ne -lt -le -gt -ge -nt -ot -ef
    """
)
_HOMES = ("HOME", "PWD", "OLDPWD", "TMPDIR")


def refusals(
    words: list[Word], functions: set[str], assignment_refusal: NameJudge
) -> Iterator[Refusal]:
    """Yield the values in a simple command that are not taken as plain text."""
    name = words[0].literal
    if name is None or not (words[0].is_single_word or name == "["):
        yield from _unknown(words)
    elif name in functions and name not in BUILTINS:
        yield from _of_function(words)
    elif name in DECLARATIONS:
        yield from _declared(words, assignment_refusal)
    elif name in ("builtin", "command", "exec"):
        yield from _run_by(words, functions, assignment_refusal)
    elif name in _SHAPES:
        yield from _SHAPES[name](words)
    elif name not in _PLAIN and name in BUILTINS | KEYWORDS:
        yield from _all(
            words[1:], f"`{name}` treats its arguments as code or as names of variables"
        )


def _all(words: list[Word], reason: str) -> Iterator[Refusal]:
    for word in words:
        yield from ((value, reason) for value in word.values)


def _unknown(words: list[Word]) -> Iterator[Refusal]:
    """Judge a command whose name is only known at run time. With a slash in it, it is a program."""
    if not _is_path(words[0]):
        reason = (
            "the name of this command is only known when it runs, and it may treat words as code"
        )
        yield from _all(words, f"{reason}: write the name out, or a path in quotation marks")


def _is_path(word: Word) -> bool:
    text = "".join(part.text for part in word.parts if part.kind is Kind.LITERAL)
    return "/" in text and "{" not in word.unquoted_text and all(map(_is_unsplit, word.parts))


def _is_unsplit(part: Part) -> bool:
    """Whether white space in the part cannot split it into several words."""
    if part.kind is Kind.VARIABLE:
        return part.text not in "@*" and (part.is_quoted or part.text in _HOMES)
    return part.kind is not Kind.OTHER or part.is_quoted


def _of_function(words: list[Word]) -> Iterator[Refusal]:
    """Judge a call of a function of the script.

    The author decides what its body does with $1, but functions commonly run their arguments.
    """
    for word in words[1:]:
        text = word.literal
        if text in BUILTINS - _PLAIN:
            yield from _all(words, f"`{text}` may be run with these words, which it treats as code")


def _declared(words: list[Word], assignment_refusal: NameJudge) -> Iterator[Refusal]:
    is_exact = True
    for word in words[1:]:
        text = word.literal
        name, equals, _ = word.prefix.partition("=")
        name = name.removesuffix("+")
        if text is not None and text.startswith("-"):
            is_exact = is_exact and (
                words[0].literal != "export"
                and VERBATIM_DECLARATION_OPTIONS.fullmatch(text) is not None
            )
        elif not equals or not name.isidentifier() or not name.isascii():
            yield from _all([word], f"`{words[0].literal}` may take this as the name of a variable")
        elif not is_exact:
            yield from _all([word], f"`{words[0].literal}` evaluates values with these options")
        elif reason := assignment_refusal(name):
            yield from _all([word], reason)


def _run_by(
    words: list[Word], functions: set[str], assignment_refusal: NameJudge
) -> Iterator[Refusal]:
    """Judge `command`, `builtin` and `exec`, which run the words after them."""
    rest = words[1:]
    first = rest[0].literal if rest else None
    if words[0].literal == "command" and first in ("-v", "-V"):
        return
    if words[0].literal == "command" and first == "-p":
        rest = rest[1:]
    if rest and rest[0].prefix.startswith("-"):
        yield from _all(rest, f"`{words[0].literal}` has an option that is not supported here")
    elif rest:
        yield from refusals(rest, functions, assignment_refusal)


def _printed(words: list[Word]) -> Iterator[Refusal]:
    """Judge `printf`, whose first word may be -v."""
    first = words[1] if len(words) > 1 else None
    if first is None or first.literal == "--":
        return
    lead = first.prefix
    if not lead or lead.startswith("-") or not first.is_single_word:
        yield from _all(
            words[1:],
            "`printf` may take this as an option: write a format such as '%s\\n' before it",
        )


def _sourced(words: list[Word]) -> Iterator[Refusal]:
    if len(words) > 1 and words[1].literal is None and not _is_path(words[1]):
        yield from _all(
            words[1:],
            f"`{words[0].literal}` runs the file of that name: write a directory before it",
        )


def _set(words: list[Word]) -> Iterator[Refusal]:
    """Judge `set`. After `--` it only sets $1 and so on."""
    for count, word in enumerate(words[1:], start=1):
        if word.literal == "--":
            return
        yield from _all([word], "`set` may take this as an option: write set -- before it")
        if count == len(words):
            return


def _tested(words: list[Word]) -> Iterator[Refusal]:
    """Judge `[ ]` and `test`, which tell operators from operands by the number of words."""
    operands = words[1:]
    if words[0].literal == "[" and operands and operands[-1].literal == "]":
        operands = operands[:-1]
    if not any(word.values for word in operands):
        return
    if not all(word.is_single_word for word in operands):
        name = words[0].literal
        yield from _all(
            operands,
            f"`{name}` may see other words than these: put all of them in double quotation marks",
        )
    elif not _is_known_test(operands):
        yield from _all(
            operands,
            "this test is ambiguous: write one test in each pair of brackets, with && or || "
            "between them",
        )


def _is_known_test(operands: list[Word]) -> bool:
    texts = [word.literal for word in operands]
    if len(texts) in (3, 4) and texts[-2] in _BINARY:
        return len(texts) == 3 or texts[0] == "!"
    if len(texts) == 3:
        return texts[0] == "!" and texts[1] in _UNARY
    if len(texts) == 2:
        return texts[0] == "!" or texts[0] in _UNARY
    return len(texts) == 1


_INTEGER_OPERATORS = word_set("-eq -ne -lt -le -gt -ge -t")
_TEXT_CONVERSIONS = re.compile(r"%%|%[-+ #0-9.]*[sbcq]")


def calculated_by_ksh_and_zsh(words: list[Word]) -> Iterator[int]:
    """Yield the values in a simple command that ksh or zsh evaluates as arithmetic, unlike bash
    and sh: numbers in `[ ]` and `printf`, and exit codes."""
    while words and words[0].literal in ("builtin", "command", "exec"):
        words = words[1:]
    name, arguments = (words[0].literal if words else None), words[1:]
    is_calculated = name in ("break", "continue", "exit", "return", "shift")
    if name in ("[", "test"):
        is_calculated = any(word.literal in _INTEGER_OPERATORS for word in arguments)
    elif name == "printf":
        format_ = next((word for word in arguments if word.literal != "--"), None)
        is_calculated = format_ is None or "%" in _TEXT_CONVERSIONS.sub("", format_.literal or "%")
    if is_calculated:
        yield from (value for word in arguments for value in word.values)


_SHAPES: dict[str, Callable[[list[Word]], Iterator[Refusal]]] = {
    "printf": _printed,
    ".": _sourced,
    "source": _sourced,
    "set": _set,
    "[": _tested,
    "test": _tested,
}
