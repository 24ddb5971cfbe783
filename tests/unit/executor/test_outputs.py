"""What a command hands on: read exactly, kept to what was promised, and never too much."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.executor.masking import Mask
from chalicelib.executor.outputs import LIMIT_BYTES, BadOutputs, collect, parse

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


def collected(folder: Path, data: bytes, *promised: str, secrets: tuple[str, ...] = ()) -> Any:
    path = folder / "output"
    path.write_bytes(data)
    return collect(str(path), promised, Mask(secrets))


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", {}),
        (b"a=1\n", {"a": "1"}),
        (b"a=1", {"a": "1"}),
        (b"a=\n", {"a": ""}),
        (b"a=b=c<<d\n", {"a": "b=c<<d"}),
        (b"\na=1\n\n\nb=2\n", {"a": "1", "b": "2"}),
        (b"a=1\na=2\n", {"a": "2"}),
        (b"a= x \n", {"a": " x "}),
        (b"a<<EOF\none\n\ntwo=2\nEOF\nb=3\n", {"a": "one\n\ntwo=2", "b": "3"}),
        (b"a<<EOF\nEOF\n", {"a": ""}),
        (b"a<<=\nx\n=\n", {"a": "x"}),
        (b"a<<E\nEE\n E\nE", {"a": "EE\n E"}),
        (b"a=1\r\n\r\nb=\r\n", {"a": "1", "b": ""}),
        (b"a=1\rb\r\r\n", {"a": "1\rb\r"}),
        (b"a<<E\r\none\r\n\r\ntwo\r\nE\r\nb=2\r\n", {"a": "one\n\ntwo", "b": "2"}),
        (b"a<<E\r\none\r\nE", {"a": "one"}),
        (b"a<<E\nGET / HTTP/1.1\r\n\r\nE\n", {"a": "GET / HTTP/1.1\r\n\r"}),
    ],
)
def test_lines_and_blocks_are_read(data: bytes, found: dict[str, str]) -> None:
    assert parse(data) == found


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"a=1\nhello\n", "line 2 of $DAG_OUTPUT is neither"),
        (b"x\na<<EOF\n1\n", "line 1"),
        (b"a<<EOF\n1\n", "the block in line 1 of $DAG_OUTPUT does not end"),
        (b"a=\xff\n", "not UTF-8"),
        (b"a=\0\n", "NUL"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(data: bytes, words: str) -> None:
    with pytest.raises(BadOutputs, match=re.escape(words)):
        parse(data)


@given(TEXTS)
def test_any_text_comes_through_a_block_unchanged(text: str) -> None:
    mark = "EOF-" + "x" * len(text)
    assert parse(f"a<<{mark}\n{text}\n{mark}\n".encode()) == {"a": text}


def test_a_promised_name_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadOutputs, match="did not write `b`, `c` to"):
        collected(tmp_path, b"a=1\n", "a", "b", "c")


def test_a_name_that_was_not_promised_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadOutputs, match=r"wrote `b` to .* add the name to the task's `outputs`"):
        collected(tmp_path, b"a=1\nb=2\n", "a")


def test_many_and_long_names_make_no_long_message(tmp_path: Path) -> None:
    data = b"".join(b"%s%d=\n" % (b"n" * 2000, number) for number in range(12))
    with pytest.raises(BadOutputs) as caught:
        collected(tmp_path, data)
    assert len(str(caught.value)) < 600


def test_32_kib_are_allowed_and_no_byte_more(tmp_path: Path) -> None:
    data = b"a=" + b"x" * (LIMIT_BYTES - 2)
    assert collected(tmp_path, data, "a") == {"a": "x" * (LIMIT_BYTES - 2)}
    with pytest.raises(BadOutputs, match="longer than 32 KiB; put the data into a bucket"):
        collected(tmp_path, data + b"x", "a")


def test_no_file_is_no_output(tmp_path: Path) -> None:
    assert collect(str(tmp_path / "gone"), [], Mask()) == {}


def test_a_link_to_another_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("a=1\n")
    (tmp_path / "output").symlink_to(tmp_path / "other")
    with pytest.raises(BadOutputs, match="cannot be read"):
        collect(str(tmp_path / "output"), ["a"], Mask())


def test_a_pipe_or_folder_in_its_place_does_not_hold_the_executor_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder"):
        with pytest.raises(BadOutputs, match="no longer a regular file"):
            collect(str(tmp_path / name), [], Mask())


def test_a_secret_is_hidden_in_an_output_also_where_json_writes_it_differently(
    tmp_path: Path,
) -> None:
    secret = 'say "hi"'
    data = f'a={secret}\nb={json.dumps([secret])}\nc={{"n": 12.50}}\n'.encode()
    found = collected(tmp_path, data, "a", "b", "c", secrets=(secret, "12.50"))
    assert found == {"a": "***", "b": '["***"]', "c": '{"n": ***}'}


def test_a_secret_is_hidden_before_a_name_is_cut(tmp_path: Path) -> None:
    secret = "s3cr3t-" + "x" * 70
    with pytest.raises(BadOutputs) as caught:
        collected(tmp_path, f"{secret}=1\n".encode(), secrets=(secret,))
    assert "s3cr3t" not in str(caught.value)


@given(secret=TEXTS.filter(lambda text: len(text.strip()) > 3 and "*" not in text))
def test_any_secret_is_hidden_in_an_output(
    tmp_path_factory: pytest.TempPathFactory, secret: str
) -> None:
    folder = tmp_path_factory.mktemp("outputs")
    data = f"a<<E-O-F\nx{secret}y\nE-O-F\nb={json.dumps([secret])}\n".encode()
    found = collected(folder, data, "a", "b", secrets=(secret,))
    assert secret.strip() not in found["a"]
    assert secret.strip() not in json.loads(found["b"])[0]
