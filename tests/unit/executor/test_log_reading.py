"""Reading a log back, page by page, whole or cut, finished or growing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.executor.log_store import HEAD_BYTES, LogStore
from chalicelib.messages import Attempt
from chalicelib.ports import ObjectInfo, StoredObject
from chalicelib.web.logs import PAGE_BYTES, page_of, read_log
from tests.support.fakes import FakeBucket

ATTEMPT = Attempt("dag", "run", "task", -1, 1)


class CountingBucket(FakeBucket):
    """Counts the requests that a reader makes."""

    requests = 0

    def get(self, key: str, *, limit: int | None = None) -> StoredObject | None:
        self.requests += 1
        return super().get(key, limit=limit)

    def list(self, prefix: str, *, start_after: str = "", limit: int = 1000) -> list[ObjectInfo]:
        self.requests += 1
        return super().list(prefix, start_after=start_after, limit=limit)


def stored(*parts: bytes) -> CountingBucket:
    """A bucket with one chunk for each part."""
    bucket = CountingBucket()
    store = LogStore(bucket, ATTEMPT)
    for part in parts:
        store.write(part)
        store.flush()
    return bucket


def read_all(bucket: FakeBucket, limit: int = PAGE_BYTES) -> str:
    content, offset = "", 0
    while (page := read_log(bucket, ATTEMPT, offset, limit)).content:
        assert page.next_offset > offset
        content, offset = content + page.content, page.next_offset
    return content


def test_a_log_is_read_whole() -> None:
    page = read_log(stored(b"one\n", b"two\n"), ATTEMPT, 0)
    assert (page.content, page.next_offset) == ("one\ntwo\n", 8)


def test_a_log_that_is_not_there_is_empty() -> None:
    page = read_log(FakeBucket(), ATTEMPT, 0)
    assert (page.content, page.next_offset) == ("", 0)


@pytest.mark.parametrize("offset", [8, 9, 10**12])
def test_behind_the_end_there_is_nothing_yet(offset: int) -> None:
    page = read_log(stored(b"one\n", b"two\n"), ATTEMPT, offset)
    assert (page.content, page.next_offset) == ("", offset)


def test_a_reader_that_follows_sees_what_came_since() -> None:
    bucket = CountingBucket()
    store = LogStore(bucket, ATTEMPT)
    store.write(b"one\n")
    store.flush()
    page = read_log(bucket, ATTEMPT, 0)
    store.write(b"two\n")
    store.flush()
    assert read_log(bucket, ATTEMPT, page.next_offset).content == "two\n"


@pytest.mark.parametrize("offset", range(1, 11))
def test_reading_may_begin_anywhere(offset: int) -> None:
    page = read_log(stored(b"one\n", b"two\n", b"x\n"), ATTEMPT, offset)
    assert (page.content, page.next_offset) == ("one\ntwo\nx\n"[offset:], 10)


def test_reading_may_begin_in_the_middle_of_a_long_chunk() -> None:
    bucket = stored(b"a\n", b"x" * 200_000 + b"\n", b"b\n")
    assert read_log(bucket, ATTEMPT, 150_000).content == "x" * 50_002 + "\nb\n"


def test_a_page_ends_between_chunks_where_it_can() -> None:
    bucket = stored(b"1234\n", b"5678\n", b"9\n")
    page = read_log(bucket, ATTEMPT, 0, limit=8)
    assert (page.content, page.next_offset) == ("1234\n", 5)


def test_a_page_never_ends_within_a_character() -> None:
    text = "aé€😀" * 5
    bucket = stored(text.encode() + b"\n")
    for limit in range(1, 12):
        assert read_all(bucket, limit) == text + "\n"


def test_what_was_cut_is_marked_in_its_place() -> None:
    bucket = FakeBucket()
    store = LogStore(bucket, ATTEMPT)
    for start in range(0, 120_000, 1000):
        store.write(b"".join(b"%099d\n" % number for number in range(start, start + 1000)))
    store.flush()
    lines = read_all(bucket).splitlines()
    [marker] = [line for line in lines if line.startswith("[")]
    cut = 12_000_000 - 100 * (len(lines) - 1)
    assert marker == f"[... {cut} bytes cut ...]"
    before, after = lines[: lines.index(marker)], lines[lines.index(marker) + 1 :]
    assert [int(line) for line in before] == list(range(len(before)))
    assert [int(line) for line in after] == list(range(120_000 - len(after), 120_000))
    assert len(before) * 100 <= HEAD_BYTES


def test_a_reader_whose_place_was_cut_meanwhile_goes_on_behind_it() -> None:
    bucket = stored(b"one\n", b"two\n", b"three\n")
    bucket.delete([ATTEMPT.log_chunk_key(4)])
    page = read_log(bucket, ATTEMPT, 4)
    assert (page.content, page.next_offset) == ("[... 4 bytes cut ...]\nthree\n", 14)


def test_following_a_trickle_costs_few_requests() -> None:
    line = b"2026-11-23T10:00:00.123Z x\n"
    bucket = CountingBucket()
    for number in range(5000):
        bucket.put(ATTEMPT.log_chunk_key(number * len(line)), line)
    end = 5000 * len(line)
    bucket.requests = 0
    assert read_log(bucket, ATTEMPT, end).content == ""
    assert bucket.requests <= 3
    bucket.requests = 0
    assert read_log(bucket, ATTEMPT, end - len(line)).content == line.decode()
    assert bucket.requests <= 3
    bucket.requests = 0
    assert len(read_log(bucket, ATTEMPT, 0).content) == 50 * len(line)
    assert bucket.requests <= 51


@given(
    st.lists(st.text("aé😀\t ", max_size=30), max_size=12),
    st.integers(1, 40),
    st.integers(1, 5),
)
def test_any_log_is_read_back_as_written(lines: list[str], limit: int, per_chunk: int) -> None:
    encoded = [f"{line}\n".encode() for line in lines]
    parts = [b"".join(encoded[i : i + per_chunk]) for i in range(0, len(encoded), per_chunk)]
    assert read_all(stored(*parts), limit) == "".join(f"{line}\n" for line in lines)


@given(st.text(max_size=50), st.integers(0, 60), st.integers(4, 20))
def test_a_log_at_hand_is_read_as_one_in_the_bucket(text: str, offset: int, limit: int) -> None:
    log = text.replace("\r", "") + "\n"
    offset = len(log.encode()[:offset].decode("utf-8", "ignore").encode())
    assert page_of(log, offset, limit) == read_log(stored(log.encode()), ATTEMPT, offset, limit)
