"""Quotes a value for the place where it stands in a shell script.

Quotation marks that protect a value between words do not protect it within other quotation marks,
and none do where the shell evaluates words again. `shell.insertion_points` says where a value may
stand.
"""

from __future__ import annotations

import re

from chalicelib.dag.shell.placeholders import InsertionPoint, Quoting

_UNSAFE_IN_COMMENTS = re.compile(r"[^A-Za-z0-9_ .,:/=+@%-]")
_NUMBERS_ALLOWED = (
    'pass the value as a variable in env, and write "$NAME" in quotation marks, compared with '
    'single brackets as in [ "$NAME" -gt 5 ]; or make it a number, which is allowed here: give '
    "the param type: integer or type: number, or end the template with | int"
)
_BY_VARIABLE = "pass the value as a variable in env"
_NO_VALUES = f'{_BY_VARIABLE}, and write "$NAME" in quotation marks'


def quote_for(text: str, point: InsertionPoint, *, is_number: bool) -> str:
    """Quote `text` so that the shell takes it literally. Raises ValueError if it cannot."""
    if point.reason and not (is_number and point.allows_numbers):
        raise ValueError(refusal(point))
    quoting = point.quoting
    if quoting is Quoting.COMMENT:
        # Comments have no effect, but some shells look for the end of a $( ) in them.
        return _UNSAFE_IN_COMMENTS.sub("_", text)
    if quoting in (Quoting.BARE, Quoting.ARITHMETIC) or (is_number and quoting is Quoting.BRACES):
        # 1--5 does not mean 1 - -5.
        return f" {text}" if quoting is Quoting.ARITHMETIC and text.startswith("-") else text
    around = {Quoting.DOUBLE: '"', Quoting.SINGLE: "'"}.get(quoting, "")
    return f"{around}{_single_quoted(text)}{around}"


def _single_quoted(text: str) -> str:
    # Always quotes, unlike shlex.quote: `if`, `a=b` and the 2 of `2>x` are not plain words.
    return "'" + text.replace("'", "'\"'\"'") + "'"


def script_refusal(reason: str) -> str:
    """Return why a script can hold no template, and what to do instead."""
    return (
        f"{reason}: {_BY_VARIABLE}, and read it from the environment. For two braces themselves, "
        "write {{ '{{' }}"
    )


def refusal(point: InsertionPoint) -> str:
    """Return why no value may stand there, and what to do instead."""
    way_out = _NUMBERS_ALLOWED if point.allows_numbers else _NO_VALUES
    return (
        f"no value is safe here: {point.reason}; {way_out}. {{{{ ... | raw }}}} inserts it unquoted"
    )
