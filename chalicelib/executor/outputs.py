"""What a command hands on: the file in $DAG_OUTPUT, as `name=value` lines and `name<<MARK` blocks.

A value that is valid JSON is taken as JSON, everything else as text. So that no text changes on
its way to the next task, a number stays text where JSON would write it differently (`1.10`, `007`).
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Sequence
from typing import Any

from chalicelib.executor.masking import Mask

LIMIT_BYTES = 32 * 1024
DEEPEST = 64
"""A JSON value nested deeper than this is kept as text: nothing that reads it may run out of
stack."""
_NAMES_SHOWN = 5
_NAME_LENGTH = 60


class BadOutputs(Exception):
    """The outputs are not what was promised; the text says what is wrong and what to do."""


def collect(path: str, promised: Sequence[str], mask: Mask) -> dict[str, Any]:
    """The outputs in the file `path`, exactly those `promised`, secrets hidden. Raises
    BadOutputs."""
    written = parse(_read(path))
    if missing := [name for name in promised if name not in written]:
        raise BadOutputs(f"the command did not write {_listed(missing)} to $DAG_OUTPUT as promised")
    if extra := [name for name in written if name not in promised]:
        raise BadOutputs(
            f"the command wrote {_listed(extra)} to $DAG_OUTPUT: add the name to the task's"
            " `outputs`, or do not write it"
        )
    return {name: mask.hide(text) for name, text in written.items()}


def parse(data: bytes) -> dict[str, str]:
    """The texts by name; of a name written twice the last. Raises BadOutputs."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise BadOutputs("$DAG_OUTPUT is not UTF-8 text; encode binary values first") from None
    if "\0" in text:
        raise BadOutputs("$DAG_OUTPUT holds a NUL byte, which no environment variable can carry")
    lines = iter(enumerate(text.split("\n"), start=1))
    return dict(_entry(number, line, lines) for number, line in lines if line)


def value_of(text: str) -> Any:
    """`text` as JSON if it is JSON and would be written again the same, else as it is."""
    try:
        value = json.loads(text, parse_constant=_no_constant)
        again = json.dumps(value, allow_nan=False, ensure_ascii=False)
        again.encode()
    except (ValueError, RecursionError):
        return text
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if (is_number and again != text) or not _is_shallow(value, DEEPEST):
        return text
    return value


def _entry(number: int, line: str, lines: Iterator[tuple[int, str]]) -> tuple[str, str]:
    name, equals, value = line.partition("=")
    before_mark, arrows, mark = line.partition("<<")
    if arrows and len(before_mark) < len(name):
        return before_mark, _block(number, mark, lines)
    if not equals:
        raise BadOutputs(
            f"line {number} of $DAG_OUTPUT is neither `name=value` nor the begin of a block"
            " `name<<EOF`; a value of several lines must be a block"
        )
    return name, value


def _block(number: int, mark: str, lines: Iterator[tuple[int, str]]) -> str:
    held: list[str] = []
    for _, line in lines:
        if line == mark:
            return "\n".join(held)
        held.append(line)
    raise BadOutputs(f"the block in line {number} of $DAG_OUTPUT does not end with its mark")


def _read(path: str) -> bytes:
    # The command may have put anything there: a link to a file that is not its own, a pipe.
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise BadOutputs(f"$DAG_OUTPUT cannot be read: {error.strerror}") from None
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise BadOutputs("$DAG_OUTPUT is no longer a regular file")
        data = os.read(file, LIMIT_BYTES + 1)
    finally:
        os.close(file)
    if len(data) > LIMIT_BYTES:
        raise BadOutputs(
            f"$DAG_OUTPUT is longer than {LIMIT_BYTES // 1024} KiB; put the data into a bucket and"
            " hand on its key"
        )
    return data


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"`{name[:_NAME_LENGTH]}`" for name in names[:_NAMES_SHOWN])
    more = len(names) - _NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _is_shallow(value: Any, depth: int) -> bool:
    if not isinstance(value, list | dict):
        return True
    inner = value.values() if isinstance(value, dict) else value
    return depth > 0 and all(_is_shallow(item, depth - 1) for item in inner)
