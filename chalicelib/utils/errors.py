"""Words an exception for users."""

from __future__ import annotations

MAX_CHARACTERS = 1000


def in_words(error: BaseException) -> str:
    """Return the type and message of the exception, fit for a database and a page."""
    try:
        text = f"{type(error).__name__}: {error}"
    except Exception:
        text = type(error).__name__
    text = text.removesuffix(": ")[:MAX_CHARACTERS]
    return text.encode("utf-8", "backslashreplace").decode()
