"""The `_defaults.yaml` files that hold for a DAG file on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.dag_files import DEFAULTS_NAME

if TYPE_CHECKING:
    from chalicelib.dag.language.shared_file import Shared

MAX_BYTES = 256 * 1024


def shared_files(path: Path) -> list[Path]:
    """The files in the folder of `path` and in those above it, the outermost first: as far as the
    repository that it is in, else as far as its own folder."""
    folder = path.absolute().parent
    above = [folder, *folder.parents]
    top = next((index for index, one in enumerate(above) if (one / ".git").exists()), 0)
    files = [one / DEFAULTS_NAME for one in reversed(above[: top + 1])]
    return [file for file in files if file.is_file()]


def shared_sources(path: Path) -> dict[str, str]:
    """The text of each of these files by its path."""
    return {str(file): text for file in shared_files(path) for text in _text(file)}


def _text(file: Path) -> Iterator[str]:
    try:
        yield file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return


def shared_of(path: Path) -> Shared:
    """What the DAG file takes from them. A file that is not valid counts for nothing: `validate`
    says what is wrong with it."""
    from chalicelib.dag.language.shared_file import merged

    return merged([_parsed(text) for text in shared_sources(path).values()])


@cache
def _parsed(text: str) -> Shared:
    from chalicelib.dag.language.shared_file import NOTHING, parse_shared
    from chalicelib.dag.problems import DagFileError

    try:
        return parse_shared(text.encode())
    except DagFileError:
        return NOTHING


def shared_by_key(path: Path, key: str) -> dict[str, str]:
    """The text of each of these files by the key that it would have in a bucket where the DAG file
    has this key; those above the bucket's top get keys that come before all others."""
    depth = key.count("/")
    by_key: dict[str, str] = {}
    for file, text in shared_sources(path).items():
        level = len(path.absolute().parent.parts) - len(Path(file).parent.parts)
        folders = key.split("/")[: max(depth - level, 0)]
        name = DEFAULTS_NAME if level <= depth else f"{1000 - level:04d}"
        by_key["/".join([*folders, name])] = text
    return by_key


def known_pools(path: Path) -> set[str]:
    """The pools that these files define."""
    return {name for text in shared_sources(path).values() for name in _parsed(text).pools}
