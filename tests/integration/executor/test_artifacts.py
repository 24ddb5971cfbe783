"""What a command leaves is stored whole and as it was, or the attempt says why it is not; and what
was stored is given to another command as it was: real commands, real folders, a bucket in memory
that can be slow or broken.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chalicelib.artifact_inputs import InputFile, encode
from chalicelib.claims import BucketClaims
from chalicelib.enums import Outcome
from chalicelib.errors import OrchestratorError, Unavailable
from chalicelib.executor.artifacts import sources, storing
from chalicelib.executor.artifacts.folder_archive import MAX_DEPTH, MAX_ENTRIES
from chalicelib.messages import Attempt, Material, Result, decode_report
from chalicelib.ports import PIECE_BYTES
from tests.integration.executor.bench_of_one import Bench, LeapingClock
from tests.support.fakes import FakeBucket
from tests.support.waiting import HANG_SECONDS, eventually

MIB = 1024 * 1024


class Store(FakeBucket):
    """Does `during` with the number of each piece of an upload before it takes the piece."""

    def __init__(self) -> None:
        super().__init__()
        self.uploads: list[str] = []
        self.during: Callable[[int], object] = lambda _: None

    def upload(self, key: str, chunks: Iterable[bytes]) -> None:
        def held() -> Iterator[bytes]:
            for number, chunk in enumerate(chunks):
                self.during(number)
                yield chunk

        self.uploads.append(key)
        super().upload(key, held())


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    monkeypatch.setattr(storing, "ABORT_SECONDS", 0.05)  # uploads here hang on purpose
    return folder


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What holds uploads until it opens."""
    event = threading.Event()
    yield event
    event.set()


def as_input(result: Result, path: str = "in", number: int = 0) -> Material:
    """The input that gives another command what this one left."""
    left = result.artifacts[number]
    file = InputFile(
        result.attempt, left.name, left.size, left.sha256, left.is_folder, left.is_executable
    )
    return encode(path, [file], is_mapped=False)


def handed_over(command: str, then: str, path: str = "x") -> list[str]:
    """What `then` prints, which finds at `in` what `command` left at `path`."""
    bench = Bench()
    made = bench.run(command, artifacts={"x": path})
    assert made.outcome is Outcome.SUCCESS, made.reason
    used = bench.run(then, materials=[as_input(made)])
    assert used.outcome is Outcome.SUCCESS, (used.reason, bench.output())
    return bench.output()


def reason_of(command: str, path: str = "x", cwd: str | None = None) -> str:
    """Why an attempt fails whose command leaves something that cannot be kept."""
    bench = Bench()
    result = bench.run(command, artifacts={"x": path}, cwd=cwd)
    assert (result.outcome, result.exit_code) == (Outcome.FAILED, 0)
    assert bench.output()[-1] == result.reason
    assert result.artifacts == []
    return result.reason


def test_the_result_has_size_and_sha256_and_survives_the_queue(store: Store) -> None:
    result = Bench(runs=store).run(
        "mkdir a; printf hello > 'a/b c.txt'", artifacts={"x": "a/b c.txt"}
    )
    [left] = result.artifacts
    assert (left.name, left.file_name, left.size) == ("x", "b c.txt", 5)
    assert left.sha256 == hashlib.sha256(b"hello").hexdigest()
    stored = store.get(result.attempt.artifact_key("x"))
    assert stored is not None
    assert stored.body == b"hello"
    assert decode_report(result.encode()) == result


def test_a_result_of_the_version_before_has_no_artifacts() -> None:
    result = Bench().run("true")
    body = result.encode().replace(',"artifacts":[]', "")
    assert "artifacts" not in body
    assert decode_report(body) == result


def test_a_large_file_passes_in_pieces(store: Store) -> None:
    numbers: list[int] = []
    store.during = numbers.append
    result = Bench(runs=store).run(f"head -c {5 * MIB + 7} /dev/zero > x", artifacts={"x": "x"})
    assert result.artifacts[0].size == 5 * MIB + 7
    assert numbers == list(range(6))  # pieces of a MiB, and the rest


DEEP = f"{'d' * 200}/{'e' * 200}"
ODD_NAMES = "cd x; echo a > 'two words'; echo b > é.txt; echo c > .hidden; echo d > -n"
MODES = "touch x/s; chmod 4755 x/s; touch x/p; chmod 640 x/p; mkdir x/q; chmod 750 x/q"
LINKS = "echo a > x/f; ln -s f x/l; ln -s gone x/dangling; mkdir x/d; ln -s ../f x/d/up"
LOCKED = "mkdir -p x/locked; touch x/locked/f; chmod 555 x/locked"


@pytest.mark.parametrize(
    ("command", "then", "expected"),
    [
        ("printf '' > x", "wc -c < in", ["0"]),
        ("echo 'echo ran' > x; chmod 755 x", "./in", ["ran"]),
        ("echo hi > x; chmod 600 x", "[ ! -x in ] && cat in", ["hi"]),
        ("mkdir x", "ls -A in | wc -l", ["0"]),
        ("mkdir -p x/a/b", "cd in; find . -type d | sort", [".", "./a", "./a/b"]),
        (f"mkdir x; {ODD_NAMES}", "cd in; cat 'two words' é.txt .hidden ./-n", [*"abcd"]),
        ("mkdir x; echo a > x/$'line\\nbreak'", "cat in/$'line\\nbreak'", ["a"]),
        ("mkdir x; echo a > x/$'\\xff\\xfe'", "cat in/$'\\xff\\xfe'", ["a"]),
        (f"mkdir x; echo a > x/{'n' * 255}", f"cat in/{'n' * 255}", ["a"]),
        (f"mkdir -p x/{DEEP}; echo a > x/{DEEP}/f", f"cat in/{DEEP}/f", ["a"]),
        (f"mkdir x; {MODES}", "stat -c %a in/s in/p in/q", ["755", "640", "750"]),
        (LOCKED, "stat -c %a in/locked; ls in/locked", ["555", "f"]),
        (f"mkdir x; {LINKS}", "cat in/l in/d/up; readlink in/dangling", ["a", "a", "gone"]),
        ("mkdir x; echo a > x/f; ln x/f x/hard", "cat in/hard; stat -c %h in/hard", ["a", "1"]),
        ("mkdir x; touch -d 2001-02-03T04:05:06Z x/old", "date -u -r in/old +%F", ["2001-02-03"]),
        ("mkdir real; echo a > real/f; ln -s real x", "cat in/f", ["a"]),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)  # fmt: skip
def test_what_was_left_is_found_as_it_was(command: str, then: str, expected: list[str]) -> None:
    assert handed_over(command, then) == expected


HERE = "the artifact `x` at `x`"
INSIDE = "in the artifact `x`"
NOT_LEFT = f"the command did not leave {HERE} as promised"
LEADS_OUT = "is a link that leads out of the folder; copy the file instead"
NO_LINK = "is neither a file, a folder nor a link"
TOO_LARGE = (
    "the artifact `x` is larger than 5 GiB; compress it, or put it into a bucket of your own"
)
FILES = (
    f"the artifact `x` has more than {MAX_ENTRIES} files; have the command pack them into an"
    " archive"
)
TOO_DEEP = f"nested more than {MAX_DEPTH} folders deep"


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("true", NOT_LEFT),
        ("ln -s gone x", NOT_LEFT),
        ("mkfifo x", f"{HERE} is neither a file nor a folder, so it cannot be kept"),
        (
            "ln -s /etc x",
            f"{HERE} is a link that leads out of the working directory; copy the file instead",
        ),
        ("ln -s x x", f"{HERE} cannot be read: Too many levels of symbolic links"),
        ("mkdir x; mkfifo x/p", f"`p` {INSIDE} {NO_LINK}"),
        ("mkdir x; ln -s /etc/hosts x/l", f"`l` {INSIDE} {LEADS_OUT}"),
        ("mkdir -p x/a; ln -s ../../b x/a/l", f"`a/l` {INSIDE} {LEADS_OUT}"),
        ("mkdir x; mkfifo x/$'a\\nb\\xff'", f"`a\\nb\\xff` {INSIDE} {NO_LINK}"),
        (f"truncate -s {sources.MAX_BYTES + 1} x", TOO_LARGE),
        (f"mkdir x; truncate -s {sources.MAX_BYTES} x/a; echo > x/b", TOO_LARGE),
        (f"mkdir x; cd x; seq {MAX_ENTRIES} | xargs touch", FILES),
        (
            f"mkdir -p x{'/d' * (MAX_DEPTH + 1)}",
            f"`{'/'.join('d' * (MAX_DEPTH + 1))[:97]}...` {INSIDE} is {TOO_DEEP}",
        ),
    ],
    ids=lambda value: value[:40],
)
def test_what_cannot_be_kept_fails_the_attempt_with_a_reason(command: str, expected: str) -> None:
    assert reason_of(command) == expected


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_cannot_be_read_fails_the_attempt() -> None:
    assert reason_of("touch x; chmod 0 x").endswith("cannot be read: Permission denied")


def test_the_executors_own_environment_cannot_be_kept_through_a_link() -> None:
    expected = "is a link that leads out of the working directory"
    assert expected in reason_of('ln -s "/proc/$PPID/environ" x')
    assert expected in reason_of('ln -s "/proc/$PPID" d', path="d/environ")
    assert "leads out of the folder" in reason_of('mkdir x; ln -s "/proc/$PPID/environ" x/e')


@pytest.mark.parametrize(
    ("command", "cwd", "path"),
    [
        ('rmdir "$PWD"; ln -s "/proc/$PPID" "$PWD"', None, "environ"),
        ('rmdir "$PWD"; ln -s / "$PWD"', None, "proc/self/environ"),
        ("true", "/proc/self", "environ"),
        ("true", "/", "proc/self/environ"),
        ("true", "/", "proc/self"),
    ],
)
def test_nothing_of_proc_is_kept_wherever_the_working_directory_leads(
    command: str, cwd: str | None, path: str
) -> None:
    assert reason_of(command, path=path, cwd=cwd).endswith(
        "is neither a file nor a folder, so it cannot be kept"
    )


def test_a_link_that_takes_a_files_place_meanwhile_is_not_followed(
    store: Store, tmp_path: Path
) -> None:
    bench, secret = Bench(runs=store), tmp_path / "secret"
    secret.write_text("a secret\n")  # as long as the file, and as old
    cwd = tmp_path / "cwd"
    cwd.mkdir()

    def swap(number: int) -> None:
        if number == 1:  # of the folder itself only the header has been stored
            written = (cwd / "x/file").stat().st_mtime_ns
            os.utime(secret, ns=(written, written))
            (cwd / "x/file").unlink()
            (cwd / "x/file").symlink_to(secret)

    store.during = swap
    result = bench.run("mkdir x; echo harmless > x/file", artifacts={"x": "x"}, cwd=str(cwd))
    assert result.outcome is Outcome.FAILED
    assert b"secret" not in b"".join(store.objects.values())
    assert "`file` in the artifact `x`" in result.reason


@pytest.mark.parametrize("change", ["echo more >> x", "truncate -s 1 x"])
def test_a_file_that_changes_while_it_is_stored_fails_the_attempt(
    store: Store, tmp_path: Path, change: str
) -> None:
    store.during = lambda number: number == 0 and os.system(f"cd {tmp_path} && {change}")
    bench = Bench(runs=store)
    result = bench.run(f"head -c {3 * MIB} /dev/zero > x", artifacts={"x": "x"}, cwd=str(tmp_path))
    assert result.outcome is Outcome.FAILED
    assert result.reason.startswith("the artifact `x` changed while it was stored")
    assert not any("artifacts" in key for key in store.objects)


def test_a_missing_artifact_costs_no_upload_of_the_others(store: Store) -> None:
    result = Bench(runs=store).run("touch a", artifacts={"a": "a", "b": "b"})
    assert result.outcome is Outcome.FAILED
    assert store.uploads == []


def test_a_failed_command_leaves_nothing(store: Store) -> None:
    result = Bench(runs=store).run("touch a; exit 3", artifacts={"a": "a"})
    assert (result.reason, result.artifacts, store.uploads) == ("exit code 3", [], [])


def test_artifacts_and_outputs_go_together(store: Store) -> None:
    bench = Bench(runs=store)
    result = bench.run('touch a; echo n=1 >> "$DAG_OUTPUT"', artifacts={"a": "a"}, outputs=["n"])
    assert (result.outputs, [left.name for left in result.artifacts]) == ({"n": "1"}, ["a"])
    without = bench.run("touch a", artifacts={"a": "a"}, outputs=["n"])
    assert without.reason.startswith("the command did not write `n`")
    assert without.artifacts == []


def test_a_bucket_that_is_busy_is_asked_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "RETRY_DELAYS", (0.0, 0.0))
    calls: list[int] = []

    def busy(_: int) -> None:
        calls.append(1)
        if len(calls) < 3:
            raise Unavailable("S3 is busy")

    store.during = busy
    result = Bench(runs=store).run("echo whole > x", artifacts={"x": "x"})
    assert result.outcome is Outcome.SUCCESS
    assert store.objects[result.attempt.artifact_key("x")] == b"whole\n"


@pytest.mark.parametrize("error", [Unavailable("S3 is gone"), OrchestratorError("S3 refused")])
def test_a_bucket_that_takes_nothing_fails_the_attempt(
    store: Store, monkeypatch: pytest.MonkeyPatch, error: OrchestratorError
) -> None:
    monkeypatch.setattr(storing, "RETRY_DELAYS", (0.0,))

    def refuse(_: int) -> None:
        raise error

    store.during = refuse
    result = Bench(runs=store).run("echo x > x", artifacts={"x": "x"})
    assert (result.outcome, result.is_transient) == (Outcome.FAILED, False)
    assert result.reason == f"its artifacts could not be stored: {error.message}"


def test_an_unplanned_error_while_storing_fails_the_attempt(store: Store) -> None:
    def broken(_: int) -> None:
        raise RuntimeError("a bug")

    store.during = broken
    result = Bench(runs=store).run("echo x > x", artifacts={"x": "x"})
    assert result.outcome is Outcome.FAILED
    assert "internal error of the executor: RuntimeError" in result.reason


def hold(gate: threading.Event, reached: threading.Event) -> Callable[[int], None]:
    def wait(_: int) -> None:
        reached.set()
        gate.wait(HANG_SECONDS)

    return wait


def test_heartbeats_go_on_while_artifacts_are_stored(store: Store, gate: threading.Event) -> None:
    bench, reached = Bench(runs=store, heartbeat_seconds=0.05), threading.Event()
    store.during = hold(gate, reached)
    thread = bench.start("echo x > x", artifacts={"x": "x"})
    eventually(reached.is_set)
    bench.wait_for_heartbeats(3)
    gate.set()
    thread.join(HANG_SECONDS)
    assert bench.result().outcome is Outcome.SUCCESS


def test_an_attempt_is_cancelled_while_artifacts_are_stored(
    store: Store, gate: threading.Event
) -> None:
    reached, asked = threading.Event(), threading.Event()
    clock = LeapingClock(reached.is_set, asked.is_set, seconds=10.0)
    bench = Bench(runs=store, clock=clock)
    store.during = hold(gate, reached)
    thread = bench.start("echo x > x", artifacts={"x": "x"})
    eventually(reached.is_set)
    BucketClaims(store).request_cancel(bench.last, 1.0)
    asked.set()
    thread.join(HANG_SECONDS)
    result = bench.result()
    assert result.outcome is Outcome.CANCELLED
    assert result.reason == "cancelled; its artifacts were still being stored"
    gate.set()
    assert not any("artifacts" in key for key in store.objects)


def test_the_time_limit_holds_while_artifacts_are_stored(
    store: Store, gate: threading.Event
) -> None:
    reached = threading.Event()
    bench = Bench(runs=store, clock=LeapingClock(reached.is_set))
    store.during = hold(gate, reached)
    thread = bench.start("echo x > x", artifacts={"x": "x"}, timeout=60.0)
    thread.join(HANG_SECONDS)
    result = bench.result()
    assert (result.outcome, result.exit_code) == (Outcome.TIMEOUT, 0)
    assert result.reason == (
        "stopped after 60 s, the task's execution_timeout; its artifacts were still being stored"
    )


def test_an_executor_that_is_stopped_while_it_stores_reports_nothing(
    store: Store, gate: threading.Event
) -> None:
    bench, reached = Bench(runs=store), threading.Event()
    store.during = hold(gate, reached)
    thread = bench.start("echo x > x", artifacts={"x": "x"})
    eventually(reached.is_set)
    bench.executor.stop()
    thread.join(HANG_SECONDS)
    assert bench.refusal == "this executor is being stopped"
    assert not any(isinstance(report, Result) for report in bench.reports())


def test_inputs_are_there_before_when(store: Store) -> None:
    bench = Bench(runs=store)
    made = bench.run("echo yes > x", artifacts={"x": "x"})
    result = bench.run("cat in", when="grep yes in", materials=[as_input(made)])
    assert result.outcome is Outcome.SUCCESS


def test_what_a_command_does_to_its_input_reaches_no_other(store: Store) -> None:
    bench = Bench(runs=store)
    made = bench.run("echo good > x", artifacts={"x": "x"})
    bench.run("echo bad > in", materials=[as_input(made)])
    bench.run("cat in", materials=[as_input(made)])
    assert bench.output() == ["good"]


def test_an_input_that_changed_in_the_bucket_never_reaches_the_command(store: Store) -> None:
    bench = Bench(runs=store)
    made = bench.run("echo good > x", artifacts={"x": "x"})
    store.put(made.attempt.artifact_key("x"), b"evil\n")
    result = bench.run("echo started", materials=[as_input(made)])
    assert (result.outcome, result.is_permanent) == (Outcome.FAILED, True)
    assert "the input `in`, artifact `x` of task `task`, has the SHA-256" in result.reason
    assert "started" not in "".join(bench.output())


@pytest.mark.parametrize("body", [b"no archive", b"", b"\0" * 1024])
def test_a_folder_that_is_damaged_in_the_bucket_never_reaches_the_command(
    store: Store, body: bytes
) -> None:
    bench = Bench(runs=store)
    made = bench.run("mkdir x", artifacts={"x": "x"})
    store.put(made.attempt.artifact_key("x"), body)
    result = bench.run("echo started", materials=[as_input(made)])
    assert (result.outcome, result.is_permanent) == (Outcome.FAILED, True)
    assert "the input `in`, artifact `x` of task `task`," in result.reason


def test_an_input_that_is_gone_says_what_to_do(store: Store) -> None:
    bench = Bench(runs=store)
    made = bench.run("touch x", artifacts={"x": "x"})
    store.delete([made.attempt.artifact_key("x")])
    result = bench.run("true", materials=[as_input(made)])
    assert result.is_permanent
    assert result.reason == (
        "the input `in`, artifact `x` of task `task`, is no longer in the runs bucket; clear that"
        " task to have it made again"
    )


def test_an_input_that_does_not_fit_on_the_disk_is_not_fetched(store: Store) -> None:
    bench = Bench(runs=store)
    made = bench.run("touch x", artifacts={"x": "x"})
    huge = replace(made, artifacts=[replace(made.artifacts[0], size=2**62)])
    result = bench.run("true", materials=[as_input(huge)])
    assert result.is_permanent
    assert "the task's inputs have 4398046511104 MiB, and commands have" in result.reason


def crafted(store: Store, *members: tuple[str, bytes, str]) -> Material:
    """An input whose archive no executor of ours has written: (name, type, link) of each member."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, kind, link in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.size = kind, link, 4 if kind == tarfile.REGTYPE else 0
            archive.addfile(info, io.BytesIO(b"evil"))
    body, attempt = stream.getvalue(), Attempt("dag", "run", "other", -1, 1)
    store.put(attempt.artifact_key("x"), body)
    sha256 = hashlib.sha256(body).hexdigest()
    return encode(
        "in", [InputFile(attempt, "x", len(body), sha256, is_folder=True)], is_mapped=False
    )


ROOT = ("x", tarfile.DIRTYPE, "")


@pytest.mark.parametrize(
    "members",
    [
        [ROOT, ("x/../../evil", tarfile.REGTYPE, "")],
        [ROOT, ("/evil", tarfile.REGTYPE, "")],
        [ROOT, ("x/l", tarfile.SYMTYPE, "../.."), ("x/l/evil", tarfile.REGTYPE, "")],
        [ROOT, ("x/l", tarfile.LNKTYPE, "/etc/hosts")],
        [ROOT, ("x/device", tarfile.CHRTYPE, "")],
    ],
    ids=["upwards", "absolute", "through a link", "hard link", "device"],
)
def test_an_archive_cannot_write_outside(
    store: Store, temporary: Path, members: list[tuple[str, bytes, str]]
) -> None:
    result = Bench(runs=store).run("echo started", materials=[crafted(store, *members)])
    assert result.outcome is Outcome.FAILED
    assert not [path for path in temporary.rglob("evil") if path.parent.name != "l"]
    assert not (temporary.parent / "evil").exists()


@pytest.mark.parametrize("path", ["../x", "/tmp/x", "a/../../x"])
def test_an_input_is_never_put_outside_whatever_the_message_says(store: Store, path: str) -> None:
    bench = Bench(runs=store)
    made = bench.run("touch x", artifacts={"x": "x"})
    result = bench.run("true", materials=[as_input(made, path)])
    assert result.is_permanent
    assert "would lie outside the working directory" in result.reason


def test_of_copies_each_map_index_has_its_own_entry(store: Store) -> None:
    bench = Bench(runs=store)
    files = []
    for index in (0, 2, 10):
        attempt = Attempt("dag", "run", "made", index, 1)
        body = b"%d" % index
        store.put(attempt.artifact_key("x"), body)
        files.append(InputFile(attempt, "x", len(body), hashlib.sha256(body).hexdigest()))
    result = bench.run("grep . deep/in/*", materials=[encode("deep/in", files, is_mapped=True)])
    assert result.outcome is Outcome.SUCCESS
    assert bench.output() == ["deep/in/0:0", "deep/in/10:10", "deep/in/2:2"]


def test_an_input_is_fetched_in_pieces(store: Store) -> None:
    bench = Bench(runs=store)
    made = bench.run(f"head -c {2 * PIECE_BYTES + 1} /dev/zero > x", artifacts={"x": "x"})
    bench.run("wc -c < in", materials=[as_input(made)])
    assert bench.output() == [str(2 * PIECE_BYTES + 1)]


def test_a_relative_cwd_holds_inputs_and_artifacts(store: Store) -> None:
    bench = Bench(runs=store)
    made = bench.run("echo one > x", artifacts={"x": "x"})
    result = bench.run(
        "cat in > out", cwd="sub", materials=[as_input(made, "sub/in")], artifacts={"y": "out"}
    )
    assert result.outcome is Outcome.SUCCESS
    assert store.objects[result.attempt.artifact_key("y")] == b"one\n"
