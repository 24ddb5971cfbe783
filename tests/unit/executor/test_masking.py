"""No secret is shown, whatever pieces the output comes in, and nothing else is hidden."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.executor.attempt_log import AttemptLog
from chalicelib.executor.log_store import LogStore
from chalicelib.executor.masking import Mask, MaskedStream, _found
from chalicelib.messages import Attempt
from tests.support.fakes import FakeBucket, FakeClock

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
KEY = "-----BEGIN KEY-----\nMIIEvQIBADANBg\n}\nkqhkiG9w0BAQEF\n-----END KEY-----\n"

# Few letters, so that secrets overlap themselves and each other; no `*`, which is our own mark.
LETTERS = st.text("ab\né", min_size=1, max_size=5)


def logged(secrets: list[str], *pieces: bytes) -> str:
    """The log of a command that writes `pieces`, without stamps."""
    bucket, attempt = FakeBucket(), Attempt("d", "r", "t", -1, 1)
    store = LogStore(bucket, attempt)
    log = AttemptLog(store, Mask(secrets), FakeClock(NOW))
    for piece in pieces:
        log.feed(piece)
    log.finish()
    store.flush()
    lines = b"".join(bucket.objects.values()).decode().splitlines()
    return "\n".join(line.partition("Z ")[2] for line in lines)


def shown_by_hand(text: bytes, patterns: tuple[bytes, ...]) -> bytes:
    """What is to be shown, by a slow reading of the rule: overlapping secrets are one `***`."""
    shown, at = b"", 0
    ends = {
        start: max(start + len(p) for p in patterns if text.startswith(p, start))
        for start in range(len(text))
        if any(text.startswith(p, start) for p in patterns)
    }
    while at < len(text):
        if at not in ends:
            shown, at = shown + text[at : at + 1], at + 1
            continue
        end, start = ends[at], at
        while start < end:
            end, start = max(end, ends.get(start, 0)), start + 1
        shown, at = shown + b"***", end
    return shown


def streamed(mask: Mask, data: bytes, size: int) -> bytes:
    stream = MaskedStream(mask)
    pieces = [stream.feed(data[start : start + size]) for start in range(0, len(data), size)]
    return b"".join(pieces) + stream.finish()


@given(st.lists(LETTERS, min_size=1, max_size=3), st.text("abé\nx", max_size=60), st.integers(1, 9))
def test_exactly_the_secrets_are_hidden_however_the_output_is_cut(
    secrets: list[str], text: str, size: int
) -> None:
    mask, data = Mask(secrets), text.encode()
    assert streamed(mask, data, size) == shown_by_hand(data, mask.patterns)


@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="*"), min_size=4),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.integers(1, 7),
)
def test_any_secret_is_hidden_in_any_surroundings(secret: str, around: str, size: int) -> None:
    mask = Mask([secret])
    data = f"{around}{secret}{around}".encode()
    assert all(pattern not in streamed(mask, data, size) for pattern in mask.patterns)


# An escape sequence or a carriage return may stand within a secret, and is held back with it.
PLAIN_BYTES = st.binary(max_size=50).map(lambda piece: piece.translate(None, b"\x1b\r"))


@given(st.text("ab", min_size=1, max_size=8), st.lists(PLAIN_BYTES, max_size=20))
def test_less_than_the_longest_secret_is_held_back(secret: str, pieces: list[bytes]) -> None:
    stream = MaskedStream(Mask([secret]))
    for piece in [*pieces, secret.encode() * 50]:
        stream.feed(piece)
        assert len(stream._rest) < len(secret)


@given(st.lists(st.binary(max_size=30)))
def test_without_secrets_everything_comes_through_at_once(pieces: list[bytes]) -> None:
    stream = MaskedStream(Mask())
    assert [stream.feed(piece) for piece in pieces] == pieces
    assert stream.finish() == b""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("hunter2", "***"),
        ("a hunter2 b", "a *** b"),
        ("hunter2hunter2", "******"),
        ("hunter", "hunter"),
        ("", ""),
    ],
)
def test_a_secret_in_a_text(text: str, shown: str) -> None:
    assert Mask(["hunter2"]).hide(text) == shown


def test_two_secrets_that_overlap_leave_nothing_of_either() -> None:
    assert Mask(["password", "wordpress99"]).hide("-passwordpress99-") == "-***-"


def test_a_secret_that_contains_another_is_hidden_whole() -> None:
    assert Mask(["abc", "xabcx", "b"]).hide("xabcx abc b") == "*** *** ***"


def test_blanks_around_a_secret_are_not_part_of_it() -> None:
    assert Mask([" hunter2\n"]).hide("x hunter2\ny") == "x ***\ny"


@pytest.mark.parametrize("secret", ["", " ", "\n\t "])
def test_a_secret_of_blanks_only_hides_nothing(secret: str) -> None:
    assert Mask([secret]).hide("a b\n c") == "a b\n c"


def test_a_secret_of_many_lines_is_hidden_whole() -> None:
    assert Mask([KEY]).hide(f"key: {KEY}end") == "key: ***\nend"


def test_the_lines_of_a_secret_are_hidden_one_by_one_except_the_very_short() -> None:
    indented = KEY.replace("\n", "\r\n    ")
    shown = Mask([KEY]).hide(indented).split()
    assert shown == ["***", "***", "}", "***", "***"]


def test_a_text_that_is_no_unicode_can_be_hidden_in() -> None:
    assert Mask(["hunter2"]).hide("\ud800 hunter2 \udc80") == "\ud800 *** \udc80"


@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_a_secret_split_over_pieces_of_output_is_not_in_the_log(size: int) -> None:
    text = f"one hunter2 two\n{KEY}three hun\n".encode()
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    assert logged(["hunter2", KEY], *pieces) == "one *** two\n***\nthree hun"


def test_a_secret_split_by_the_longest_line_is_not_in_the_log() -> None:
    shown = logged(["hunter2"], b"x" * (64 * 1024 - 3) + b"hunter2\n")
    assert "hunter" not in shown
    assert shown.count("***") == 1


def test_a_secret_coloured_within_is_not_in_the_log() -> None:
    assert logged(["hunter2"], b"a hun\x1b[31mter\x1b[0m2 b\n") == "a *** b"


def test_colours_around_a_secret_stay() -> None:
    shown = logged(["hunter2"], b"\x1b[31mpassword: hunter2\x1b[0m\n")
    assert shown == "\x1b[31mpassword: ***\x1b[0m"


@given(st.text("abé", min_size=1, max_size=5), st.lists(st.integers(0, 5), max_size=4))
def test_a_secret_is_hidden_wherever_colours_stand_in_it(secret: str, places: list[int]) -> None:
    coloured = secret
    for place in places:
        coloured = coloured[:place] + "\x1b[1m" + coloured[place:]
    shown = re.sub("\x1b\\[[0-9;]*m", "", logged([secret], f"x{coloured}x\n".encode()))
    assert all(form.decode() not in shown for form in Mask([secret]).patterns)


def test_what_might_have_been_a_secret_is_shown_in_the_end() -> None:
    assert logged(["hunter2"], b"hunte") == "hunte"


def test_a_note_of_the_executors_own_hides_secrets_too() -> None:
    store = LogStore(FakeBucket(), Attempt("d", "r", "t", -1, 1))
    log = AttemptLog(store, Mask(["hunter2"]), FakeClock(NOW))
    log.note("no folder `hunter2`")
    assert store.length == len("2026-11-23T10:00:00.000Z no folder `***`\n")


def test_a_long_secret_that_overlaps_itself_is_hidden_in_few_steps() -> None:
    stream = MaskedStream(Mask(["a" * 30_000]))
    data = b"a" * 100_000
    assert len(list(_found(stream._readings(data)))) < 10
    assert stream.feed(data) + stream.finish() == b"***"
