"""Search without regard to case, in any alphabet: SQLite's own LIKE knows A to Z alone."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from chalicelib.database.connection import sqlite


def register(connection: sqlite.Connection) -> None:
    """Give SQL `holds(part, text, ...)`: whether one of the texts has the part, in either case."""
    connection.create_function("holds", -1, _holds, deterministic=True)


def fold(text: str) -> str:
    """`text` as search compares it: `GRÖSSE` and `größe` are one, as are `é` of one character and
    of two, a ligature and its letters, and the Turkish dotted capital and a plain i."""
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return folded.replace("i\u0307", "i")


_fold_part = lru_cache(maxsize=64)(fold)


def _holds(part: str, *texts: object) -> int:
    folded = _fold_part(part)
    return int(any(folded in fold(str(text)) for text in texts if text is not None))
