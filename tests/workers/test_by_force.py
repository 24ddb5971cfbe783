"""The short form of `python -m tests.workers`, which goes on for ten minutes."""

from __future__ import annotations

from pathlib import Path

from tests.workers.force import Force

ACTIONS = 7


def test_nothing_starts_twice_and_every_run_ends_whatever_is_killed_or_cut(tmp_path: Path) -> None:
    report = Force(tmp_path, seed=13).run(lambda actions: actions >= ACTIONS)
    assert report.is_good, report
