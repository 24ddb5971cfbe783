"""Files that a command may have replaced by anything."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chalicelib.fargate.shared_files import create_shared, read_shared, replace_shared


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text("a secret")
    return path


def test_no_link_is_read(secret: Path) -> None:
    link = secret.with_name("link")
    link.symlink_to(secret)
    with pytest.raises(OSError, match="link"):
        read_shared(link)


def test_a_pipe_makes_nobody_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="no regular file"):
        read_shared(tmp_path / "pipe")


def test_what_is_there_is_not_written_to(secret: Path) -> None:
    link = secret.with_name("link")
    link.symlink_to(secret)
    for path in (secret, link):
        with pytest.raises(FileExistsError):
            create_shared(path, "other")
    assert secret.read_text() == "a secret"


def test_a_link_is_replaced_and_what_it_leads_to_stays(secret: Path) -> None:
    link = secret.with_name("link")
    link.symlink_to(secret)
    replace_shared(link, "new")
    assert (link.is_symlink(), link.read_text(), secret.read_text()) == (False, "new", "a secret")


def test_only_the_beginning_of_a_long_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "long").write_text("x" * 100_000)
    assert len(read_shared(tmp_path / "long")) == 4096
