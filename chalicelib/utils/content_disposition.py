"""The header that makes a browser save a file under its name, as RFC 6266 has it."""

from __future__ import annotations

from urllib.parse import quote


def attachment(file_name: str) -> str:
    """Return the value of Content-Disposition. Old clients get an approximation of the name."""
    plain = "".join(char if char.isalnum() and char.isascii() else "_" for char in file_name)
    stem, dot, suffix = file_name.rpartition(".")
    if dot and stem and suffix.isascii() and suffix.isalnum():
        plain = f"{plain[: len(stem)]}.{suffix}"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file_name, safe='')}"
