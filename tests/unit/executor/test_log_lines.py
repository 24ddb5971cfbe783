"""What becomes of a command's bytes on their way into the log."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.executor.log_lines import LINE_BYTES, PROGRESS_SECONDS, LineMaker

NOW = datetime(2026, 11, 23, 10, 0, 0, 123456, tzinfo=UTC)
STAMP = b"2026-11-23T10:00:00.123Z "


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def lines_of(*data: bytes) -> list[bytes]:
    """Return all lines of a command that writes `data` piece by piece, without their times."""
    maker = LineMaker()
    made = b"".join(maker.feed(piece, NOW) for piece in data) + maker.finish()
    lines = made.split(b"\n")
    assert lines.pop() == b""
    assert all(line.startswith(STAMP) for line in lines)
    return [line.removeprefix(STAMP) for line in lines]


def test_each_line_gets_its_moment_in_utc_to_the_millisecond() -> None:
    assert LineMaker().feed(b"one\ntwo\n", NOW) == STAMP + b"one\n" + STAMP + b"two\n"


def test_a_line_has_the_moment_at_which_it_began() -> None:
    maker = LineMaker()
    assert maker.feed(b"wait", NOW) == b""
    assert maker.feed(b"ing\nnext\n", later(5)) == (
        STAMP + b"waiting\n" + b"2026-11-23T10:00:05.123Z next\n"
    )


def test_the_last_line_needs_no_end() -> None:
    assert lines_of(b"a\nb") == [b"a", b"b"]
    assert lines_of(b"a\nb\n") == [b"a", b"b"]
    assert lines_of(b"") == []


def test_empty_lines_stay() -> None:
    assert lines_of(b"\n\na\n\n") == [b"", b"", b"a", b""]


def test_a_character_that_arrives_in_two_pieces_stays_whole() -> None:
    assert lines_of("é".encode()[:1], "é".encode()[1:] + b"\n") == ["é".encode()]


def test_bytes_that_are_no_utf8_are_shown_as_numbers() -> None:
    assert lines_of(b"a\xff\xfeb\n") == [rb"a\xff\xfeb"]


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"a\x00b", rb"a\x00b"),
        (b"bell\x07", rb"bell\x07"),
        (b"del\x7f", rb"del\x7f"),
        ("c1\x9b31m".encode(), rb"c1\x9b31m"),
        (b"title\x1b]0;x\x07", rb"title\x1b]0;x\x07"),
        (b"tab\tstays", b"tab\tstays"),
    ],
)
def test_control_characters_are_shown_as_numbers(data: bytes, shown: bytes) -> None:
    assert lines_of(data + b"\n") == [shown]


def test_colours_stay_and_cursor_moves_are_left_out() -> None:
    data = b"\x1b[1;31mred\x1b[m\x1b[2K plain\x1b[?25l\n"
    assert lines_of(data) == [b"\x1b[1;31mred\x1b[m plain"]


@pytest.mark.parametrize(
    "sequence", [b"\x1b[>4;1m", b"\x1b[?7m", b"\x1b[1 m", b"\x1b[" + b"1;" * 17 + b"m"]
)
def test_what_only_looks_like_a_colour_is_left_out(sequence: bytes) -> None:
    assert lines_of(b"a" + sequence + b"b\n") == [b"ab"]


def test_half_a_colour_is_shown_as_a_number() -> None:
    assert lines_of(b"a\x1b[3\n") == [rb"a\x1b[3"]


def test_a_windows_line_end_is_one_line_end() -> None:
    assert lines_of(b"a\r\nb\r\n") == [b"a", b"b"]
    assert lines_of(b"a\r", b"\nb\r\r\n") == [b"a", b"b"]


def test_of_a_progress_bar_the_last_state_is_kept() -> None:
    assert lines_of(b" 10%\r 20%\r100%\nnext\n") == [b"100%", b"next"]
    assert lines_of(b"10%\r", b"20%\r", b"30%\r") == [b"30%"]


def test_a_long_progress_bar_shows_where_it_stands_now_and_then() -> None:
    maker = LineMaker()
    made = b"".join(
        maker.feed(b"%d%%\r" % second, later(second)) for second in range(int(PROGRESS_SECONDS * 3))
    )
    assert re.findall(rb"Z (\d+)%", made) == [b"9", b"19"]


def test_endless_carriage_returns_are_not_hoarded() -> None:
    maker = LineMaker()
    for _ in range(50):
        maker.feed(b"\r" * LINE_BYTES, NOW)
    assert len(maker._rest) <= 1


def test_a_line_without_end_is_broken() -> None:
    lines = lines_of(*[b"x" * 10_000] * 20)
    assert [len(line) for line in lines] == [
        LINE_BYTES,
        LINE_BYTES,
        LINE_BYTES,
        200_000 - 3 * LINE_BYTES,
    ]


def test_a_long_line_that_ends_is_broken_as_well() -> None:
    lines = lines_of(b"x" * (LINE_BYTES - 1), b"y" * LINE_BYTES + b"\nz\n")
    assert max(map(len, lines)) <= LINE_BYTES
    assert b"".join(lines) == b"x" * (LINE_BYTES - 1) + b"y" * LINE_BYTES + b"z"


def test_a_break_never_splits_a_character() -> None:
    text = "é" * LINE_BYTES
    lines = lines_of(b"a" + text.encode())
    assert b"".join(lines).decode() == "a" + text
    assert len(lines) == 3


@given(st.lists(st.binary(max_size=200) | st.sampled_from([b"\n", b"\r", b"\x1b[", b"\xc3"])))
def test_any_output_becomes_whole_stamped_lines_of_harmless_utf8(pieces: list[bytes]) -> None:
    text = b"\n".join(lines_of(*pieces)).decode()
    text = re.sub("\x1b\\[[0-9;]*m", "", text)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", text)


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]) | st.just("\n")), st.integers(1, 9))
def test_ordinary_text_comes_through_unchanged_however_it_is_cut(text: str, size: int) -> None:
    data = text.encode()
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    expected = data.removesuffix(b"\n").split(b"\n") if data else []
    assert lines_of(*pieces) == expected
