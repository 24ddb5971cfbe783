"""Matches the regular expressions of DAG files with RE2.

RE2 takes time proportional to the pattern and the text, whatever they are. Python's own engine
backtracks: a pattern for e-mail addresses and 30 letters keep it busy for minutes while every other
thread waits. RE2 is imported with the first pattern, because most files have none.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from chalicelib.dag.problems import quote

_MEMORY_BYTES = 256 * 1024
"""The limit for a compiled pattern. It bounds the work for each character to some 10,000 steps."""

_NO_SUCH_SYNTAX = (
    "patterns use RE2's syntax, which has no lookahead, lookbehind, backreferences or possessive "
    "repetition: describe the whole text without them"
)
_REMEDIES = {
    "too large": "use smaller counts, or + and *",
    "repetition size": "a count is at most 1000; + and * have no limit",
    "\\Z": "remove it, because a pattern always matches the whole text",
    "\\z": "remove it, because a pattern always matches the whole text",
    "\\u": "write the character itself, or \\x{e9}",
    "perl operator": _NO_SUCH_SYNTAX,
    "escape sequence": _NO_SUCH_SYNTAX,
    "repetition operator": _NO_SUCH_SYNTAX,
}
"""What the author can do, by a part of RE2's message."""

# RE2 would read {,5} as these four characters.
_NO_LOWEST = re.compile(r"\{,[0-9]+\}")
_NOT_COUNTS = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)


class BadPattern(ValueError):
    """The pattern cannot be used; the message says why and what to do."""


def check_pattern(pattern: str) -> None:
    """Raise BadPattern if the pattern cannot be used."""
    _compile(pattern)


def matches(pattern: str, text: str) -> bool:
    """Whether the pattern matches `text` as a whole. Raises BadPattern."""
    return _compile(pattern).fullmatch(text) is not None


@lru_cache(maxsize=256)
def _compile(pattern: str) -> Any:
    import re2

    if count := _NO_LOWEST.search(_NOT_COUNTS.sub("", pattern)):
        raise BadPattern(f"{quote(pattern)}: write {{0{count[0][1:]} instead of {count[0]}")
    options = re2.Options()
    options.max_mem = _MEMORY_BYTES
    options.log_errors = False
    options.never_capture = True
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        why = error.args[0].decode("utf-8", "replace")
    remedies = [f"; {remedy}" for word, remedy in _REMEDIES.items() if word in why]
    what = f"{why}{''.join(remedies[:1])}"
    raise BadPattern(f"{quote(pattern)} is not a valid regular expression: {what}")
