"""The state folder, its lock, and the end of commands that were left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.executor import orphans
from chalicelib.local import home as homes
from chalicelib.local.startup_error import StartupError
from tests.support.waiting import HANG_SECONDS, eventually

ELSEWHERE = Path("/project")


def test_the_home_is_the_setting_or_lies_in_the_xdg_state_folder() -> None:
    assert homes.choose("/somewhere", {"XDG_STATE_HOME": "/xdg"}) == Path("/somewhere")
    assert homes.choose("~/here", {}) == Path.home() / "here"
    assert homes.choose("", {"XDG_STATE_HOME": "/xdg"}) == Path("/xdg/orchestrator")
    default = Path.home() / ".local/state/orchestrator"
    assert homes.choose("", {"XDG_STATE_HOME": "relative"}) == default


def test_a_home_has_one_owner_and_one_identity(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    first = homes.take(folder, ELSEWHERE)
    with pytest.raises(StartupError, match=f"process {os.getpid()}"):
        homes.take(folder, ELSEWHERE)
    first.lock.close()
    second = homes.take(folder, ELSEWHERE)
    assert second.identity == first.identity
    second.lock.close()


def test_a_home_below_the_project_is_refused_through_a_link_too(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (tmp_path / "link").symlink_to(project)
    with pytest.raises(StartupError, match="inside the project folder"):
        homes.take(tmp_path / "link" / "state", project)


@pytest.fixture
def sleepers() -> Iterator[list[subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        process.kill()
        process.wait()


def sleep(mark: str | None, first: str = ":") -> subprocess.Popen[bytes]:
    environ = {**os.environ, **({} if mark is None else {orphans.MARK: mark})}
    script = f"{first}; echo ready; while true; do sleep 0.05; done"
    process = subprocess.Popen(
        ["bash", "-c", script], env=environ, start_new_session=True, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def test_what_bears_the_mark_is_stopped_and_nothing_else(
    sleepers: list[subprocess.Popen[bytes]],
) -> None:
    ours, theirs, unmarked = sleep("home1:7"), sleep("home2:7"), sleep(None)
    sleepers += [ours, theirs, unmarked]
    assert orphans.kill_orphans(lambda mark: mark.startswith("home1:")) >= 1
    assert ours.wait(HANG_SECONDS) != 0
    assert theirs.poll() is None
    assert unmarked.poll() is None


def test_one_that_resists_is_killed(sleepers: list[subprocess.Popen[bytes]]) -> None:
    process = sleep("home3:7", "trap '' TERM")
    sleepers.append(process)
    orphans.kill_orphans(lambda mark: mark == "home3:7", grace=0.2)
    assert process.wait(HANG_SECONDS) == -9


OWNER = """
import sys
from chalicelib.executor import orphans
watcher = orphans.start_watcher(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
"""


def test_the_commands_of_a_process_that_was_killed_end_soon_after(
    sleepers: list[subprocess.Popen[bytes]],
) -> None:
    command = sleep("home4:7")
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, "home4:7"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    sleepers += [command, owner]
    assert owner.stdout is not None
    assert owner.stdout.readline() == b"ready\n"
    assert command.poll() is None
    owner.kill()
    eventually(lambda: command.poll() is not None)
