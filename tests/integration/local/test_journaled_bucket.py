"""The journal of claims: durable before it is acknowledged, shared, and bounded."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chalicelib.claims import BucketClaims
from chalicelib.executor import Executor
from chalicelib.local.creation_journal import Journal, Record, decode
from chalicelib.local.folder_bucket import FolderBucket
from chalicelib.local.journaled_bucket import JournaledBucket
from chalicelib.messages import Attempt, TaskMessage
from chalicelib.utils.time import utc_now
from tests.support.fakes import FakeQueue
from tests.support.waiting import HANG_SECONDS, eventually

CREATE_FOR_EVER = """
import itertools, sys, threading
from pathlib import Path
from chalicelib.local.creation_journal import Journal
from chalicelib.local.journaled_bucket import JournaledBucket
bucket = JournaledBucket(Path(sys.argv[1]), Journal(Path(sys.argv[2]), file_bytes=4096))
def create(name):
    for number in itertools.count():
        key = f"dag/run/{name}/{number}/claim"
        if bucket.create(key, key.encode()):
            sys.stdout.write(key + "\\n")
            sys.stdout.flush()
for name in range(4):
    threading.Thread(target=create, args=(name,)).start()
"""


class Disk:
    """The disk of a journal: what a power failure leaves of it is copied to `image` at each sync.
    While `gate` is closed a sync waits; while `is_broken` it fails."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.image = folder / "journal", folder / "image"
        self.syncs = 0
        self.is_broken = False
        self.gate = threading.Event()
        self.gate.set()

    def sync(self, descriptor: int) -> None:
        self.syncs += 1
        self.gate.wait(HANG_SECONDS)
        if self.is_broken:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        os.fdatasync(descriptor)
        shutil.rmtree(self.image, ignore_errors=True)
        shutil.copytree(self.folder, self.image)

    def journal(self) -> Journal:
        return Journal(self.folder, self.sync)


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)


@pytest.fixture
def bucket(tmp_path: Path, disk: Disk) -> JournaledBucket:
    return JournaledBucket(tmp_path / "runs", disk.journal())


def reopened(tmp_path: Path, journal: Path) -> JournaledBucket:
    return JournaledBucket(tmp_path / "runs", Journal(journal))


def test_a_command_never_starts_before_its_claim_is_durable(
    tmp_path: Path, disk: Disk, bucket: JournaledBucket
) -> None:
    mark = tmp_path / "started"
    environ = {"PATH": os.environ["PATH"]}
    executor = Executor(bucket, BucketClaims(bucket), FakeQueue(utc_now), 30.0, environ, utc_now)
    message = TaskMessage(Attempt("dag", "run", "task", -1, 1), f"touch {mark}")
    disk.is_broken = True
    with pytest.raises(OSError, match="Input/output"):
        executor.handle(message.encode(), time_left=lambda: 900.0)
    assert not mark.exists()

    disk.is_broken = False
    executor.handle(message.encode(), time_left=lambda: 900.0)
    assert mark.exists()
    after_power_failure = BucketClaims(reopened(tmp_path, disk.image))
    assert after_power_failure.is_taken(message.attempt)


def test_what_was_acknowledged_survives_a_failure_of_the_power(
    tmp_path: Path, disk: Disk, bucket: JournaledBucket
) -> None:
    for number in range(5):
        assert bucket.create(f"dag/run/{number}", b"mine")
        again = reopened(tmp_path, disk.image)
        assert not again.create(f"dag/run/{number}", b"theirs")
        stored = again.get(f"dag/run/{number}")
        assert stored is not None
        assert stored.body == b"mine"


def test_creations_that_wait_for_the_disk_share_its_next_write(
    disk: Disk, bucket: JournaledBucket
) -> None:
    disk.gate.clear()
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(bucket.create, "dag/run/first", b"1")
        eventually(lambda: disk.syncs == 1)
        others = [pool.submit(bucket.create, f"dag/run/{n}", b"1") for n in range(7)]
        eventually(lambda: len(bucket._journal._next.records) == 7)
        assert not any(done.done() for done in [first, *others])
        disk.gate.set()
        assert all(done.result(HANG_SECONDS) for done in [first, *others])
    assert disk.syncs == 2


def test_what_could_not_be_made_durable_is_not_created_and_may_be_tried_again(
    disk: Disk, bucket: JournaledBucket
) -> None:
    disk.is_broken = True
    with pytest.raises(OSError, match="Input/output"):
        bucket.create("dag/run/claim", b"1")
    assert bucket.get("dag/run/claim") is None
    disk.is_broken = False
    assert bucket.create("dag/run/claim", b"2")
    assert not bucket.create("dag/run/claim", b"3")


def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    arguments = [str(tmp_path / "runs"), str(tmp_path / "journal")]
    process = subprocess.Popen(
        [sys.executable, "-c", CREATE_FOR_EVER, *arguments], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    acknowledged = [process.stdout.readline().strip() for _ in range(400)]
    process.send_signal(signal.SIGKILL)
    acknowledged += [line.strip() for line in process.stdout if line.endswith("\n")]
    process.wait(HANG_SECONDS)
    bucket = reopened(tmp_path, tmp_path / "journal")
    for key in acknowledged:
        stored = bucket.get(key)
        assert stored is not None
        assert stored.body == key.encode()
        assert not bucket.create(key, b"again")


def test_a_record_that_was_cut_off_ends_the_journal() -> None:
    first, second = (Record(f"dag/run/{n}/ü", b"x" * 100).encode() for n in range(2))
    whole = [record.key for record in decode(first + second + bytes(50))]
    assert whole == ["dag/run/0/ü", "dag/run/1/ü"]
    for length in range(len(second)):
        cut = first + second[:length] + bytes(len(second) - length)
        assert [record.key for record in decode(cut)] == ["dag/run/0/ü"]


def test_what_was_deleted_does_not_come_back(tmp_path: Path, bucket: JournaledBucket) -> None:
    for number in range(3):
        bucket.create(f"dag/run/{number}", b"1")
    bucket.delete(["dag/run/0"])
    FolderBucket(tmp_path / "runs").delete(["dag/run/1"])
    bucket.list("dag/")  # makes files
    FolderBucket(tmp_path / "runs").delete(["dag/run/1"])
    bucket.forget_deleted("dag/run/1")
    for again in (bucket, reopened(tmp_path, tmp_path / "journal")):
        assert [row.key for row in again.list("dag/")] == ["dag/run/2"]


def test_a_long_journal_becomes_files_and_begins_anew(
    tmp_path: Path,
) -> None:
    bucket = JournaledBucket(tmp_path / "runs", Journal(tmp_path / "journal", file_bytes=1000))
    for number in range(100):
        assert bucket.create(f"dag/run/{number:03d}", b"x" * 100)
    eventually(lambda: not bucket._is_cleaning)
    bucket.store_created()
    assert list((tmp_path / "journal").iterdir()) == []
    assert bucket._created == {}
    for again in (bucket, reopened(tmp_path, tmp_path / "journal")):
        assert len(again.list("dag/")) == 100
        assert not again.create("dag/run/050", b"again")


def test_a_key_that_was_created_anew_is_kept_while_the_journal_is_shortened(
    tmp_path: Path, disk: Disk, bucket: JournaledBucket
) -> None:
    bucket.create("dag/run/claim", b"1")
    files = disk.folder
    bucket.delete(["dag/run/claim"])
    bucket.create("dag/run/claim", b"2")
    bucket.store_created()
    assert list(files.iterdir()) == []
    stored = reopened(tmp_path, files).get("dag/run/claim")
    assert stored is not None
    assert stored.body == b"2"
