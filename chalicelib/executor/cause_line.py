"""The line of a log that most likely tells why its command failed. Pure.

The page finds it the same way, in `page/lib/log-text.js`.
"""

from __future__ import annotations

import re

MAX_LENGTH = 300
_SEQUENCES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_STAMP = re.compile(r"^\d{4}-\d\d-\d\dT[\d:.]+Z ", re.ASCII)
_LOOKS_WRONG = re.compile(
    r"(?:error|exception)\b|\b(?:fatal|failed|failure|denied|refused|not found|panic|cannot)\b",
    re.IGNORECASE,
)
_EXCEPTION = re.compile(r"^(?:[A-Za-z_]\w*\.)+[A-Z]\w*(?::|$)")


def cause_line(log: bytes, *, is_whole: bool) -> str:
    """Return the last line that looks like an error, else the last, without stamp and colours; an
    empty text if there is none. Unless `is_whole`, the first line may be a part of one."""
    lines = log.decode("utf-8", "replace").split("\n")
    texts = [_plain(line) for line in (lines if is_whole else lines[1:])]
    texts = [text for text in texts if text]
    wrong = [text for text in texts if _LOOKS_WRONG.search(text) or _EXCEPTION.match(text)]
    line = (wrong or texts or [""])[-1]
    return line if len(line) <= MAX_LENGTH else f"{line[: MAX_LENGTH - 1]}…"


def _plain(line: str) -> str:
    text = _SEQUENCES.sub("", _STAMP.sub("", line))
    return "".join(char for char in text if char.isprintable() or char == "\t").strip()
