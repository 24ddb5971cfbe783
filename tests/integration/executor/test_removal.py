"""What a command leaves behind is removed, after its result was sent and whatever it is."""

from __future__ import annotations

import math
import resource
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from chalicelib.executor import cleanup
from chalicelib.executor.cleanup import BackgroundCleaner, Cleaner, NotNow, Removal
from chalicelib.ports import OutgoingMessage
from tests.integration.executor.bench_of_one import Bench, utc_now
from tests.support.fakes import FakeQueue
from tests.support.waiting import eventually

NEVER = math.inf

DEEP = """python3 -c '
import os
for _ in range(1500):
    os.mkdir("d"); os.chdir("d")
open("file", "w").close()'"""
LEFT = {
    "folders nested 1,500 deep": DEEP,
    "folders without permissions": "mkdir -p a/b/c; touch a/b/c/f; chmod 000 a/b/c a/b a",
    "a folder that cannot be written to": "mkdir a; touch a/f; chmod 500 a; chmod 500 .",
    "names that are no UTF-8": "touch $'\\xff\\xfe'; mkdir $'\\xfd'; touch $'\\xfd/\\xfc'",
    "names of any kind": "mkdir -- -rf ' ' $'a\\nb'; touch -- -rf/-i '*'",
    "very many files": "mkdir a; cd a; seq 3000 | xargs touch; mkdir $(seq 3001 3200)",
    "links": "ln -s / root; ln -s . here; ln -s nowhere gone; ln /proc/self/x y; mkfifo pipe; true",
    "a file in use": "exec 9> held; sleep 0.1",
    "something in the place of its folder": "cd ..; rm -rf work; ln -s /usr work",
    "something in the place of its output file": "rm $DAG_OUTPUT; mkdir -p $DAG_OUTPUT/a",
}


@pytest.fixture(autouse=True)
def own_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder that workspaces are made in."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    subprocess.run(["chmod", "-R", "u+rwx", folder], check=True)


@pytest.mark.parametrize("command", LEFT.values(), ids=LEFT.keys())
def test_whatever_a_command_leaves_its_result_is_sent_and_nothing_stays(
    own_tmp: Path, command: str
) -> None:
    result = Bench().run(command)
    assert result.outcome in ("success", "failed")
    assert "internal error" not in result.reason
    assert list(own_tmp.iterdir()) == []
    assert Path("/usr/bin").is_dir()


class Watching(FakeQueue):
    """Notes what `look` sees at each send."""

    def __init__(self, look: Callable[[], object]) -> None:
        super().__init__(utc_now)
        self.look = look
        self.seen: list[object] = []

    def send(self, messages: Sequence[OutgoingMessage]) -> None:
        super().send(messages)
        self.seen.append(self.look())


def test_a_result_is_sent_before_a_tree_is_removed(own_tmp: Path) -> None:
    queue = Watching(lambda: len(list(own_tmp.rglob("file"))))
    Bench(results=queue).run("mkdir a; touch a/file")
    assert queue.seen == [1]
    assert list(own_tmp.iterdir()) == []


def tree(root: Path, files: int = 3) -> str:
    (root / "a" / "b").mkdir(parents=True)
    for number in range(files):
        (root / "a" / "b" / str(number)).touch()
    return str(root)


def test_a_removal_that_ran_out_of_time_goes_on_where_it_ended(tmp_path: Path) -> None:
    removal = Removal(tree(tmp_path / "root"))
    with pytest.raises(NotNow):
        removal.run(0.0)
    assert not (tmp_path / "root").exists()
    removal.run(NEVER)
    assert list(tmp_path.iterdir()) == [tmp_path / "tmp"]


def test_what_there_was_no_time_for_is_removed_the_next_time(tmp_path: Path) -> None:
    cleaner = Cleaner()
    cleaner.later(tree(tmp_path / "root"))
    cleaner.clean(0.0)
    assert len(list(tmp_path.iterdir())) == 2
    cleaner.clean(NEVER)
    assert list(tmp_path.iterdir()) == [tmp_path / "tmp"]


def test_few_files_are_open_at_any_depth(tmp_path: Path) -> None:
    subprocess.run(["bash", "-c", f"mkdir {tmp_path}/root; cd {tmp_path}/root; {DEEP}"], check=True)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = max(int(path.name) for path in Path("/proc/self/fd").iterdir()) + 5
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    try:
        Removal(str(tmp_path / "root")).run(NEVER)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert list(tmp_path.iterdir()) == [tmp_path / "tmp"]


def test_one_that_cannot_be_removed_stops_no_other(tmp_path: Path) -> None:
    cleaner = Cleaner()
    cleaner.later(str(tmp_path / "never was"))
    cleaner.later(tree(tmp_path / "root"))
    cleaner.clean(NEVER)
    assert list(tmp_path.iterdir()) == [tmp_path / "tmp"]


def test_what_can_be_removed_goes_where_something_cannot(tmp_path: Path) -> None:
    root, mount, other = (
        Path(tree(tmp_path / "root")),
        tmp_path / "root/a/mount",
        tmp_path / "other",
    )
    for folder in (mount, other):
        folder.mkdir()
    (other / "kept").touch()
    if subprocess.run(["mount", "--bind", other, mount], check=False).returncode:
        pytest.skip("mounting takes root")
    try:
        with pytest.raises(OSError, match="busy"):
            Removal(str(root)).run(NEVER)
        assert not list(tmp_path.rglob("b"))
        assert (other / "kept").exists()
    finally:
        subprocess.run(["umount", *tmp_path.rglob("mount")], check=True)


def test_while_files_keep_appearing_it_ends_all_the_same(own_tmp: Path) -> None:
    stop = own_tmp.parent / "stop"
    # It leaves its session, so that nothing ends it with its command.
    writer = f"while [ ! -e {stop} ]; do for i in 1 2 3 4 5 6 7 8 9; do : > f$RANDOM; done; done"
    result = Bench().run(f"mkdir a; cd a; setsid bash -c '{writer}' > /dev/null 2>&1 & sleep 0.1")
    stop.touch()
    assert result.outcome == "success"


def test_in_the_background_all_is_removed_while_other_commands_run(own_tmp: Path) -> None:
    bench = Bench(cleaner=BackgroundCleaner())
    for command in ("true", "mkdir a; touch a/b", "#!/bin/sh\ntrue\n"):
        assert bench.run(command).outcome == "success"
    eventually(lambda: list(own_tmp.iterdir()) == [])


def test_what_waits_for_the_background_is_bounded_and_removed_at_the_end(tmp_path: Path) -> None:
    cleaner = BackgroundCleaner()
    roots = [tmp_path / str(number) for number in range(2 * cleanup.MOST_WAITING)]
    for root in roots:
        (root / "work").mkdir(parents=True)
        cleaner.remove(str(root), folder="work", file="output")
        assert len(cleaner._folders) <= cleanup.MOST_WAITING
    cleaner.close()
    eventually(lambda: not any(root.exists() for root in roots))
