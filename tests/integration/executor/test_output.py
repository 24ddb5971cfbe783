"""Logs of real commands: readable while they run, harmless, and never too large."""

from __future__ import annotations

import re
import resource
import threading
from pathlib import Path

import pytest

from chalicelib.executor import supervisor
from chalicelib.executor.log_store import HEAD_BYTES, TAIL_BYTES
from tests.integration.executor.bench_of_one import Bench, LeapingClock
from tests.support.fakes import FakeBucket
from tests.support.waiting import HANG_SECONDS, eventually


@pytest.fixture
def bench() -> Bench:
    return Bench()


UNTIL_GO = 'until [ -e "$GO" ]; do sleep 0.02; done'


class SlowBucket(FakeBucket):
    """Stores a log only when it is told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()
        self.go_on = threading.Event()

    def put(self, key: str, body: bytes) -> None:
        self.asked.set()
        assert self.go_on.wait(HANG_SECONDS)
        super().put(key, body)


def kept_bytes(bench: Bench) -> int:
    prefix = bench.last.log_prefix
    return sum(len(body) for key, body in bench.runs.objects.items() if key.startswith(prefix))


def test_a_log_can_be_read_while_the_command_runs(bench: Bench) -> None:
    thread = bench.start("echo first; sleep 600")
    eventually(lambda: bench.output() == ["first"])
    assert thread.is_alive()
    bench.executor.stop()
    thread.join(HANG_SECONDS)
    assert not thread.is_alive()


def test_every_line_has_the_moment_at_which_it_came(bench: Bench) -> None:
    bench.run_until(lambda: bench.output() == ["a"], f"echo a; {UNTIL_GO}; echo b")
    stamps = re.findall(r"(?m)^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) [ab]$", bench.log())
    assert len(stamps) == 2
    assert stamps[0] < stamps[1]


def test_binary_output_is_stored_as_harmless_text(bench: Bench) -> None:
    result = bench.run("head -c 300000 /dev/urandom")
    assert result.outcome == "success"
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffd]", bench.log())


def test_output_without_line_ends_is_stored(bench: Bench) -> None:
    bench.run("head -c 300000 /dev/zero | tr '\\0' x")
    assert "".join(bench.output()) == "x" * 300_000


def test_a_flood_costs_bounded_memory_and_leaves_ten_megabytes(bench: Bench) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result = bench.run("seq -f '%099.0f' 1 2000000")
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert result.outcome == "success"
    assert result.log_bytes == 2_000_000 * 125
    assert HEAD_BYTES < kept_bytes(bench) <= HEAD_BYTES + TAIL_BYTES
    assert (after - before) * 1024 < 60_000_000
    lines = bench.output()
    assert (int(lines[0]), int(lines[-1])) == (1, 2_000_000)
    assert sum(line.startswith("[... ") for line in lines) == 1


def test_a_slow_bucket_holds_up_neither_the_output_nor_the_time_limit(tmp_path: Path) -> None:
    bucket = SlowBucket()
    said = tmp_path / "said"
    bench = Bench(runs=bucket, clock=LeapingClock(lambda: bucket.asked.is_set() and said.exists()))
    thread = bench.start(f"seq 1 200000; touch {said}; sleep 600", timeout=300)
    assert bucket.asked.wait(HANG_SECONDS)
    eventually(lambda: not bench.executor._running._commands)
    assert not bucket.go_on.is_set()
    bucket.go_on.set()
    thread.join(HANG_SECONDS)
    assert [report.outcome for report in bench.reports() if hasattr(report, "outcome")] == [
        "timeout"
    ]
    assert bench.output()[-1] == "200000"


def test_a_child_that_floods_from_another_session_is_cut_off(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "LEFTOVER_GRACE", 0.1)
    result = bench.run("setsid yes & sleep 0.1; echo done")
    assert result.outcome == "success"
    assert kept_bytes(bench) <= HEAD_BYTES + TAIL_BYTES


def test_a_short_log_travels_in_the_result(bench: Bench) -> None:
    result = bench.run("echo one; echo two >&2", log_in_result=1000)
    assert result.log is not None
    assert [line.split("Z ")[1] for line in result.log.splitlines()] == ["one", "two"]
    assert result.log_bytes == len(result.log.encode())
    assert kept_bytes(bench) == 0


def test_a_log_that_is_longer_or_not_wanted_in_the_result_is_stored(bench: Bench) -> None:
    assert bench.run("seq 100", log_in_result=1000).log is None
    assert bench.output() == [str(n) for n in range(1, 101)]
    assert bench.run("echo old scheduler").log is None
    assert bench.output() == ["old scheduler"]


def test_a_short_log_that_was_followed_stays_in_the_bucket(bench: Bench) -> None:
    result = bench.run_until(
        lambda: bench.output() == ["one"], f"echo one; {UNTIL_GO}; echo two", log_in_result=1000
    )
    assert result.log is None
    assert bench.output() == ["one", "two"]
