"""The pictures of the page in the documents, and how they are made small."""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path

import pytest

from tests.browser import png

ROOT = Path(__file__).parents[3]
LARGEST = 120 * 1024


_IMAGE = re.compile(r"^!\[([^\]]*)\]\(([^)]+)\)$", re.MULTILINE)


def pictures() -> list[tuple[str, Path]]:
    """The text and the path of each."""
    return [
        (text, (ROOT / page).parent / path)
        for page in ("README.md", "chalicelib/web/README.md")
        for text, path in _IMAGE.findall((ROOT / page).read_text(encoding="utf-8"))
    ]


def test_the_pictures_are_there_small_and_told_in_words() -> None:
    assert {path.name for _, path in pictures()} == {"page.png", "home.png", "grid.png"}
    for text, path in pictures():
        data = path.read_bytes()
        assert data.startswith(b"\x89PNG")
        assert len(data) <= LARGEST
        assert len(text.split()) >= 15


def rgb(width: int, height: int, kind: int, filtered: bytes) -> bytes:
    """A PNG of colour type `kind` from rows that are filtered already."""
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(filtered)), (b"IEND", b""))
    return png._SIGNATURE + b"".join(png._chunk(name, body) for name, body in parts)


def colours(data: bytes) -> list[bytes]:
    """The pixels of a PNG with a palette."""
    chunks = dict(png._chunks(data))
    width, height = struct.unpack(">II", chunks[b"IHDR"][:8])
    palette, rows = chunks[b"PLTE"], zlib.decompress(chunks[b"IDAT"])
    numbers = [rows[y * (width + 1) + 1 + x] for y in range(height) for x in range(width)]
    return [palette[number * 3 : number * 3 + 3] for number in numbers]


RED, BLUE = b"\xff\x00\x00", b"\x00\x00\xff"

# Two pixels, red and blue, as each of the five filters writes them below a row of the same.
FILTERED = [
    b"\x00" + RED + BLUE,
    b"\x01" + RED + b"\x01\x00\xff",
    b"\x02" + bytes(6),
    b"\x03" + b"\x80\x00\x00" + b"\x81\x00\x80",
    b"\x04" + bytes(6),
]


@pytest.mark.parametrize("row", FILTERED)
def test_a_picture_keeps_its_colours(row: bytes) -> None:
    made = png.with_palette(rgb(2, 2, 2, b"\x00" + RED + BLUE + row))
    assert colours(made) == [RED, BLUE, RED, BLUE]


def test_more_colours_than_a_palette_holds_become_the_nearest() -> None:
    row = b"".join(bytes((n, n * 7 % 256, n * 13 % 256, 255)) for n in range(256)) * 2
    row += b"".join(bytes((n, n * 7 % 256, n * 13 % 256 ^ 1, 255)) for n in range(256))
    made = png.with_palette(rgb(768, 1, 6, b"\x00" + row))
    asked = [row[at : at + 3] for at in range(0, len(row), 4)]
    assert len(dict(png._chunks(made))[b"PLTE"]) <= 256 * 3
    for got, wanted in zip(colours(made), asked, strict=True):
        assert sum(abs(a - b) for a, b in zip(got, wanted, strict=True)) <= 2


def test_another_file_is_refused() -> None:
    with pytest.raises(ValueError, match="no PNG"):
        png.with_palette(b"GIF89a")
    with pytest.raises(ValueError, match="is not read here"):
        png.with_palette(rgb(1, 1, 3, b"\x00\x00"))
