"""What every Bucket must do, asked of each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import pytest

from chalicelib.errors import Unavailable
from chalicelib.ports import PIECE_BYTES, Bucket, EditableBucket
from tests.contract.implementations import BUCKETS, EDITABLE


@pytest.fixture(params=sorted(BUCKETS))
def bucket(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bucket]:
    with BUCKETS[cast(str, request.param)](tmp_path) as made:
        yield made


def keys(bucket: Bucket, prefix: str, start_after: str = "", limit: int = 1000) -> list[str]:
    return [row.key for row in bucket.list(prefix, start_after=start_after, limit=limit)]


def test_what_was_put_is_read_back_with_its_key_and_etag(bucket: Bucket) -> None:
    body = bytes(range(256))
    bucket.put("a/b c+d/é%", body)
    found = bucket.get("a/b c+d/é%")
    assert found is not None
    assert (found.key, found.body) == ("a/b c+d/é%", body)
    assert found.etag == hashlib.md5(body).hexdigest()


def test_an_object_that_is_not_there_is_none(bucket: Bucket) -> None:
    assert bucket.get("nothing") is None


def test_an_empty_object_is_an_object(bucket: Bucket) -> None:
    bucket.put("empty", b"")
    found = bucket.get("empty", limit=10)
    assert found is not None
    assert found.body == b""


@pytest.mark.parametrize(("limit", "body"), [(3, b"012"), (10, b"0123456789"), (99, b"0123456789")])
def test_a_limit_cuts_the_body(bucket: Bucket, limit: int, body: bytes) -> None:
    bucket.put("digits", b"0123456789")
    found = bucket.get("digits", limit=limit)
    assert found is not None
    assert found.body == body


def test_put_replaces_and_the_etag_tells(bucket: Bucket) -> None:
    bucket.put("key", b"one")
    before = bucket.get("key")
    bucket.put("key", b"two")
    after = bucket.get("key")
    assert before is not None
    assert after is not None
    assert after.body == b"two"
    assert before.etag != after.etag


def test_create_stores_once_and_never_replaces(bucket: Bucket) -> None:
    assert bucket.create("claim", b"first") is True
    assert bucket.create("claim", b"second") is False
    found = bucket.get("claim")
    assert found is not None
    assert found.body == b"first"


def test_create_refuses_what_was_put(bucket: Bucket) -> None:
    bucket.put("claim", b"put")
    assert bucket.create("claim", b"created") is False


def test_of_many_threads_that_create_one_key_one_wins(bucket: Bucket) -> None:
    with ThreadPoolExecutor(8) as pool:
        bodies = [str(number).encode() for number in range(32)]
        won = list(pool.map(lambda body: bucket.create("claim", body), bodies))
    assert won.count(True) == 1
    found = bucket.get("claim")
    assert found is not None
    assert found.body == bodies[won.index(True)]


@pytest.fixture(params=EDITABLE)
def editable(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EditableBucket]:
    with BUCKETS[cast(str, request.param)](tmp_path) as made:
        yield cast(EditableBucket, made)


def test_an_edited_object_is_replaced_only_if_it_is_as_it_was_read(
    editable: EditableBucket,
) -> None:
    assert editable.replace("a/b c/é.yaml", b"one", "0" * 32) is None  # nothing to replace
    first = editable.replace("a/b c/é.yaml", b"one", None)
    assert first is not None
    assert editable.replace("a/b c/é.yaml", b"two", None) is None
    second = editable.replace("a/b c/é.yaml", b"two", first)
    assert editable.replace("a/b c/é.yaml", b"three", first) is None
    stored = editable.get("a/b c/é.yaml")
    assert stored is not None
    assert (stored.body, stored.etag) == (b"two", second)


def test_of_many_who_edit_one_object_one_wins(editable: EditableBucket) -> None:
    etag = editable.replace("key", b"before", None)
    bodies = [str(number).encode() for number in range(32)]
    with ThreadPoolExecutor(8) as pool:
        etags = list(pool.map(lambda body: editable.replace("key", body, etag), bodies))
    (winner,) = [number for number, new in enumerate(etags) if new is not None]
    stored = editable.get("key")
    assert stored is not None
    assert stored.body == bodies[winner]


BIG = bytes(range(256)) * 80_000
"""Some 20 MB: three parts on S3."""


def chunks_of(body: bytes, size: int) -> Iterator[bytes]:
    return (body[start : start + size] for start in range(0, len(body), size))


def downloaded(bucket: Bucket, key: str) -> bytes | None:
    pieces = bucket.download(key)
    return None if pieces is None else b"".join(pieces)


@pytest.mark.parametrize("size", [1_000_003, 9 * 1024 * 1024, len(BIG)])
def test_what_was_uploaded_in_chunks_is_downloaded_in_pieces(bucket: Bucket, size: int) -> None:
    bucket.upload("a/b c/é", chunks_of(BIG, size))
    pieces = bucket.download("a/b c/é")
    assert pieces is not None
    lengths, digest = [], hashlib.sha256()
    for piece in pieces:
        lengths.append(len(piece))
        digest.update(piece)
    assert max(lengths) <= PIECE_BYTES
    assert digest.digest() == hashlib.sha256(BIG).digest()
    assert [(row.key, row.size) for row in bucket.list("a/")] == [("a/b c/é", len(BIG))]


@pytest.mark.parametrize("length", [0, 1, 8 * 1024 * 1024, 8 * 1024 * 1024 + 1])
def test_an_upload_of_any_length_is_the_same_as_a_put(bucket: Bucket, length: int) -> None:
    body = BIG[:length]
    bucket.upload("key", [body[:1], b"", body[1:]])
    assert downloaded(bucket, "key") == body
    found = bucket.get("key")
    assert found is not None
    assert found.body == body


def test_an_upload_replaces_and_the_etag_tells(bucket: Bucket) -> None:
    bucket.put("key", b"small")
    before = bucket.list("key")
    bucket.upload("key", chunks_of(BIG, PIECE_BYTES))
    after = bucket.list("key")
    bucket.upload("key", [b"small again"])
    assert len({row.etag for row in (*before, *after, *bucket.list("key"))}) == 3
    assert downloaded(bucket, "key") == b"small again"


def test_an_object_that_is_not_there_cannot_be_downloaded(bucket: Bucket) -> None:
    assert bucket.download("nothing") is None


def test_a_download_may_be_left_off(bucket: Bucket) -> None:
    bucket.upload("key", chunks_of(BIG, PIECE_BYTES))
    pieces = bucket.download("key")
    assert pieces is not None
    assert BIG.startswith(next(pieces))
    del pieces
    bucket.delete(["key"])
    assert bucket.download("key") is None


@pytest.mark.parametrize("length", [100, len(BIG)])
def test_an_upload_that_breaks_leaves_what_was_there(bucket: Bucket, length: int) -> None:
    def broken() -> Iterator[bytes]:
        yield from chunks_of(BIG[:length], PIECE_BYTES)
        raise Unavailable("the source went away")

    bucket.put("key", b"before")
    with pytest.raises(Unavailable, match="the source went away"):
        bucket.upload("key", broken())
    with pytest.raises(Unavailable):
        bucket.upload("new", broken())
    assert downloaded(bucket, "key") == b"before"
    assert keys(bucket, "") == ["key"]


def test_a_listing_has_sorted_keys_sizes_and_etags(bucket: Bucket) -> None:
    bucket.put("p/b", b"22")
    bucket.put("p/a", b"1")
    bucket.put("q/a", b"")
    rows = bucket.list("p/")
    assert [(row.key, row.size) for row in rows] == [("p/a", 1), ("p/b", 2)]
    assert rows[0].etag == hashlib.md5(b"1").hexdigest()


def test_a_listing_sorts_by_the_bytes_of_the_keys(bucket: Bucket) -> None:
    names = ["p/Z", "p/a", "p/a/b", "p/a0", "p/é", "p/_"]
    for name in names:
        bucket.put(name, b"")
    assert keys(bucket, "p/") == sorted(names, key=str.encode)


def test_a_listing_starts_behind_a_key_that_need_not_exist(bucket: Bucket) -> None:
    for name in ("p/1", "p/3", "p/5"):
        bucket.put(name, b"")
    assert keys(bucket, "p/", "p/3") == ["p/5"]
    assert keys(bucket, "p/", "p/2") == ["p/3", "p/5"]
    assert keys(bucket, "p/", "a") == ["p/1", "p/3", "p/5"]
    assert keys(bucket, "p/", "z") == []


def test_a_listing_honours_its_limit(bucket: Bucket) -> None:
    for number in range(5):
        bucket.put(f"p/{number}", b"")
    assert keys(bucket, "p/", limit=2) == ["p/0", "p/1"]
    assert keys(bucket, "none/") == []


def test_a_listing_goes_beyond_a_thousand(bucket: Bucket) -> None:
    for number in range(1003):
        bucket.put(f"p/{number:04d}", b"")
    assert len(keys(bucket, "p/")) == 1000
    assert keys(bucket, "p/", limit=1002)[-1] == "p/1001"
    assert len(keys(bucket, "p/", limit=5000)) == 1003


def test_deleted_objects_are_gone_and_others_stay(bucket: Bucket) -> None:
    for name in ("a", "b", "c"):
        bucket.put(name, b"x")
    bucket.delete(["a", "c", "never-was"])
    assert keys(bucket, "") == ["b"]
    assert bucket.get("a") is None


def test_deleting_nothing_is_no_error(bucket: Bucket) -> None:
    bucket.delete([])
    bucket.delete(iter(()))


def test_a_key_can_be_created_again_after_it_was_deleted(bucket: Bucket) -> None:
    bucket.create("claim", b"1")
    bucket.delete(["claim"])
    assert bucket.create("claim", b"2") is True
