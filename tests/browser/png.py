"""PNG files made small: colours by number, of which pictures of pages have few."""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Iterator

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_STEP = 8  # colours nearer to each other than this become one
_EXACT = 48  # but for these, which most of the picture is made of


def with_palette(png: bytes) -> bytes:
    """Reduce a picture to at most 256 colours. Reads what Chromium writes: 8 bits, RGB or RGBA, not
    interlaced. Raises ValueError for other files."""
    width, height, pixels = _decoded(png)
    coarse = Counter(pixels)
    kept: dict[bytes, int] = {}
    for colour, _ in coarse.most_common():
        is_new = len(kept) < _EXACT or _nearest(colour, kept)[1] > _STEP**2
        if len(kept) < 256 and is_new:
            kept[colour] = len(kept)
    numbers = {colour: kept.get(colour, -1) for colour in coarse}
    for colour, number in numbers.items():
        if number < 0:
            numbers[colour] = kept[_nearest(colour, kept)[0]]
    indexes = bytes(numbers[pixel] for pixel in pixels)
    rows = b"".join(b"\0" + indexes[y * width : (y + 1) * width] for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    return _SIGNATURE + b"".join(
        _chunk(kind, data)
        for kind, data in (
            (b"IHDR", header),
            (b"PLTE", b"".join(kept)),
            (b"IDAT", zlib.compress(rows, 9)),
            (b"IEND", b""),
        )
    )


def _nearest(colour: bytes, kept: dict[bytes, int]) -> tuple[bytes, int]:
    """The kept colour most like it, and the square of how far it is."""
    best, least = b"", 1 << 30
    for other in kept:
        away = sum((a - b) ** 2 for a, b in zip(colour, other, strict=True))
        if away < least:
            best, least = other, away
    return best, least


def _decoded(png: bytes) -> tuple[int, int, list[bytes]]:
    chunks = list(_chunks(png))
    width, height, depth, kind, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[0][1])
    size = {2: 3, 6: 4}.get(kind)
    if depth != 8 or size is None or interlaced:
        raise ValueError(f"a PNG of {depth} bits and colour type {kind} is not read here")
    data = zlib.decompress(b"".join(body for name, body in chunks if name == b"IDAT"))
    stride = width * size
    above = bytearray(stride)
    pixels: list[bytes] = []
    for y in range(height):
        start = y * (stride + 1)
        line = bytearray(data[start + 1 : start + 1 + stride])
        _unfilter(data[start], line, above, size)
        pixels += [bytes(line[x : x + 3]) for x in range(0, stride, size)]
        above = line
    return width, height, pixels


def _unfilter(kind: int, line: bytearray, above: bytearray, size: int) -> None:
    for i in range(len(line)):
        left = line[i - size] if i >= size else 0
        corner = above[i - size] if i >= size else 0
        guess = (0, left, above[i], (left + above[i]) // 2, _paeth(left, above[i], corner))[kind]
        line[i] = (line[i] + guess) & 255


def _paeth(left: int, up: int, corner: int) -> int:
    near = left + up - corner
    a, b, c = abs(near - left), abs(near - up), abs(near - corner)
    return left if a <= b and a <= c else up if b <= c else corner


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    if not png.startswith(_SIGNATURE):
        raise ValueError("no PNG")
    at = len(_SIGNATURE)
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += 12 + length


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
