"""Finds commands that change how the rest of a script is read, and code that is kept for later."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.dag.shell.shell_names import HARMLESS_LETTERS, HARMLESS_OPTIONS
from chalicelib.dag.shell.syntax_tree import Command, Word


def changed_by(command: Command) -> str | None:
    """Describe how the command changes the reading of the rest of the script, or return None."""
    name, arguments = _called(command)
    if name in ("alias", "enable") and arguments:
        return f"{name}, which changes what commands mean"
    if name == "set" and not is_harmless_set(arguments):
        return "set with an option that may change how a script is read"
    if name == "shopt" and not _is_harmless_shopt(arguments):
        return "shopt with an option that may change how a script is read"
    return None


def code_in(command: Command) -> str | None:
    """Return the code in the arguments of `eval` or `trap`, if all of it is literal."""
    name, arguments = _called(command)
    if name not in ("eval", "trap") or not arguments or None in arguments:
        return None
    known = [text or "" for text in arguments]
    if name == "eval":
        return " ".join(known)
    return None if known[0] in ("-", "-l", "-p", "--", "") else known[0]


def _called(command: Command) -> tuple[str | None, list[str | None]]:
    """Return the name of the command and its arguments, with None for those not known."""
    words = command.words
    while words and words[0].literal in ("command", "builtin"):
        words = _without_options(words[1:])
    return (words[0].literal if words else None), [word.literal for word in words[1:]]


def _without_options(words: list[Word]) -> list[Word]:
    while words and words[0].prefix.startswith("-"):
        words = words[1:]
    return words


def is_harmless_set(arguments: Sequence[str | None]) -> bool:
    """Whether `set` with these arguments, None where one is not known, leaves the reading alone."""
    expects_name = False
    for text in arguments:
        if expects_name:
            expects_name = False
            if text not in HARMLESS_OPTIONS:
                return False
        elif text is None:
            return False
        elif text in ("--", "-") or text[:1] not in ("-", "+"):
            return True
        elif not HARMLESS_LETTERS.fullmatch(text):
            return False
        else:
            expects_name = text.endswith("o")
    return True


def _is_harmless_shopt(arguments: list[str | None]) -> bool:
    return all(
        text in ("-s", "-u", "-q", "-p", "-o", "extglob") or text in HARMLESS_OPTIONS
        for text in arguments
    )
