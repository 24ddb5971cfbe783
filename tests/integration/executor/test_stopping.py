"""Nothing outlives its attempt: time limits, leftovers, and the executor's own end."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from chalicelib.claims import claim_key
from chalicelib.executor import executor, supervisor
from tests.integration.executor.bench_of_one import Bench, LeapingClock
from tests.support.waiting import HANG_SECONDS, eventually


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture(autouse=True)
def ample_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who heeds SIGTERM has ended long before, on any machine."""
    monkeypatch.setattr(supervisor, "TERM_GRACE", HANG_SECONDS)


@pytest.fixture
def short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "TERM_GRACE", 0.6)


def lives(pid: int) -> bool:
    """Whether the process runs; one that only waits to be buried does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def pids(folder: Path) -> list[int]:
    """The processes that wrote their ids into files there."""
    return [int(path.read_text()) for path in folder.iterdir() if path.read_text().strip()]


def all_there(folder: Path, count: int) -> Callable[[], bool]:
    """Whether so many processes have written their ids into files there."""
    return lambda: len(pids(folder)) == count


def assert_gone(folder: Path, count: int) -> None:
    assert len(pids(folder)) == count
    eventually(lambda: not any(lives(pid) for pid in pids(folder)))


def test_a_command_is_stopped_at_its_time_limit(tmp_path: Path) -> None:
    bench = Bench(clock=LeapingClock((tmp_path / "begun").exists))
    result = bench.run(f"echo begun; touch {tmp_path}/begun; sleep 600", timeout=300)
    assert (result.outcome, result.exit_code, result.signal) == ("timeout", None, 15)
    assert result.reason == "stopped after 300 s, the task's execution_timeout"
    assert bench.output() == ["begun"]
    assert result.started_at is not None
    assert result.ended_at is not None
    assert result.ended_at - result.started_at >= 300


def test_the_executors_own_time_limit_stops_it_too(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "LEAST_TIME", 0.5)
    result = bench.run("sleep 60", timeout=50.0, time_left=executor.MARGIN + 1.5)
    assert result.outcome == "timeout"
    assert result.reason.startswith("stopped after 1 s: the executor cannot run longer")


def test_a_command_may_clean_up_when_it_is_stopped(tmp_path: Path) -> None:
    bench = Bench(clock=LeapingClock((tmp_path / "ready").exists))
    result = bench.run(
        "trap 'echo cleaning; sleep 0.3; echo clean; exit 0' TERM; echo go;"
        f" touch {tmp_path}/ready; sleep 600 & wait",
        timeout=300,
    )
    assert bench.output() == ["go", "cleaning", "clean"]
    assert (result.outcome, result.exit_code) == ("timeout", 0)


def test_the_whole_group_is_stopped_at_the_time_limit(tmp_path: Path) -> None:
    bench = Bench(clock=LeapingClock(all_there(tmp_path, 4)))
    bench.run(
        f"cd {tmp_path}; echo $$ > main; sleep 600 & echo $! > child;"
        f" bash -c 'echo $$ > grandchild; sleep 600 & echo $! > leaf; wait' & wait",
        timeout=300,
    )
    assert_gone(tmp_path, 4)


@pytest.mark.usefixtures("short_grace")
def test_what_ignores_sigterm_is_killed_after_the_grace(tmp_path: Path) -> None:
    bench = Bench(clock=LeapingClock(all_there(tmp_path, 2)))
    result = bench.run(
        f"trap '' TERM; cd {tmp_path}; echo $$ > main;"
        " bash -c 'echo $$ > child; while :; do sleep 0.1; done' & wait",
        timeout=300,
    )
    assert (result.outcome, result.signal) == ("timeout", 9)
    assert "ignored SIGTERM for 5 s and was killed" in result.reason
    assert_gone(tmp_path, 2)


def test_a_child_that_ignores_sigterm_is_killed_although_the_command_heeded_it(
    tmp_path: Path,
) -> None:
    def heeded() -> bool:
        return not lives(int((tmp_path / "main").read_text()))

    bench = Bench(clock=LeapingClock(all_there(tmp_path, 2), heeded))
    result = bench.run(
        f"cd {tmp_path}; bash -c 'trap \"\" TERM; echo $$ > child; while :; do sleep 0.1; done'"
        " > /dev/null 2>&1 & echo $$ > main; wait",
        timeout=300,
    )
    assert (result.outcome, result.signal) == ("timeout", 15)
    assert_gone(tmp_path, 2)


def test_a_child_has_the_grace_although_the_command_ended_at_once(tmp_path: Path) -> None:
    bench = Bench(clock=LeapingClock((tmp_path / "ready").exists))
    bench.run(
        'bash -c \'trap "sleep 0.4; touch clean; exit" TERM; touch ready;'
        " while :; do sleep 0.05; done'"
        " > /dev/null 2>&1 & wait",
        cwd=str(tmp_path),
        timeout=300,
    )
    assert (tmp_path / "clean").exists()


def test_background_children_are_stopped_when_the_command_has_ended(
    bench: Bench, tmp_path: Path
) -> None:
    result = bench.run(
        f"cd {tmp_path}; sleep 60 & echo $! > loud; sleep 60 > /dev/null 2>&1 & echo $! > quiet"
    )
    assert result.outcome == "success"
    assert_gone(tmp_path, 2)


def test_what_a_child_says_right_after_the_end_is_still_in_the_log(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "LEFTOVER_GRACE", HANG_SECONDS)
    bench.run("(sleep 0.2; echo late) & echo early")
    assert bench.output() == ["early", "late"]


def test_a_child_that_left_the_session_does_not_hold_the_attempt_up(
    bench: Bench, tmp_path: Path
) -> None:
    result = bench.run(
        f"setsid sh -c 'echo $$ > {tmp_path}/pid; exec sleep 600' &"
        f" until [ -s {tmp_path}/pid ]; do sleep 0.01; done; echo done"
    )
    [pid] = pids(tmp_path)
    assert lives(pid)
    os.kill(pid, 9)
    assert result.outcome == "success"
    assert bench.output() == ["done"]


def test_a_stopped_process_is_killed_too(bench: Bench, tmp_path: Path) -> None:
    bench.run(f"sleep 60 & echo $! > {tmp_path}/pid; kill -STOP $!")
    assert_gone(tmp_path, 1)


def test_when_the_executor_stops_its_commands_die_and_report_nothing(
    bench: Bench, tmp_path: Path
) -> None:
    thread = bench.start(f"cd {tmp_path}; echo $$ > main; sleep 60 & echo $! > child; wait")
    eventually(lambda: len(list(tmp_path.iterdir())) == 2 and len(pids(tmp_path)) == 2)
    bench.executor.stop()
    thread.join(HANG_SECONDS)
    assert not thread.is_alive()
    assert_gone(tmp_path, 2)
    assert bench.reports() == []
    assert "being stopped" in bench.refusal


def test_an_executor_that_waits_for_a_moment_stops_at_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "LONGEST_HOLD", 3600.0)
    far = bench.executor._now().timestamp() + 1800
    thread = bench.start("echo never", not_before=far)
    eventually(lambda: claim_key(bench.last) in bench.runs.objects)
    bench.executor.stop()
    thread.join(HANG_SECONDS)
    assert not thread.is_alive()
    assert bench.reports() == []
    assert bench.log() == ""
