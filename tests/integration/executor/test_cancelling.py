"""People stop a running command by a marker in the bucket."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from chalicelib.claims import cancel_key
from chalicelib.errors import Unavailable
from chalicelib.executor import supervisor
from chalicelib.messages import Result
from chalicelib.ports import StoredObject
from tests.integration.executor.bench_of_one import Bench
from tests.support.fakes import FakeBucket
from tests.support.waiting import HANG_SECONDS, eventually


class Failing(FakeBucket):
    """Answers no question about the marker the first time, and counts them."""

    asked = 0

    def get(self, key: str, *, limit: int | None = None) -> StoredObject | None:
        if key.endswith("/cancel"):
            self.asked += 1
            if self.asked == 1:
                raise Unavailable("not now")
        return super().get(key, limit=limit)


@pytest.fixture(autouse=True)
def quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "FIRST_LOOK", 0.3)
    monkeypatch.setattr(supervisor, "NEXT_LOOK", 0.2)
    monkeypatch.setattr(supervisor, "TERM_GRACE", HANG_SECONDS)


def cancelled(bench: Bench, command: str, folder: Path, **fields: str) -> Result:
    """The result of a command that is cancelled once it has made the file `ready`."""
    thread = bench.start(f"cd {folder}; {command}", **fields)
    eventually(lambda: (folder / "ready").exists())
    bench.runs.put(cancel_key(bench.last), b"{}")
    thread.join(HANG_SECONDS)
    assert not thread.is_alive()
    [result] = [report for report in bench.reports() if isinstance(report, Result)]
    return result


def test_a_running_command_is_stopped_when_its_marker_appears(tmp_path: Path) -> None:
    bench = Bench()
    command = "trap 'echo cleaned; exit 0' TERM; echo $$ > pid; touch ready; sleep 600 & wait"
    result = cancelled(bench, command, tmp_path)
    assert (result.outcome, result.reason) == ("cancelled", "cancelled while running")
    assert bench.output() == ["cleaned"]
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_command_that_ignores_the_end_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "TERM_GRACE", 0.3)
    command = "trap '' TERM; touch ready; while :; do sleep 0.05; done"
    result = cancelled(Bench(), command, tmp_path)
    assert (result.outcome, result.signal) == ("cancelled", 9)
    assert result.reason.startswith("cancelled while running; it ignored SIGTERM for")


def test_a_when_is_cancelled_too_and_the_command_never_starts(tmp_path: Path) -> None:
    bench = Bench()
    when = f"touch {tmp_path}/ready; sleep 600"
    result = cancelled(bench, "echo never", tmp_path, when=when)
    assert result.outcome == "cancelled"
    assert bench.log() == ""


def test_a_look_that_fails_is_repeated(tmp_path: Path) -> None:
    bucket = Failing()
    result = cancelled(Bench(runs=bucket), "touch ready; sleep 600", tmp_path)
    assert result.outcome == "cancelled"
    assert bucket.asked >= 2


def test_the_marker_of_another_attempt_stops_nothing() -> None:
    bucket = Failing()
    bench = Bench(runs=bucket)
    next_attempt = bench.message("").attempt
    other = replace(next_attempt, task_id="other", try_number=next_attempt.try_number + 1)
    bucket.put(cancel_key(other), b"{}")
    command = 'until [ -e "$GO" ]; do sleep 0.02; done; echo done'
    result = bench.run_until(lambda: bucket.asked >= 3, command)
    assert bench.last == replace(other, task_id="task")
    assert (result.outcome, bench.output()) == ("success", ["done"])
