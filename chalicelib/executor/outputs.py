"""What a command hands on: the file in $DAG_OUTPUT, as `name=value` lines and `name<<MARK` blocks.

Every value is the text that the command wrote. Whoever asks for a part of it reads it as JSON then.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence

from chalicelib.executor.masking import Mask

LIMIT_BYTES = 32 * 1024
_NAMES_SHOWN = 5
_NAME_LENGTH = 60


class BadOutputs(Exception):
    """The outputs are not what was promised; the text says what is wrong and what to do."""


def collect(path: str, promised: Sequence[str], mask: Mask) -> dict[str, str]:
    """The outputs in the file `path`, exactly those `promised`, secrets hidden. Raises
    BadOutputs."""
    written = parse(_read(path))
    if missing := [name for name in promised if name not in written]:
        shown = _listed(missing, mask)
        raise BadOutputs(f"the command did not write {shown} to $DAG_OUTPUT as promised")
    if extra := [name for name in written if name not in promised]:
        raise BadOutputs(
            f"the command wrote {_listed(extra, mask)} to $DAG_OUTPUT: add the name to the task's"
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
    return dict(_entry(number, line, lines) for number, line in lines if line.removesuffix("\r"))


def _entry(number: int, line: str, lines: Iterator[tuple[int, str]]) -> tuple[str, str]:
    name, equals, value = line.removesuffix("\r").partition("=")
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
    """Whether its lines end with CRLF is said by the first one: in a block that does not, a
    carriage return is part of the text."""
    end = "\r" if mark.endswith("\r") else ""
    held: list[str] = []
    for _, line in lines:
        if line.removesuffix(end) == mark.removesuffix(end):
            return "\n".join(held)
        held.append(line.removesuffix(end))
    raise BadOutputs(f"the block in line {number} of $DAG_OUTPUT does not end with its mark")


def _read(path: str) -> bytes:
    if _is_empty_file(path):
        return b""
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


def _is_empty_file(path: str) -> bool:
    """Whether the command wrote nothing, as most do."""
    try:
        status = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size == 0


def _listed(names: Sequence[str], mask: Mask) -> str:
    # Hidden before it is cut: a piece of a secret is not known again.
    hidden = [mask.hide(name) for name in names[:_NAMES_SHOWN]]
    shown = ", ".join(f"`{name[:_NAME_LENGTH]}`" for name in hidden)
    more = len(names) - _NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
