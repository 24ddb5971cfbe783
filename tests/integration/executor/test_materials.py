"""What a task brings along is in place before its command starts, or the attempt ends and says why:
real commands, real folders, a bucket in memory that can be slow or broken.
"""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chalicelib.claims import BucketClaims
from chalicelib.dag_files import PREFIX, PinnedFile, content_key, encode_list, sha256_of
from chalicelib.enums import MaterialKind, Outcome
from chalicelib.errors import OrchestratorError, Unavailable
from chalicelib.executor.materials.content_cache import ContentCache, WrongContent
from chalicelib.executor.materials.jobs import MAX_THREADS, Stopped, StopSignal
from chalicelib.messages import Material, Result, TaskMessage, decode_task
from chalicelib.ports import StoredObject
from tests.integration.executor.bench_of_one import Bench, LeapingClock, utc_now
from tests.support.fakes import FakeBucket
from tests.support.waiting import HANG_SECONDS, eventually


class Store(FakeBucket):
    """Counts what is read of the files, and does `before` at each such read."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []
        self.before: Callable[[str], object] = lambda _: None

    def get(self, key: str, *, limit: int | None = None) -> StoredObject | None:
        if key.startswith(PREFIX):
            self.read.append(key)
            self.before(key)
        return super().get(key, limit=limit)

    def bring(self, **contents: bytes) -> list[Material]:
        """What a message says of these files; `run_` stands for an executable."""
        files = [
            PinnedFile(name, sha256_of(body), len(body), name.startswith("run_"))
            for name, body in contents.items()
        ]
        listed = encode_list(files)
        for body in (listed, *contents.values()):
            self.put(content_key(sha256_of(body)), body)
        sha256 = sha256_of(listed)
        return [Material(MaterialKind.FILES, "", content_key(sha256), sha256, len(listed))]


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sandbox's temporary storage; the cache of an executor begins empty."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What holds reads until it opens."""
    event = threading.Event()
    yield event
    event.set()


def test_a_message_of_the_version_before_brings_nothing() -> None:
    bench = Bench()
    message = bench.message("true").encode().replace(',"materials":[]', "")
    assert "materials" not in message
    task = decode_task(message)
    assert isinstance(task, TaskMessage)
    assert task.materials == []


def test_materials_survive_the_queue() -> None:
    material = Material("tool", "jq", "https://example.org/jq", "ab", 7, {"path": "bin/jq"})
    message = Bench().message("true", materials=[material])
    assert decode_task(message.encode()) == message


def test_the_command_finds_its_files_in_the_working_directory(store: Store) -> None:
    bench = Bench(runs=store)
    brought = store.bring(notes=b"hello", run_me=b"#!/bin/sh\necho ran\n")
    result = bench.run('cat notes; ./run_me; [ "$DAG_FILES" = "$PWD" ]', materials=brought)
    assert (result.outcome, bench.output()) == (Outcome.SUCCESS, ["helloran"])


def test_a_file_does_not_take_the_place_of_a_program(store: Store) -> None:
    bench = Bench(runs=store)
    listed = encode_list([PinnedFile("ls", sha256_of(b"#!/bin/sh\necho taken"), 20, True)])
    for body in (listed, b"#!/bin/sh\necho taken"):
        store.put(content_key(sha256_of(body)), body)
    bench.run("ls", materials=[Material(MaterialKind.FILES, "", "", sha256_of(listed))])
    assert bench.output() == ["ls"]


def test_a_relative_cwd_lies_in_the_working_directory(store: Store) -> None:
    bench = Bench(runs=store)
    files = [PinnedFile("sql/a b/é.sql", sha256_of(b"x"), 1), PinnedFile(".top", sha256_of(b""), 0)]
    listed = encode_list(files)
    for body in (listed, b"x", b""):
        store.put(content_key(sha256_of(body)), body)
    brought = [Material(MaterialKind.FILES, "", "", sha256_of(listed))]
    bench.run('ls "$DAG_FILES/.top"; ls "a b"', materials=brought, cwd="sql")
    assert bench.output()[1] == "é.sql"
    assert bench.output()[0].endswith("/.top")


def test_an_absolute_cwd_is_left_alone_and_the_files_are_named(
    store: Store, tmp_path: Path
) -> None:
    bench = Bench(runs=store)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    bench.run('pwd; cat "$DAG_FILES/notes"', materials=store.bring(notes=b"n"), cwd=str(elsewhere))
    assert bench.output() == [str(elsewhere), "n"]
    assert list(elsewhere.iterdir()) == []


def test_a_sandbox_fetches_each_content_once(store: Store) -> None:
    bench = Bench(runs=store)
    bench.run("cat a b", materials=store.bring(a=b"same", b=b"same"))
    bench.run("cat a c", materials=store.bring(a=b"same", c=b"new"))
    assert store.read.count(content_key(sha256_of(b"same"))) == 1
    assert len(store.read) == 4  # and two lists, and the new one


def test_what_a_command_does_to_its_files_reaches_no_other_command(store: Store) -> None:
    bench = Bench(runs=store)
    brought = store.bring(a=b"good")
    bench.run('echo bad > a; rm -rf "$TMPDIR"/nothing', materials=brought)
    bench.run("cat a", materials=brought)
    assert bench.output() == ["good"]


def test_what_a_command_does_to_the_cache_reaches_no_other_command(
    store: Store, temporary: Path
) -> None:
    bench = Bench(runs=store)
    brought = store.bring(a=b"good")
    poison = f'for file in {temporary}/orchestrator-materials-*/*; do echo bad > "$file"; done'
    assert bench.run(poison, materials=brought).outcome is Outcome.SUCCESS
    bench.run("cat a", materials=brought)
    assert bench.output() == ["good"]


def test_nothing_that_was_brought_is_left_but_the_cache(store: Store, temporary: Path) -> None:
    Bench(runs=store).run("cat a; mkdir -p b/c", materials=store.bring(a=b"x"))
    assert [entry.name.rpartition("-")[0] for entry in temporary.iterdir()] == [
        "orchestrator-materials"
    ]


def test_many_files_are_fetched_at_the_same_time(store: Store) -> None:
    together = threading.Barrier(MAX_THREADS, timeout=HANG_SECONDS)
    brought = store.bring(**{f"f{n}": b"%d" % n for n in range(MAX_THREADS)})
    store.before = lambda key: key == brought[0].source or together.wait()
    assert Bench(runs=store).run("cat f0", materials=brought).outcome is Outcome.SUCCESS


def test_files_are_fetched_before_the_start_time(store: Store) -> None:
    bench = Bench(runs=store)
    starts_at = utc_now().timestamp() + 0.3
    result = bench.run("cat a", materials=store.bring(a=b"x"), not_before=starts_at)
    assert result.started_at == starts_at
    assert (result.ended_at or 0) >= starts_at


def test_heartbeats_go_on_while_files_are_fetched(store: Store, gate: threading.Event) -> None:
    bench = Bench(runs=store, heartbeat_seconds=0.05)
    store.before = lambda _: gate.wait(HANG_SECONDS)
    thread = bench.start("cat a", materials=store.bring(a=b"x"))
    bench.wait_for_heartbeats(3)
    gate.set()
    thread.join(HANG_SECONDS)
    assert bench.result().outcome is Outcome.SUCCESS


def test_an_attempt_is_cancelled_while_files_are_fetched(
    store: Store, gate: threading.Event
) -> None:
    reading = threading.Event()
    asked = threading.Event()
    bench = Bench(runs=store, clock=LeapingClock(reading.is_set, asked.is_set, seconds=10.0))

    def hold(_: str) -> None:
        reading.set()
        gate.wait(HANG_SECONDS)

    store.before = hold
    thread = bench.start("echo never", materials=store.bring(a=b"x"))
    eventually(reading.is_set)
    BucketClaims(store).request_cancel(bench.last, 1.0)
    asked.set()
    thread.join(HANG_SECONDS)
    result = bench.result()
    reason = "cancelled while what it brings along was being fetched"
    assert (result.outcome, result.reason) == (Outcome.CANCELLED, reason)
    assert bench.output() == [reason]


def test_fetching_counts_against_the_time_limit(store: Store, gate: threading.Event) -> None:
    reading = threading.Event()
    bench = Bench(runs=store, clock=LeapingClock(reading.is_set))

    def hold(_: str) -> None:
        reading.set()
        gate.wait(HANG_SECONDS)

    store.before = hold
    result = bench.run("echo never", materials=store.bring(a=b"x"), timeout=60.0)
    assert result.outcome is Outcome.TIMEOUT
    assert result.reason == (
        "stopped after 60 s, the task's execution_timeout; what it brings along was still being"
        " fetched"
    )


def test_an_executor_that_is_stopped_reports_nothing(store: Store, gate: threading.Event) -> None:
    bench = Bench(runs=store)
    reading = threading.Event()

    def hold(_: str) -> None:
        reading.set()
        gate.wait(HANG_SECONDS)

    store.before = hold
    thread = bench.start("echo never", materials=store.bring(a=b"x"))
    eventually(reading.is_set)
    bench.executor.stop()
    thread.join(HANG_SECONDS)
    assert bench.refusal == "this executor is being stopped"
    assert bench.reports() == []


@pytest.mark.parametrize(
    ("error", "is_transient"),
    [
        (Unavailable("S3 is busy; try again later"), True),
        (OrchestratorError("S3 answered AccessDenied"), False),
    ],
)
def test_a_fetch_that_fails_says_whether_it_may_pass(
    store: Store, error: OrchestratorError, is_transient: bool
) -> None:
    def fail(_: str) -> None:
        raise error

    store.before = fail
    result = Bench(runs=store).run("echo never", materials=store.bring(a=b"x"))
    assert (result.outcome, result.is_transient) == (Outcome.FAILED, is_transient)
    assert not result.is_permanent
    assert error.message in result.reason


def missing(store: Store) -> None:
    store.delete([content_key(sha256_of(b"x"))])


def exchanged(store: Store) -> None:
    store.put(content_key(sha256_of(b"x")), b"other")


@pytest.mark.parametrize(
    ("damage", "text"),
    [(missing, "the file `a` is no longer in the runs bucket"), (exchanged, "has the SHA-256 d9")],
)
def test_a_content_that_is_gone_or_wrong_ends_the_task_for_good(
    store: Store, damage: Callable[[Store], None], text: str
) -> None:
    brought = store.bring(a=b"x")
    damage(store)
    bench = Bench(runs=store)
    result = bench.run("echo never", materials=brought)
    assert (result.outcome, result.is_permanent) == (Outcome.FAILED, True)
    assert text in result.reason
    assert text in bench.log()


def test_a_kind_that_only_a_newer_scheduler_knows_is_left_to_a_newer_executor() -> None:
    result = Bench().run("echo never", materials=[Material("dream", "a", "b")])
    assert (result.outcome, result.is_transient) == (Outcome.FAILED, True)
    assert "`dream`" in result.reason


def test_a_full_disk_may_pass(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tempfile.mkdtemp", full)
    result = Bench(runs=store).run("echo never", materials=store.bring(a=b"x"))
    assert (result.outcome, result.is_transient) == (Outcome.FAILED, True)
    assert "No space left on device" in result.reason


def test_a_path_that_leads_outside_is_refused(store: Store, temporary: Path) -> None:
    listed = encode_list([PinnedFile("../../escaped", sha256_of(b"x"), 1)])
    for body in (listed, b"x"):
        store.put(content_key(sha256_of(body)), body)
    brought = [Material(MaterialKind.FILES, "", "", sha256_of(listed))]
    result = Bench(runs=store).run("echo never", materials=brought)
    assert (result.outcome, result.is_permanent) == (Outcome.FAILED, True)
    assert not list(temporary.rglob("escaped"))


WITHOUT = """
import sys, tempfile
from tests.integration.executor.bench_of_one import Bench
tempfile.tempdir = sys.argv[1]
assert Bench().run("true").outcome == "success"
loaded = [name for name in sys.modules if "materials" in name]
assert not loaded, loaded
"""


def test_a_task_that_brings_nothing_pays_nothing(temporary: Path) -> None:
    subprocess.run([sys.executable, "-c", WITHOUT, str(temporary)], check=True)
    assert list(temporary.iterdir()) == []


# The cache


def put(cache: ContentCache, target: Path, body: bytes, asked: list[bytes]) -> None:
    def fetch(write: Callable[[bytes], None]) -> None:
        asked.append(body)
        write(body)

    cache.put(sha256_of(body), target, fetch, StopSignal())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "cache"
    path.mkdir()
    return path


def test_the_cache_is_bounded_and_forgets_what_was_used_longest_ago(
    folder: Path, tmp_path: Path
) -> None:
    cache = ContentCache(folder, max_bytes=10)
    asked: list[bytes] = []
    for number, body in enumerate([b"aaaa", b"bbbb", b"aaaa", b"cccc", b"aaaa", b"x" * 11]):
        put(cache, tmp_path / f"{number}", body, asked)
        assert (tmp_path / f"{number}").read_bytes() == body
        for entry in folder.iterdir():  # each use is a second later than the one before
            status = entry.stat()
            age = status.st_mtime if entry.name != sha256_of(body) else 1000.0 + number
            os.utime(entry, (age, age))
    assert asked == [b"aaaa", b"bbbb", b"cccc", b"x" * 11]
    assert {path.name for path in folder.iterdir()} == {sha256_of(b"aaaa"), sha256_of(b"cccc")}


def test_a_wrong_content_is_not_kept(folder: Path, tmp_path: Path) -> None:
    cache = ContentCache(folder)
    with pytest.raises(WrongContent):
        cache.put("0" * 64, tmp_path / "a", lambda write: write(b"x"), StopSignal())
    assert list(folder.iterdir()) == []
    assert not (tmp_path / "a").exists()


def test_a_partial_content_of_a_process_that_died_is_removed(folder: Path, tmp_path: Path) -> None:
    (folder / "partial-old").write_bytes(b"x")
    os.utime(folder / "partial-old", (1.0, 1.0))
    (folder / "partial-new").write_bytes(b"x")
    put(ContentCache(folder), tmp_path / "a", b"a", [])
    assert {path.name for path in folder.iterdir()} == {"partial-new", sha256_of(b"a")}


DIES_HALFWAY = """
import os, signal, sys
from pathlib import Path
from chalicelib.dag_files import sha256_of
from chalicelib.executor.materials import content_cache
from chalicelib.executor.materials.jobs import StopSignal
body = b"x" * 3_000_000
def die_in_copy(source, target, stop):
    target.write(source.read(1_000_000))
    target.flush()
    os.kill(os.getpid(), signal.SIGKILL)
content_cache._copy_hashed = die_in_copy
cache = content_cache.ContentCache(Path(sys.argv[1]))
cache.put(sha256_of(body), Path(sys.argv[2]), lambda write: write(body), StopSignal())
"""


def test_a_process_killed_halfway_leaves_nothing_that_is_taken_for_the_content(
    folder: Path, tmp_path: Path
) -> None:
    body = b"x" * 3_000_000
    killed = subprocess.run([sys.executable, "-c", DIES_HALFWAY, folder, tmp_path / "first"])
    assert killed.returncode == -9
    assert [path.name.partition("-")[0] for path in folder.iterdir()] == ["partial"]
    asked: list[bytes] = []
    put(ContentCache(folder), tmp_path / "second", body, asked)
    assert (tmp_path / "second").read_bytes() == body
    assert len(asked) == 1


def test_threads_that_want_the_same_content_fetch_it_once(folder: Path, tmp_path: Path) -> None:
    cache, asked = ContentCache(folder), list[bytes]()
    threads = [
        threading.Thread(target=put, args=(cache, tmp_path / f"{n}", b"same", asked))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANG_SECONDS)
    assert len(asked) == 1
    assert {(tmp_path / f"{n}").read_bytes() for n in range(8)} == {b"same"}


def test_who_waits_for_another_thread_can_be_stopped(
    folder: Path, tmp_path: Path, gate: threading.Event
) -> None:
    cache, fetching = ContentCache(folder), threading.Event()

    def slow(write: Callable[[bytes], None]) -> None:
        fetching.set()
        gate.wait(HANG_SECONDS)
        write(b"x")

    sha256 = sha256_of(b"x")
    thread = threading.Thread(target=cache.put, args=(sha256, tmp_path / "1", slow, StopSignal()))
    thread.start()
    eventually(fetching.is_set)
    stop = StopSignal()
    stop.set()
    with pytest.raises(Stopped):
        cache.put(sha256, tmp_path / "2", slow, stop)
    gate.set()
    thread.join(HANG_SECONDS)
    assert (tmp_path / "1").read_bytes() == b"x"


def test_a_folder_of_somebody_else_is_not_used(temporary: Path, store: Store) -> None:
    theirs = temporary / f"orchestrator-materials-{os.geteuid()}"
    theirs.symlink_to(temporary / "elsewhere")
    (temporary / "elsewhere").mkdir()
    result: Result = Bench(runs=store).run("cat a", materials=store.bring(a=b"x"))
    assert result.outcome is Outcome.SUCCESS
    assert list((temporary / "elsewhere").iterdir()) == []
