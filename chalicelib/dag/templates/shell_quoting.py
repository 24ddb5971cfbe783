"""How a value is written where it stands in a shell script.

Quotation marks that make a value safe between words are no protection within others, and where a
shell evaluates words again, none are. Where a value may stand, `shell.insertion_points` says.
"""

from __future__ import annotations

import re

from chalicelib.dag.shell.placeholders import InsertionPoint, Quoting

_OF_A_COMMENT = re.compile(r"[^A-Za-z0-9_ .,:/=+@%-]")
_WITH_NUMBERS = (
    "give the value to the command as a variable in env, written in quotation marks and compared "
    'with single brackets ([ "$NAME" -gt 5 ]); or make it a number, which may stand here: a param '
    "with type: integer or type: number, or | int at the end of the template"
)
_WITHOUT = 'give the value to the command as a variable in env and write "$NAME"'


def quote_for(text: str, point: InsertionPoint, *, is_number: bool) -> str:
    """`text` so that the shell takes it as it is. Raises ValueError where that cannot be."""
    if point.reason and not (is_number and point.allows_numbers):
        raise ValueError(refusal(point))
    quoting = point.quoting
    if quoting is Quoting.COMMENT:
        # Nobody reads it, and some shells look for the end of a $( ) in comments, too.
        return _OF_A_COMMENT.sub("_", text)
    if quoting in (Quoting.BARE, Quoting.ARITHMETIC) or (is_number and quoting is Quoting.BRACES):
        # 1--5 would be something else than 1 - -5.
        return f" {text}" if quoting is Quoting.ARITHMETIC and text.startswith("-") else text
    around = {Quoting.DOUBLE: '"', Quoting.SINGLE: "'"}.get(quoting, "")
    return f"{around}{_in_single_marks(text)}{around}"


def _in_single_marks(text: str) -> str:
    # Always, where shlex.quote leaves out the marks: `if`, `a=b` and the 2 of `2>x` are no words.
    return "'" + text.replace("'", "'\"'\"'") + "'"


def refusal(point: InsertionPoint) -> str:
    """Why no value may stand there, and what to do instead."""
    way_out = _WITH_NUMBERS if point.allows_numbers else _WITHOUT
    return f"no value is safe here: {point.reason}; {way_out}. {{{{ ... | raw }}}} puts it unquoted"
