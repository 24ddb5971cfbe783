"""The folder behind the buckets: real files, real processes."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from chalicelib.local.creation_journal import Journal
from chalicelib.local.durable_bucket import DurableBucket
from chalicelib.local.folder_bucket import FolderBucket, etag_of, path_of
from tests.support.fakes import FakeBucket
from tests.support.waiting import HANG_SECONDS

CLAIM = """
import sys
from pathlib import Path
from chalicelib.local.folder_bucket import FolderBucket
bucket = FolderBucket(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
print(sum(bucket.create(f"a/{n}/claim", sys.argv[2].encode()) for n in range(300)), flush=True)
"""


def test_processes_that_create_the_same_keys_win_each_one_once(tmp_path: Path) -> None:
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIM, str(tmp_path), str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(3)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    won = [int(racer.communicate("go\n", timeout=HANG_SECONDS)[0]) for racer in racers]
    assert sum(won) == 300
    bucket = FolderBucket(tmp_path)
    bodies = [bucket.get(f"a/{n}/claim") for n in range(300)]
    assert [
        sum(b is not None and b.body == str(n).encode() for b in bodies) for n in range(3)
    ] == won


def test_what_was_stored_is_there_in_another_process(tmp_path: Path) -> None:
    FolderBucket(tmp_path).create("run/claim", b"mine")
    again = FolderBucket(tmp_path)
    assert again.create("run/claim", b"theirs") is False
    found = again.get("run/claim")
    assert found is not None
    assert found.body == b"mine"


def test_a_write_that_was_cut_short_leaves_no_object_and_is_cleared_away(tmp_path: Path) -> None:
    FolderBucket(tmp_path)
    scrap = tmp_path / "%scratch" / "1-1"
    scrap.write_bytes(b"half")
    bucket = FolderBucket(tmp_path)
    assert bucket.list("") == []
    assert not scrap.exists()


def test_a_key_cannot_leave_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "inside"
    FolderBucket(folder).put("../outside", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["inside"]


def test_a_folder_is_removed_with_its_last_object(tmp_path: Path) -> None:
    bucket = FolderBucket(tmp_path)
    bucket.put("dag/run/a", b"")
    bucket.put("dag/run/b", b"")
    bucket.delete(["dag/run/a"])
    assert (tmp_path / "dag").exists()
    bucket.delete(["dag/run/b"])
    assert not (tmp_path / "dag").exists()


def test_objects_can_be_put_while_their_folder_is_being_removed(tmp_path: Path) -> None:
    bucket = FolderBucket(tmp_path)
    stop = threading.Event()

    def come_and_go() -> None:
        while not stop.is_set():
            bucket.put("dag/run/other", b"")
            bucket.delete(["dag/run/other"])

    thread = threading.Thread(target=come_and_go)
    thread.start()
    try:
        for number in range(300):
            bucket.put(f"dag/run/{number}", b"x")
            bucket.delete([f"dag/run/{number}"])
            assert bucket.create(f"dag/run/{number}", b"y") is True
            bucket.delete([f"dag/run/{number}"])
    finally:
        stop.set()
        thread.join()


def test_the_etag_of_a_large_object_is_computed_once_while_it_stays_the_same(
    tmp_path: Path,
) -> None:
    bucket = FolderBucket(tmp_path)
    bucket.put("log", b"one")
    path = path_of(tmp_path, "log")
    before = etag_of(path, path.stat())
    bucket.put("log", b"two")
    assert etag_of(path, path.stat()) != before
    path.unlink()
    assert bucket.get("log") is None


@pytest.fixture
def shown() -> FakeBucket:
    return FakeBucket()


def test_outside_sees_nothing_until_it_looks_and_then_what_it_looks_at(
    tmp_path: Path, shown: FakeBucket
) -> None:
    bucket = DurableBucket(shown, tmp_path / "runs", Journal(tmp_path / "journal"))
    bucket.put("a/1/log", b"1")
    bucket.put("a/2/log", b"2")
    assert shown.objects == {}
    bucket.show("a/1")
    assert shown.objects == {"a/1/log": b"1"}
    bucket.show()
    assert shown.objects == {"a/1/log": b"1", "a/2/log": b"2"}


def test_outside_sees_changes_and_removals_and_keeps_what_is_its_own(
    tmp_path: Path, shown: FakeBucket
) -> None:
    bucket = DurableBucket(shown, tmp_path / "runs", Journal(tmp_path / "journal"))
    bucket.put("a/log", b"1")
    bucket.put("a/more", b"2")
    bucket.show()
    shown.put("a/theirs", b"3")
    bucket.put("a/log", b"changed")
    bucket.delete(["a/more"])
    bucket.show()
    assert shown.objects == {"a/log": b"changed", "a/theirs": b"3"}


def test_a_look_that_finds_nothing_new_copies_nothing(tmp_path: Path, shown: FakeBucket) -> None:
    bucket = DurableBucket(shown, tmp_path / "runs", Journal(tmp_path / "journal"))
    bucket.put("a/log", b"1")
    bucket.show()
    bucket.show()
    assert shown.puts == 1
