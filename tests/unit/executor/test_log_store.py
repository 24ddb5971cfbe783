"""The chunks of a log, and what is kept of a long one."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import pytest

from chalicelib.errors import Unavailable
from chalicelib.executor.log_store import (
    CHUNK_BYTES,
    FIRST_FLUSH,
    HEAD_BYTES,
    NEXT_FLUSH,
    SLOWEST_FLUSH,
    TAIL_BYTES,
    FlushPace,
    LogStore,
)
from chalicelib.messages import Attempt
from tests.support.fakes import FakeBucket

ATTEMPT = Attempt("dag", "run", "task", -1, 1)


class BrokenBucket(FakeBucket):
    """Refuses to store while `broken`."""

    broken = True

    def put(self, key: str, body: bytes) -> None:
        if self.broken:
            raise Unavailable("no bucket today")
        super().put(key, body)


class WritingBucket(FakeBucket):
    """While it stores, the command goes on writing."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: list[bytes] = []
        self.store: LogStore | None = None

    def put(self, key: str, body: bytes) -> None:
        if self.store and self.meanwhile:
            self.store.write(self.meanwhile.pop())
        super().put(key, body)


def numbered(count: int, start: int = 0) -> bytes:
    return b"".join(b"%099d\n" % number for number in range(start, start + count))


def chunks(bucket: FakeBucket) -> list[tuple[int, bytes]]:
    """Offset and content, in order."""
    prefix = ATTEMPT.log_prefix
    return [(int(k.removeprefix(prefix)), bucket.objects[k]) for k in sorted(bucket.objects)]


def write_all(store: LogStore, pieces: Iterable[bytes], *, flush_every: int = 0) -> bytes:
    written = []
    for number, piece in enumerate(pieces, 1):
        store.write(piece)
        written.append(piece)
        if flush_every and number % flush_every == 0:
            store.flush()
    store.flush()
    return b"".join(written)


def test_a_short_log_is_one_object() -> None:
    bucket = FakeBucket()
    write_all(LogStore(bucket, ATTEMPT), [b"one\n", b"two\n"])
    assert chunks(bucket) == [(0, b"one\ntwo\n")]
    assert bucket.puts == 1


def test_no_output_is_no_object() -> None:
    bucket = FakeBucket()
    LogStore(bucket, ATTEMPT).flush()
    assert bucket.objects == {}


def test_chunks_follow_each_other_and_never_change() -> None:
    bucket = FakeBucket()
    write_all(LogStore(bucket, ATTEMPT), [b"one\n", b"two\n", b"three\n"], flush_every=1)
    assert chunks(bucket) == [(0, b"one\n"), (4, b"two\n"), (8, b"three\n")]


def test_chunks_are_whole_lines_of_bounded_length() -> None:
    bucket = FakeBucket()
    whole = write_all(LogStore(bucket, ATTEMPT), [numbered(12_000)])
    assert b"".join(data for _, data in chunks(bucket)) == whole
    assert all(len(data) <= CHUNK_BYTES and data.endswith(b"\n") for _, data in chunks(bucket))


def test_a_line_longer_than_a_chunk_has_its_own() -> None:
    bucket = FakeBucket()
    long = b"x" * (CHUNK_BYTES + 5) + b"\n"
    write_all(LogStore(bucket, ATTEMPT), [b"a\n", long, b"b\n"])
    assert [data for _, data in chunks(bucket)] == [b"a\n", long, b"b\n"]


@pytest.mark.parametrize("flush_every", [0, 1, 7, 50])
def test_of_a_long_log_head_and_tail_are_kept(flush_every: int) -> None:
    bucket = FakeBucket()
    store = LogStore(bucket, ATTEMPT)
    pieces = [numbered(600, start) for start in range(0, 150_000, 600)]
    whole = write_all(store, pieces, flush_every=flush_every)
    kept = chunks(bucket)
    assert store.length == len(whole) == 15_000_000
    assert sum(len(data) for _, data in kept) <= HEAD_BYTES + TAIL_BYTES
    assert all(whole[offset : offset + len(data)] == data for offset, data in kept)
    gaps = [
        (offset, following)
        for (offset, data), (following, _) in pairwise(kept)
        if offset + len(data) != following
    ]
    assert len(gaps) == 1
    head = sum(len(data) for offset, data in kept if offset <= gaps[0][0])
    assert head > HEAD_BYTES - CHUNK_BYTES
    assert len(whole) - gaps[0][1] > TAIL_BYTES - CHUNK_BYTES


def test_most_of_a_flood_is_never_sent() -> None:
    bucket = FakeBucket()
    store = LogStore(bucket, ATTEMPT)
    write_all(store, [numbered(600)] * 500)
    assert bucket.puts * CHUNK_BYTES < 2 * (HEAD_BYTES + TAIL_BYTES)


def test_what_is_cut_while_it_is_being_stored_is_removed_after() -> None:
    bucket = WritingBucket()
    store = LogStore(bucket, ATTEMPT)
    write_all(store, [numbered(60_000)])
    store.write(numbered(100))
    bucket.store = store
    bucket.meanwhile = [numbered(60_000)]
    store.flush()
    assert sum(len(data) for _, data in chunks(bucket)) <= HEAD_BYTES + TAIL_BYTES


def test_what_could_not_be_stored_waits_for_the_next_flush() -> None:
    bucket = BrokenBucket()
    store = LogStore(bucket, ATTEMPT)
    store.write(b"one\n")
    with pytest.raises(Unavailable):
        store.flush()
    store.write(b"two\n")
    bucket.broken = False
    store.flush()
    assert b"".join(data for _, data in chunks(bucket)) == b"one\ntwo\n"


def test_a_bucket_that_fails_is_not_asked_again_at_once() -> None:
    store = LogStore(BrokenBucket(), ATTEMPT)
    store.write(numbered(6000))
    assert store.full()
    with pytest.raises(Unavailable):
        store.flush()
    assert not store.full()


def test_a_store_without_a_bucket_stays_small() -> None:
    store = LogStore(BrokenBucket(), ATTEMPT)
    for piece in [numbered(1000)] * 200:
        store.write(piece)
    assert sum(len(chunk.data) for chunk in store._waiting) <= HEAD_BYTES + TAIL_BYTES


def test_the_first_flush_comes_soon_and_the_next_ones_ever_later() -> None:
    store, pace = LogStore(FakeBucket(), ATTEMPT), FlushPace()
    assert pace.due_at(store, 100.0) == float("inf")
    store.write(b"one\n")
    assert pace.due_at(store, 100.0) == 100.0 + FIRST_FLUSH
    assert pace.due_at(store, 100.5) == 100.0 + FIRST_FLUSH
    gaps = []
    for _ in range(12):
        pace.flushed(200.0)
        gaps.append(pace.due_at(store, 200.0) - 200.0)
    assert gaps[0] == NEXT_FLUSH
    assert gaps == sorted(gaps)
    assert gaps[-1] == SLOWEST_FLUSH


def test_a_full_chunk_is_flushed_at_once() -> None:
    store, pace = LogStore(FakeBucket(), ATTEMPT), FlushPace()
    store.write(numbered(6000))
    assert pace.due_at(store, 100.0) == 100.0


def test_a_short_log_that_was_never_sent_is_at_hand() -> None:
    store = LogStore(FakeBucket(), ATTEMPT)
    assert store.whole(8) == b""
    store.write(b"one\n")
    store.write(b"two\n")
    assert store.whole(8) == b"one\ntwo\n"
    assert store.whole(7) is None


def test_a_log_of_which_anything_was_sent_is_not_at_hand() -> None:
    store = LogStore(FakeBucket(), ATTEMPT)
    store.write(b"one\n")
    store.flush()
    assert store.whole(100) is None
    broken = LogStore(BrokenBucket(), ATTEMPT)
    broken.write(b"one\n")
    with pytest.raises(Unavailable):
        broken.flush()
    assert broken.whole(100) is None  # it may have been stored, and its answer lost
