"""The benchmarks' command: JSON lines on stdout, nothing on stderr, an earlier commit's files."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.bench.checkout import UnknownCommit, checked_out
from tests.bench.machine import ROOT
from tests.bench.report import rounded
from tests.bench.targets import FANOUT, FIRST_ANSWER, ROWS, Sample, Samples, Version, as_json, table
from tests.support.waiting import HANG_SECONDS


def _bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.bench", *arguments]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=HANG_SECONDS, check=False
    )


@pytest.fixture
def a_commit() -> str:
    """A commit of this repository; skips where the sources came without it."""
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        pytest.skip("these files are no git repository")
    return done.stdout.strip()


def test_a_benchmark_that_logs_prints_its_line_alone() -> None:
    done = _bench("--quick", "expand", "backfill")

    assert [json.loads(line)["name"] for line in done.stdout.splitlines()] == ["expand", "backfill"]
    assert done.stderr == ""


def test_an_unknown_commit_is_refused_in_words() -> None:
    done = _bench("--quick", "--against=--output=x")

    assert done.returncode == 2
    assert "'--output=x' is no commit of this repository" in done.stderr
    assert done.stdout == ""


def test_an_earlier_commit_is_unpacked_and_removed(a_commit: str) -> None:
    with checked_out(a_commit) as folder:
        assert (folder / "app.py").is_file()

    assert not folder.exists()
    with pytest.raises(UnknownCommit), checked_out("no-such-branch"):
        pass


def test_the_table_has_all_rows_and_says_what_a_commit_could_not_do() -> None:
    today = Version("today", ROOT)
    earlier = Version("abcdef0123", ROOT / "tests")

    def cannot() -> Samples:
        raise RuntimeError("GET /api/dags answered 404")

    for row in ROWS:
        today.measure([row], lambda row=row: {row: Sample(0.4, {"tasks_per_s": 400.0})})  # type: ignore[misc]
    earlier.measure([FANOUT], lambda: {FANOUT: Sample(0.12, {"tasks_per_s": 88.0})})
    earlier.measure([FIRST_ANSWER], cannot)

    lines = list(table([earlier, today]))
    rows = as_json([earlier, today])
    assert lines[0] == "| what | abcdef0123 | today | reach | moonshot |"
    assert len(lines) == 2 + len(ROWS)
    assert lines[2] == "| fan-out of 500 / four plain threads | 0.12 | 0.4 | 0.3 | 0.5 |"
    assert lines[6].split(" | ")[1:3] == ["not measured", "0.4"]
    today_notes = {"tasks_per_s": 400.0}
    assert rows[0]["notes"] == {
        "abcdef0123": {"tasks_per_s": 88.0},
        "today": today_notes,
    }
    assert rows[4]["not_measured"] == {"abcdef0123": "RuntimeError: GET /api/dags answered 404"}
    assert rows[0]["reached"] and not rows[1]["ratios"]["abcdef0123"]
    assert json.loads(json.dumps(rounded(rows)))


def test_todays_own_error_is_raised_instead_of_leaving_a_row_empty() -> None:
    def cannot() -> Samples:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        Version("today", ROOT).measure([FANOUT], cannot)
