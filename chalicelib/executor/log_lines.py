"""Turns the bytes of a command into lines that are safe to store and to show. Pure.

Every line begins with the moment at which it began to arrive, and is valid UTF-8 without control
characters but the tab, and the escape sequences of colours, which whoever shows the log may show
or leave out. What is not UTF-8, and other control characters, are shown as `\\xNN`; the escape
sequences of cursor moves and the like are left out. A carriage return takes the line back to its
beginning, as on a terminal: of a progress bar the last state is kept, and while it goes on a state
every ten seconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

LINE_BYTES = 64 * 1024
"""A line that goes on for longer is broken here."""

PROGRESS_SECONDS = 10.0

_CONTROLS = bytes(byte for byte in (*range(32), 127) if byte not in b"\t\n")
_COLOUR = r"\x1b\[[0-9;]{0,32}m"  # "select graphic rendition"
_SEQUENCE = re.compile(rf"(?!{_COLOUR})\x1b\[[0-?]*[ -/]*[@-~]")
_CONTROL = re.compile(rf"({_COLOUR})|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_RETURN_BEFORE_END = re.compile(rb"\r+\n")
_OVERWRITTEN = re.compile(rb"[^\n]*\r")


class LineMaker:
    """Feed it what arrives; it answers with the lines that are complete.

    Moments are aware datetimes in UTC. `hide` is asked once more where a line is shown otherwise
    than it was written.
    """

    def __init__(self, hide: Callable[[bytes], bytes] | None = None) -> None:
        self._hide = hide
        self._rest = b""
        self._began: datetime | None = None
        self._shown: datetime | None = None

    def feed(self, data: bytes, now: datetime) -> bytes:
        """The lines that `data` completes, each with its end. Holds back LINE_BYTES at most."""
        pieces = [
            self._feed_piece(data[start : start + LINE_BYTES], now)
            for start in range(0, len(data), LINE_BYTES)
        ]
        return b"".join(pieces)

    def finish(self) -> bytes:
        """The last line, if the command did not end it."""
        rest, self._rest = self._rest.rstrip(b"\r"), b""
        return self._render(rest + b"\n", self._began) if rest and self._began else b""

    def _feed_piece(self, data: bytes, now: datetime) -> bytes:
        """`data` is at most LINE_BYTES long, so only the line that it ends can be too long."""
        began = self._began or now
        head, end, tail = data.partition(b"\n")
        if not end:
            self._rest, self._began = self._rest + data, began
            return self._hold_back_less(now)
        rendered = self._break(self._rest + head + b"\n", began)
        middle, newline, self._rest = tail.rpartition(b"\n")
        self._began = now if self._rest else None
        rendered += self._render(middle + newline, now)
        return rendered + self._hold_back_less(now)

    def _hold_back_less(self, now: datetime) -> bytes:
        rendered = self._progress(now) if b"\r" in self._rest[:-1] else b""
        if len(self._rest) <= LINE_BYTES:
            return rendered
        began, self._began = self._began or now, now
        cut = _character_boundary(self._rest, LINE_BYTES)
        line, self._rest = self._rest[:cut], self._rest[cut:]
        return rendered + self._render(line + b"\n", began)

    def _progress(self, now: datetime) -> bytes:
        """Forget what was overwritten, but show where it stands from time to time."""
        written = self._rest.rstrip(b"\r")
        over, _, current = written.rpartition(b"\r")
        self._rest = current + (b"\r" if self._rest.endswith(b"\r") else b"")
        self._shown = self._shown or self._began or now
        self._began = now
        state = over.rpartition(b"\r")[2]
        if not state or (now - self._shown).total_seconds() < PROGRESS_SECONDS:
            return b""
        self._shown = now
        return self._render(state + b"\n", now)

    def _break(self, line: bytes, began: datetime) -> bytes:
        rendered = b""
        line = _RETURN_BEFORE_END.sub(b"\n", line)
        while len(line) > LINE_BYTES + 1:
            cut = _character_boundary(line, LINE_BYTES)
            rendered += self._render(line[:cut] + b"\n", began)
            line = line[cut:]
        return rendered + self._render(line, began)

    def _render(self, lines: bytes, time: datetime) -> bytes:
        """`lines` is empty or ends with the end of a line."""
        if not lines:
            return b""
        stamp = f"{time.isoformat(timespec='milliseconds')[:23]}Z ".encode()
        shown = _harmless(lines)
        if self._hide is not None and shown != lines:
            shown = self._hide(shown)
        shown = shown[:-1]
        return stamp + shown.replace(b"\n", b"\n" + stamp) + b"\n"


def _harmless(lines: bytes) -> bytes:
    if b"\r" in lines:
        lines = _OVERWRITTEN.sub(b"", _RETURN_BEFORE_END.sub(b"\n", lines))
    if lines.isascii() and len(lines.translate(None, _CONTROLS)) == len(lines):
        return lines
    text = lines.decode("utf-8", "backslashreplace")
    text = _CONTROL.sub(_escape, _SEQUENCE.sub("", text))
    return text.encode()


def _escape(match: re.Match[str]) -> str:
    return match[1] or f"\\x{ord(match.group()):02x}"


def _character_boundary(data: bytes, at: int) -> int:
    """The last index up to `at` that is not inside a character; `at` if there is no UTF-8 there.
    `data` is longer than `at`."""
    for index in range(at, max(at - 4, 0), -1):
        if data[index] & 0xC0 != 0x80:
            return index
    return at
