"""Hiding secrets in what a command writes, however its output is cut into pieces. Pure.

A secret is hidden where it stands as it is; one of several lines is also hidden line by line, as
tools indent and number lines. Base64 and other forms of it are not known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

HIDDEN = b"***"
LEAST_LINE = 8
"""A line of a longer secret is a secret by itself from this many characters on: hiding each `}` of
a key file would leave nothing to read."""


class Mask:
    """Hides `secrets`. Blanks around a secret are not part of it; one of blanks only is none."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        self.patterns = tuple(sorted(form.encode("utf-8", "surrogatepass") for form in forms))

    def hide(self, text: str) -> str:
        """`text` with `***` for every secret in it."""
        if not self.patterns:
            return text
        data = self.hide_bytes(text.encode("utf-8", "surrogatepass"))
        return data.decode("utf-8", "surrogatepass")

    def hide_bytes(self, data: bytes) -> bytes:
        stream = MaskedStream(self)
        return stream.feed(data) + stream.finish()

    def hide_in(self, value: Any) -> Any:
        """The same for every text in a JSON value, the keys of its objects included."""
        if isinstance(value, str):
            return self.hide(value)
        if isinstance(value, list):
            return [self.hide_in(item) for item in value]
        if isinstance(value, dict):
            return {self.hide(key): self.hide_in(item) for key, item in value.items()}
        return value


class MaskedStream:
    """Feed it what arrives. It holds back what may be the beginning of a secret: always less than
    the longest one. Secrets that overlap are hidden as one."""

    def __init__(self, mask: Mask) -> None:
        self._patterns = mask.patterns
        self._rest = b""
        self._covered = 0  # so many bytes of the rest belong to a secret that is hidden already

    def feed(self, data: bytes) -> bytes:
        if not self._patterns:
            return data
        data = self._rest + data
        return self._sweep(data, min(_open_at(data, pattern) for pattern in self._patterns))

    def finish(self) -> bytes:
        """What was held back: it was no secret."""
        return self._sweep(self._rest, len(self._rest))

    def _sweep(self, data: bytes, until: int) -> bytes:
        """Give out `data` up to `until`, and hold back what lies behind."""
        made: list[bytes] = []
        at = self._covered
        for start, end in sorted(self._found(data)):
            if start >= until:
                break
            if start >= at:
                made += [data[at:start], HIDDEN]
            at = max(at, end)
        made.append(data[at:until])
        self._rest, self._covered = data[until:], max(0, at - until)
        return b"".join(made)

    def _found(self, data: bytes) -> Iterator[tuple[int, int]]:
        for pattern in self._patterns:
            start = data.find(pattern)
            while start >= 0:
                end = start + len(pattern)
                yield start, end
                # Of those that overlap this one the last says all. One by one, the overlaps of a
                # long secret with itself would take minutes.
                last = data.rfind(pattern, start + 1, end - 1 + len(pattern))
                start = last if last >= 0 else data.find(pattern, end)


def _forms(secret: str) -> Iterator[str]:
    whole = secret.strip()
    if not whole:
        return
    yield whole
    lines = [line.strip() for line in whole.splitlines()]
    if len(lines) > 1:
        yield from (line for line in lines if len(line) >= LEAST_LINE)


def _open_at(data: bytes, pattern: bytes) -> int:
    """Where a `pattern` begins that may go on behind the end of `data`; that end if nowhere."""
    start = max(0, len(data) - len(pattern) + 1)
    while (start := data.find(pattern[:1], start)) >= 0:
        if pattern.startswith(data[start:]):
            return start
        start += 1
    return len(data)
