"""The files beside the DAG files of the local folder: which are copied, and which are refused."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from chalicelib.errors import UnreadableObject
from chalicelib.local.dags_folder import DagsFolder, FolderedBucket
from chalicelib.local.in_process_bucket import InProcessBucket
from chalicelib.scheduler.file_match import patterns_in
from tests.support.fakes import FakeBucket

DAG = "name: D\nfiles: {}\ntasks: [{{id: t, command: x}}]"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "dags"
    folder.mkdir()
    return folder


@pytest.fixture
def bucket() -> FakeBucket:
    return FakeBucket()


def follow(folder: Path, bucket: FakeBucket | InProcessBucket) -> DagsFolder:
    return DagsFolder(folder, bucket, folder.parent / "copied.json", patterns_in)


def write(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def want(folder: Path, files: str, name: str = "d.yaml") -> None:
    write(folder, name)
    (folder / name).write_text(DAG.format(files))


def test_what_a_dag_file_wants_is_copied_before_it_and_nothing_else(
    folder: Path, bucket: FakeBucket
) -> None:
    write(folder, "s/a b.py", "s/é.py", "s/x.txt", "s/deep/c.py", "sql/.h/q.sql", ".top", "no")
    write(folder, ".git/config", "team/s/other.py")
    want(folder, "[s/*.py, sql/, .top]")
    copied = follow(folder, bucket).copy_changes()
    assert copied[-1] == "d.yaml"
    assert set(copied) == {"s/a b.py", "s/é.py", "sql/.h/q.sql", ".top", "d.yaml"}


def test_changes_are_followed(folder: Path, bucket: FakeBucket) -> None:
    write(folder, "s/a")
    want(folder, "[s/]")
    following = follow(folder, bucket)
    following.copy_changes()
    assert following.copy_changes() == []
    write(folder, "s/b")
    (folder / "s/a").write_text("changed")
    assert following.copy_changes() == ["s/a", "s/b"]
    (folder / "s/a").unlink()
    assert following.copy_changes() == ["s/a"]
    (folder / "d.yaml").unlink()
    assert set(following.copy_changes()) == {"d.yaml", "s/b"}
    assert bucket.objects == {}


def test_a_dag_file_that_is_broken_for_now_keeps_its_files(
    folder: Path, bucket: FakeBucket
) -> None:
    write(folder, "s/a")
    want(folder, "[s/]")
    following = follow(folder, bucket)
    following.copy_changes()
    (folder / "d.yaml").write_text("name: D\nfiles: [s/]\ntasks: [")
    assert following.copy_changes() == ["d.yaml"]
    assert "s/a" in bucket.objects


def test_a_file_that_becomes_executable_is_copied_again(folder: Path, bucket: FakeBucket) -> None:
    write(folder, "run")
    want(folder, "run")
    following = follow(folder, bucket)
    following.copy_changes()
    assert bucket.metadata == {}
    (folder / "run").chmod(0o755)
    assert following.copy_changes() == ["run"]
    assert bucket.metadata == {"run": {"mode": "0755"}}
    assert follow(folder, bucket).copy_changes() == []  # after a restart, too


def test_links_within_the_folder_are_followed(folder: Path, bucket: FakeBucket) -> None:
    write(folder, "shared/a.sql", "shared/deep/b.sql")
    (folder / "team").mkdir()
    (folder / "team/sql").symlink_to("../shared")
    (folder / "team/c.sql").symlink_to("../shared/a.sql")
    (folder / "shared/deep/up").symlink_to("..")  # a loop
    want(folder, "[sql/, c.sql]", "team/d.yaml")
    follow(folder, bucket).copy_changes()
    assert bucket.objects["team/sql/a.sql"] == bucket.objects["team/c.sql"] == b"shared/a.sql"
    assert set(bucket.objects) == {
        "team/sql/a.sql",
        "team/sql/deep/b.sql",
        "team/c.sql",
        "team/d.yaml",
    }


def outside_file(folder: Path) -> None:
    write(folder.parent, "secret")
    (folder / "s").mkdir()
    (folder / "s/a").symlink_to("../../secret")


def outside_folder(folder: Path) -> None:
    write(folder.parent, "elsewhere/a")
    (folder / "s").symlink_to("../elsewhere")


def outside_by_a_chain(folder: Path) -> None:
    write(folder.parent, "secret")
    (folder / "s").mkdir()
    (folder / "hop").symlink_to("../secret")
    (folder / "s/a").symlink_to("../hop")


def pipe(folder: Path) -> None:
    (folder / "s").mkdir()
    os.mkfifo(folder / "s/a")


def dangling(folder: Path) -> None:
    (folder / "s").mkdir()
    (folder / "s/a").symlink_to("nothing")


def too_large(folder: Path) -> None:
    write(folder, "s/a")
    with (folder / "s/a").open("r+b") as file:
        file.truncate(50 * 1024 * 1024 + 1)


@pytest.mark.parametrize(
    ("make", "files", "key", "words"),
    [
        (outside_file, "[s/]", "s/a", "lies outside"),
        (outside_file, "[s/a]", "s/a", "lies outside"),
        (outside_by_a_chain, "[s/*]", "s/a", "lies outside"),
        (outside_folder, "[s/]", "s/*", "lies outside"),
        (outside_folder, "[s/a]", "s/a", "lies outside"),
        (outside_folder, "['s/*.sql']", "s/*.sql", "lies outside"),
        (pipe, "[s/]", "s/a", "a named pipe"),
        (dangling, "[s/]", "s/a", "a symbolic link to nothing"),
        (too_large, "[s/]", "s/a", "larger than 52428800 bytes"),
    ],
)
def test_what_cannot_be_brought_along_is_named(
    folder: Path,
    bucket: FakeBucket,
    make: Callable[[Path], None],
    files: str,
    key: str,
    words: str,
) -> None:
    make(folder)
    want(folder, files)
    following = follow(folder, bucket)
    following.copy_changes()
    assert set(bucket.objects) == {"d.yaml"}
    seen = FolderedBucket(bucket, following)
    assert [row.key for row in seen.list("s")] == [key]
    with pytest.raises(UnreadableObject, match=words):
        seen.get(key)
