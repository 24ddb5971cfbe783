"""What was raised, in words for people."""

from __future__ import annotations

MAX_CHARACTERS = 1000


def in_words(error: BaseException) -> str:
    """What was raised, in a form that a database and a page can hold."""
    try:
        text = f"{type(error).__name__}: {error}"
    except Exception:
        text = type(error).__name__
    text = text.removesuffix(": ")[:MAX_CHARACTERS]
    return text.encode("utf-8", "backslashreplace").decode()
