"""Hiding secrets in what a command writes, however its output is cut into pieces. Pure.

Which texts are hidden for a secret stands in `secret_forms`. They are searched for in the output as
it is, and as it is read: without the sequences that colour it, move the cursor or take it back to
the beginning of the line. Long ones are also found where the ends of lines stand in them, as
`base64` writes them. Whatever the order, all that is found is hidden, and what overlaps as one.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import accumulate

from chalicelib.executor.secret_forms import forms

HIDDEN = b"***"
LEAST_WRAPPED = 12
"""Bytes from which a secret is also found when it is wrapped over several lines."""
LEAST_OPEN = 4
"""So many bytes of a wrapped one hold back the line that they end, until more comes: with fewer,
many lines would be shown late."""

_NOT_READ = re.compile(rb"\x1b\[[0-?]{0,64}[ -/]{0,8}[@-~]|\r")
_NOT_READ_NOR_ENDS = re.compile(_NOT_READ.pattern + rb"|\n")
_NO_SEQUENCES = {_NOT_READ: b"\r", _NOT_READ_NOR_ENDS: b"\r\n"}
_UNFINISHED = re.compile(rb"\x1b(?:\[[0-?]{0,64}[ -/]{0,8})?\Z")
_UNFINISHED_LENGTH = 80


class Mask:
    """Hides `secrets`. Blanks around a secret are not part of it; one of blanks only is none."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        texts = {form for secret in secrets for form in forms(secret)}
        self.patterns = tuple(sorted(form.encode("utf-8", "surrogatepass") for form in texts))

    def hide(self, text: str) -> str:
        """`text` with `***` for every secret in it. To be called before anything is cut off."""
        if not self.patterns:
            return text
        data = self.hide_bytes(text.encode("utf-8", "surrogatepass"))
        return data.decode("utf-8", "surrogatepass")

    def hide_bytes(self, data: bytes) -> bytes:
        stream = MaskedStream(self)
        return stream.feed(data) + stream.finish()


class _Reading:
    """`data` without what `ignored` matches: `text`, and the mapping from its offsets to those of
    `data`."""

    def __init__(self, data: bytes, ignored: re.Pattern[bytes] | None) -> None:
        self._data = data
        self._ignored = ignored
        if ignored is None:
            self.text = data
        elif b"\x1b" in data:
            self.text = ignored.sub(b"", data)
        else:  # twenty times as fast
            self.text = data.translate(None, _NO_SEQUENCES[ignored])
        self.is_shorter = len(self.text) < len(data)

    def start(self, at: int) -> int:
        """Return where in `data` the byte `at` of the text stands."""
        return at + self._shift(at)

    def end(self, at: int) -> int:
        """Return the position after the byte before `at`."""
        return self.start(at - 1) + 1 if at else 0

    def _shift(self, at: int) -> int:
        if not self.is_shorter:
            return 0
        places, shifts = self._gaps
        return shifts[bisect_right(places, at)]

    @cached_property
    def _gaps(self) -> tuple[list[int], list[int]]:
        """Return before which bytes of the text something is left out, and how much up to there."""
        gaps = self._ignored.finditer(self._data) if self._ignored else ()
        spans = [gap.span() for gap in gaps]
        shifts = [0, *accumulate(end - start for start, end in spans)]
        places = [start - shift for (start, _), shift in zip(spans, shifts, strict=False)]
        return places, shifts


class MaskedStream:
    """Feed it what arrives. It holds back what may be the beginning of a secret: always less than
    the longest one, but for what is not read. Secrets that overlap are hidden as one."""

    def __init__(self, mask: Mask) -> None:
        self._patterns = mask.patterns
        self._wrapped = tuple(filter(_may_be_wrapped, mask.patterns))
        self._others = tuple(p for p in mask.patterns if not _may_be_wrapped(p))
        self._rest = b""
        self._covered = 0  # so many bytes of the rest belong to a secret that is hidden already

    def feed(self, data: bytes) -> bytes:
        if not self._patterns:
            return data
        data = self._rest + data
        readings = self._readings(data)
        return self._sweep(data, readings, _open_in(data, readings))

    def finish(self) -> bytes:
        """What was held back: it was no secret."""
        return self._sweep(self._rest, self._readings(self._rest), len(self._rest))

    def _sweep(self, data: bytes, readings: _Readings, until: int) -> bytes:
        """Release `data` up to `until`, and hold back the rest."""
        parts: list[bytes] = []
        at = self._covered
        for start, end in sorted(_found(readings)):
            if start >= until:
                break
            if start >= at:
                parts += [data[at:start], HIDDEN]
            at = max(at, end)
        parts.append(data[at:until])
        self._rest, self._covered = data[until:], max(0, at - until)
        return b"".join(parts)

    def _readings(self, data: bytes) -> _Readings:
        """`data` in all ways in which something is to be found in it, and what that is."""
        if not self._wrapped or b"\n" not in data:
            readings = [(_Reading(data, None), self._patterns)]
        else:
            readings = [
                (_Reading(data, None), self._others),
                (_Reading(data, _NOT_READ_NOR_ENDS), self._wrapped),
            ]
        if b"\r" in data or b"\x1b" in data:
            readings.append((_Reading(data, _NOT_READ), self._patterns))
        return readings


_Readings = list[tuple[_Reading, tuple[bytes, ...]]]


def _may_be_wrapped(pattern: bytes) -> bool:
    return len(pattern) >= LEAST_WRAPPED and not any(end in pattern for end in b"\r\n\x1b")


def _found(readings: _Readings) -> Iterator[tuple[int, int]]:
    for reading, patterns in readings:
        for pattern in patterns:
            for start, end in _places(reading.text, pattern):
                yield reading.start(start), reading.end(end)


def _open_in(data: bytes, readings: _Readings) -> int:
    """The start of something that may continue after the end of `data`, or that end."""
    unfinished = _UNFINISHED.search(data, max(0, len(data) - _UNFINISHED_LENGTH))
    opened = unfinished.start() if unfinished else len(data)
    last_line = len(data) - data.rfind(b"\n") - 1
    for reading, patterns in readings:
        for pattern in patterns:
            at = _open_at(reading.text, pattern)
            length = len(reading.text) - at
            is_on_one_line = length <= last_line or b"\n" in pattern or not reading.is_shorter
            if length and (length >= LEAST_OPEN or is_on_one_line):
                opened = min(opened, reading.start(at))
    return opened


def _places(text: bytes, pattern: bytes) -> Iterator[tuple[int, int]]:
    start = text.find(pattern)
    while start >= 0:
        end = start + len(pattern)
        yield start, end
        # Of those that overlap this one the last says all. One by one, the overlaps of a long
        # secret with itself would take minutes.
        last = text.rfind(pattern, start + 1, end - 1 + len(pattern))
        start = last if last >= 0 else text.find(pattern, end)


def _open_at(text: bytes, pattern: bytes) -> int:
    """The start of a `pattern` that may continue after the end of `text`, or that end."""
    start = max(0, len(text) - len(pattern) + 1)
    while (start := text.find(pattern[:1], start)) >= 0:
        if pattern.startswith(text[start:]):
            return start
        start += 1
    return len(text)
