"""The folder of DAG files and the copy of the dags bucket on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib.local import events
from chalicelib.local.dags_bucket import PersistentBucket
from chalicelib.local.dags_folder import LARGEST, DagsFolder
from tests.support.fakes import FakeBucket


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "dags"
    folder.mkdir()
    return folder


@pytest.fixture
def bucket() -> FakeBucket:
    return FakeBucket()


def follow(folder: Path, bucket: FakeBucket) -> DagsFolder:
    """Follow the folder as a process that has just started."""
    return DagsFolder(folder, bucket, folder.parent / "copied.json")


def test_yaml_files_are_copied_and_others_are_not(folder: Path, bucket: FakeBucket) -> None:
    (folder / "team").mkdir()
    (folder / ".git").mkdir()
    for name in ("a.yaml", "b.yml", "team/c.yaml", "notes.txt", ".d.yaml", ".git/e.yaml"):
        (folder / name).write_text(name)
    assert follow(folder, bucket).copy_changes() == ["a.yaml", "b.yml", "team/c.yaml"]
    assert bucket.objects["team/c.yaml"] == b"team/c.yaml"


def test_only_changes_are_copied(folder: Path, bucket: FakeBucket) -> None:
    (folder / "a.yaml").write_text("one")
    following = follow(folder, bucket)
    following.copy_changes()
    assert following.copy_changes() == []
    (folder / "a.yaml").write_text("two")
    assert following.copy_changes() == ["a.yaml"]
    assert bucket.objects == {"a.yaml": b"two"}
    assert bucket.puts == 2


def test_a_file_that_was_only_touched_is_not_copied(folder: Path, bucket: FakeBucket) -> None:
    (folder / "a.yaml").write_text("one")
    following = follow(folder, bucket)
    following.copy_changes()
    (folder / "a.yaml").touch()
    assert following.copy_changes() == []
    assert bucket.puts == 1


def test_a_file_that_vanished_while_nobody_followed_is_removed(
    folder: Path, bucket: FakeBucket
) -> None:
    (folder / "a.yaml").write_text("one")
    follow(folder, bucket).copy_changes()
    (folder / "a.yaml").unlink()
    assert follow(folder, bucket).copy_changes() == ["a.yaml"]
    assert bucket.objects == {}


def test_what_was_uploaded_survives_a_restart(folder: Path, bucket: FakeBucket) -> None:
    (folder / "a.yaml").write_text("from the folder")
    follow(folder, bucket).copy_changes()
    bucket.put("a.yaml", b"uploaded over it")
    bucket.put("own.yaml", b"uploaded")
    assert follow(folder, bucket).copy_changes() == []
    assert bucket.objects == {"a.yaml": b"uploaded over it", "own.yaml": b"uploaded"}


def test_an_upload_over_a_copy_survives_the_files_removal(folder: Path, bucket: FakeBucket) -> None:
    (folder / "a.yaml").write_text("from the folder")
    following = follow(folder, bucket)
    following.copy_changes()
    bucket.put("a.yaml", b"uploaded over it")
    (folder / "a.yaml").unlink()
    following.copy_changes()
    assert bucket.objects == {"a.yaml": b"uploaded over it"}


def test_what_was_removed_from_the_bucket_stays_removed_until_the_file_changes(
    folder: Path, bucket: FakeBucket
) -> None:
    (folder / "a.yaml").write_text("one")
    follow(folder, bucket).copy_changes()
    bucket.delete(["a.yaml"])
    following = follow(folder, bucket)
    assert following.copy_changes() == []
    (folder / "a.yaml").write_text("two!")
    assert following.copy_changes() == ["a.yaml"]


def test_a_damaged_memory_is_begun_anew(folder: Path, bucket: FakeBucket) -> None:
    (folder / "a.yaml").write_text("one")
    (folder.parent / "copied.json").write_text("[1, 2")
    assert follow(folder, bucket).copy_changes() == ["a.yaml"]


def test_a_file_that_cannot_be_copied_is_named_once_and_hinders_no_other(
    folder: Path, bucket: FakeBucket, caplog: pytest.LogCaptureFixture
) -> None:
    with (folder / "large.yaml").open("wb") as file:
        file.truncate(LARGEST + 1)
    (folder / "c.yaml").write_text("fine")
    following = follow(folder, bucket)
    with caplog.at_level("WARNING", logger="orchestrator"):
        assert following.copy_changes() == ["c.yaml"]
        assert following.copy_changes() == []
    (line,) = caplog.messages
    assert "large.yaml" in line


def created(key: str) -> events.Event:
    return events.bucket_event("dags", key, created=True)


def test_the_bucket_is_on_disk_before_an_event_is_passed_on(
    tmp_path: Path, bucket: FakeBucket
) -> None:
    kept = PersistentBucket("dags", bucket, tmp_path / "kept")
    bucket.put("a b+c.yaml", b"one")
    kept.keep(created("a b+c.yaml"))
    after_a_restart = FakeBucket()
    restored = PersistentBucket("dags", after_a_restart, tmp_path / "kept").restore()
    assert after_a_restart.objects == {"a b+c.yaml": b"one"}
    assert [events.key_of_record(event["Records"][0]) for event in restored] == ["a b+c.yaml"]


def test_the_copy_is_as_the_bucket_is_whatever_the_event_says(
    tmp_path: Path, bucket: FakeBucket
) -> None:
    kept = PersistentBucket("dags", bucket, tmp_path / "kept")
    bucket.put("a.yaml", b"one")
    kept.keep(created("a.yaml"))
    bucket.delete(["a.yaml"])
    kept.keep(created("a.yaml"))
    assert PersistentBucket("dags", FakeBucket(), tmp_path / "kept").restore() == []
