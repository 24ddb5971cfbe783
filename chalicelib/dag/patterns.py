"""Regular expressions that the authors of DAG files write, matched by RE2.

RE2's time is proportional to the pattern and to the text, whatever both are. Python's own engine
tries again and again: a pattern for e-mail addresses and 30 letters keep it busy for minutes, with
every other thread waiting. RE2 is loaded with the first pattern, because most files have none.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from chalicelib.dag.problems import quote

_MEMORY_BYTES = 256 * 1024
"""Of one compiled pattern. It bounds the steps for each character to some ten thousand."""

_NO_SUCH_SYNTAX = (
    "patterns are in RE2's syntax, without lookahead, lookbehind, backreferences and possessive "
    "repetition: describe the whole text without them"
)
_REMEDIES = {
    "too large": "use smaller counts, or + and *",
    "repetition size": "a count is at most 1000; + and * have no limit",
    "\\Z": "leave it out, for the whole text is compared",
    "\\z": "leave it out, for the whole text is compared",
    "\\u": "write the character itself, or \\x{e9}",
    "perl operator": _NO_SUCH_SYNTAX,
    "escape sequence": _NO_SUCH_SYNTAX,
    "repetition operator": _NO_SUCH_SYNTAX,
}
"""What to do, by a part of RE2's message."""

# RE2 would take {,5} for these four characters.
_NO_LOWEST = re.compile(r"\{,[0-9]+\}")
_NOT_COUNTS = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)


class BadPattern(ValueError):
    """The pattern cannot be used; the message says why and what to do."""


def check_pattern(pattern: str) -> None:
    """Raises BadPattern."""
    _compile(pattern)


def matches(pattern: str, text: str) -> bool:
    """Whether the pattern matches `text` as a whole. Raises BadPattern."""
    return _compile(pattern).fullmatch(text) is not None


@lru_cache(maxsize=256)
def _compile(pattern: str) -> Any:
    import re2

    if found := _NO_LOWEST.search(_NOT_COUNTS.sub("", pattern)):
        raise BadPattern(f"{quote(pattern)}: write {{0{found[0][1:]} instead of {found[0]}")
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
    raise BadPattern(f"{quote(pattern)} is no regular expression that can be used: {what}")
