"""One odd entry of the folder of DAG files is named, and stops no other one."""

from __future__ import annotations

import os
import re
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from chalicelib.errors import UnreadableObject
from chalicelib.local import folder_scan
from chalicelib.local.dags_folder import DagsFolder, FolderedBucket
from tests.support.fakes import FakeBucket

NAME = "m-odd.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "dags"
    folder.mkdir()
    for name in ("a.yaml", "z.yaml"):
        (folder / name).write_text(name)
    return folder


@pytest.fixture
def bucket() -> FakeBucket:
    return FakeBucket()


@pytest.fixture
def following(folder: Path, bucket: FakeBucket) -> DagsFolder:
    return DagsFolder(folder, bucket, folder.parent / "copied.json")


def pipe(folder: Path) -> None:
    os.mkfifo(folder / NAME)


def unix_socket(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(folder / NAME))


def link_to(target: str) -> Callable[[Path], None]:
    return lambda folder: (folder / NAME).symlink_to(target)


def link_to_a_pipe(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    (folder / NAME).symlink_to("pipe")


def not_utf_8(folder: Path) -> None:
    path = os.fsencode(folder) + b"/m-pr\xfcfung.yaml"
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY))


def below_a_name_that_is_not_utf_8(folder: Path) -> None:
    below = os.fsencode(folder) + b"/\xff\xfe"
    Path(os.fsdecode(below)).mkdir()
    os.close(os.open(below + b"/m.yaml", os.O_CREAT | os.O_WRONLY))


def too_long_a_path(folder: Path) -> None:
    below = folder.joinpath(*["d" * 250] * 4, "e" * 30)
    below.mkdir(parents=True)
    (below / "m.yaml").write_text("x")


def too_large(folder: Path) -> None:
    with (folder / NAME).open("wb") as file:
        file.truncate(folder_scan.LARGEST + 1)


def endless(folder: Path) -> None:
    """A file of the kernel's, which says that it is empty, and cannot be read."""
    (folder / NAME).symlink_to("/proc/self/mem")


ODD: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "a named pipe": (pipe, NAME, "a named pipe"),
    "a socket": (unix_socket, NAME, "a socket"),
    "a link to a device": (link_to("/dev/zero"), NAME, "a device"),
    "a link to a terminal": (link_to("/dev/ptmx"), NAME, "a device"),
    "a link to nothing": (link_to("nothing"), NAME, "a symbolic link to nothing"),
    "a link below a file": (link_to("a.yaml/x"), NAME, "a symbolic link to nothing"),
    "a link to itself": (link_to(NAME), NAME, "a loop of symbolic links"),
    "a link to a pipe": (link_to_a_pipe, NAME, "a named pipe"),
    "a name that is not UTF-8": (not_utf_8, "m-pr\\xfcfung.yaml", "not UTF-8; rename"),
    "a folder's name that is not": (
        below_a_name_that_is_not_utf_8,
        "\\xff\\xfe/m.yaml",
        "not UTF-8",
    ),
    "a path too long for a key": (
        too_long_a_path,
        f"{'d' * 250}/" * 4 + f"{'e' * 30}/m.yaml",
        "has 1041 bytes",
    ),
    "a file that is too large": (too_large, NAME, "is larger than"),
    "a file that cannot be read": (endless, NAME, "cannot be read"),
}


@pytest.mark.parametrize("what", ODD)
def test_an_odd_entry_is_named_and_the_others_are_followed(
    folder: Path,
    bucket: FakeBucket,
    following: DagsFolder,
    caplog: pytest.LogCaptureFixture,
    what: str,
) -> None:
    make, key, words = ODD[what]
    make(folder)
    told: list[str] = []
    following.on_complaint = told.append
    assert following.copy_changes() == ["a.yaml", "z.yaml"]
    (folder / "z.yaml").write_text("changed")
    assert following.copy_changes() == ["z.yaml"]
    assert bucket.objects == {"a.yaml": b"a.yaml", "z.yaml": b"changed"}
    assert told == [key]
    assert len(caplog.messages) == 1
    seen = FolderedBucket(bucket, following)
    with pytest.raises(UnreadableObject, match=re.escape(words)) as caught:
        seen.get(key)
    assert [row.etag for row in seen.list("") if row.key == key] == [caught.value.etag]


@pytest.mark.parametrize("what", [w for w in ODD if ODD[w][1] == NAME])
def test_what_is_made_a_proper_file_again_is_copied_and_its_complaint_ends(
    folder: Path, bucket: FakeBucket, following: DagsFolder, what: str
) -> None:
    (folder / NAME).write_text("good")
    following.copy_changes()
    (folder / NAME).unlink()
    ODD[what][0](folder)
    told: list[str] = []
    following.on_complaint = told.append
    assert following.copy_changes() == []
    assert bucket.objects[NAME] == b"good"  # the last good one stays
    (folder / NAME).unlink()
    (folder / NAME).write_text("good")
    assert following.copy_changes() == []
    assert told == [NAME, NAME]
    assert following.complaints() == []
    (folder / NAME).write_text("better")
    assert following.copy_changes() == [NAME]


def test_a_complaint_ends_with_its_entry(folder: Path, following: DagsFolder) -> None:
    pipe(folder)
    following.copy_changes()
    told: list[str] = []
    following.on_complaint = told.append
    (folder / NAME).unlink()
    following.copy_changes()
    assert (told, following.complaints()) == ([NAME], [])


def test_a_real_file_takes_the_name_under_which_an_odd_one_is_shown(
    folder: Path, bucket: FakeBucket, following: DagsFolder
) -> None:
    not_utf_8(folder)
    (folder / "m-pr\\xfcfung.yaml").write_text("real")
    following.copy_changes()
    assert bucket.objects["m-pr\\xfcfung.yaml"] == b"real"


@pytest.mark.parametrize("name", ["a b.yaml", "\u00fc\U0001f600.yaml", "a\nb.yaml", "%41+.yaml"])
def test_an_unusual_name_is_a_key_like_any_other(
    folder: Path, bucket: FakeBucket, following: DagsFolder, name: str
) -> None:
    (folder / name).write_text("x")
    assert name in following.copy_changes()
    assert following.complaints() == []


def test_a_folder_by_the_name_of_a_file_is_a_folder(
    folder: Path, bucket: FakeBucket, following: DagsFolder
) -> None:
    (folder / "x.yaml").mkdir()
    (folder / "x.yaml" / "y.yaml").write_text("y")
    assert "x.yaml/y.yaml" in following.copy_changes()
    assert following.complaints() == []


def test_an_upload_over_an_odd_entry_is_what_counts(
    folder: Path, bucket: FakeBucket, following: DagsFolder
) -> None:
    pipe(folder)
    following.copy_changes()
    seen = FolderedBucket(bucket, following)
    seen.put(NAME, b"uploaded")
    found = seen.get(NAME)
    assert found is not None
    assert found.body == b"uploaded"
    assert "unreadable" not in str(seen.list(NAME))


def test_a_file_that_is_replaced_by_a_pipe_after_it_was_listed_holds_nobody_up(
    folder: Path,
) -> None:
    entry = folder_scan.scan(folder).entries["a.yaml"]
    entry.path.unlink()
    os.mkfifo(entry.path)
    with pytest.raises(folder_scan.Odd, match="a named pipe"):
        folder_scan.read_file(entry.path)


def test_files_that_come_and_go_all_the_time_stop_nothing(
    folder: Path, bucket: FakeBucket, following: DagsFolder
) -> None:
    done = threading.Event()

    def churn() -> None:
        path = folder / NAME
        while not done.is_set():
            for make in (pipe, link_to("nothing"), lambda _: path.write_text("x")):
                with suppress(FileNotFoundError):
                    path.unlink()
                make(folder)

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for number in range(200):
            (folder / "z.yaml").write_text(str(number) * 9)
            assert "z.yaml" in following.copy_changes()
    finally:
        done.set()
        thread.join()


def unlistable(monkeypatch: pytest.MonkeyPatch, path: Path, number: int) -> None:
    """A folder that cannot be listed, as another user's or on a failing disk; root may list any
    other."""
    real = os.scandir

    def scandir(asked: Path) -> object:
        if Path(asked) == path:
            raise OSError(number, os.strerror(number), str(asked))
        return real(asked)

    monkeypatch.setattr(os, "scandir", scandir)


@pytest.mark.parametrize("error", ["EACCES", "EIO", "ESTALE"])
@pytest.mark.parametrize("below", ["", "team"])
def test_what_lies_in_a_folder_that_cannot_be_listed_stays(
    folder: Path,
    bucket: FakeBucket,
    following: DagsFolder,
    monkeypatch: pytest.MonkeyPatch,
    error: str,
    below: str,
) -> None:
    import errno

    (folder / "team").mkdir()
    (folder / "team" / "t.yaml").write_text("t")
    following.copy_changes()
    unlistable(monkeypatch, folder / below, getattr(errno, error))
    (folder / "z.yaml").unlink()
    assert following.copy_changes() == (["z.yaml"] if below else [])
    assert bucket.objects["team/t.yaml"] == b"t"
    assert following.complaints() == [f"{below}/*.yaml" if below else "*.yaml"]
    monkeypatch.undo()
    (folder / "team" / "t.yaml").unlink()
    assert "team/t.yaml" in following.copy_changes()
    assert following.complaints() == []


def test_a_folder_that_is_away_takes_nothing_with_it(
    folder: Path, bucket: FakeBucket, following: DagsFolder
) -> None:
    following.copy_changes()
    folder.rename(folder.parent / "away")
    assert following.copy_changes() == []
    assert set(bucket.objects) == {"a.yaml", "z.yaml"}
    assert following.complaints() == ["*.yaml"]


class Refusing(FakeBucket):
    """Takes everything but one key."""

    def put(self, key: str, body: bytes) -> None:
        if key == "a.yaml":
            raise ZeroDivisionError("nobody foresaw this")
        super().put(key, body)


def test_an_error_that_nobody_foresaw_is_that_one_files(folder: Path) -> None:
    bucket = Refusing()
    following = DagsFolder(folder, bucket, folder.parent / "copied.json")
    assert following.copy_changes() == ["z.yaml"]
    assert following.complaints() == ["a.yaml"]


def test_a_memory_that_cannot_be_written_stops_nothing(
    folder: Path, bucket: FakeBucket, caplog: pytest.LogCaptureFixture
) -> None:
    following = DagsFolder(folder, bucket, folder.parent / "nowhere" / "copied.json")
    assert following.copy_changes() == ["a.yaml", "z.yaml"]
    assert "not remembered" in caplog.text
