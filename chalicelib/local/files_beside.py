"""Finds the files beside a DAG file in the folder of DAG files, as its patterns say.

Symbolic links are followed within the folder of DAG files, and refused where they lead outside: a
file there is none that anybody meant to deploy.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from chalicelib.local.folder_scan import LARGEST_BESIDE, NO_STAMP, Entry, file_entry, key_of

MAX_ENTRIES = 20_000
"""Names that are looked at for one DAG file."""


class Pattern(Protocol):
    """What a DAG file wants beside it; paths are relative to its folder."""

    @property
    def text(self) -> str: ...
    def matches(self, path: str) -> bool: ...
    def may_lead_into(self, folder: str) -> bool: ...


def files_beside(folder: Path, key: str, patterns: Sequence[Pattern]) -> dict[str, Entry]:
    """The files that the DAG file `key` wants, by key. One that cannot be copied says why."""
    if not patterns:
        return {}
    root = Path(os.path.realpath(folder))
    beside = (folder / key).parent
    found: dict[str, Entry] = {}
    walk = _Walk(root, beside, patterns)
    for path in itertools.islice(walk.files(), MAX_ENTRIES):
        name = path.relative_to(beside).as_posix()
        if path == folder / key or not any(pattern.matches(name) for pattern in patterns):
            continue
        entry = _entry(folder, root, path)
        if entry is not None:
            found[entry.key] = entry
    return found


@dataclass(frozen=True)
class _Walk:
    """Looks through the folders below `beside` that may hold something, within `root`."""

    root: Path
    beside: Path
    patterns: Sequence[Pattern]

    def files(self) -> Iterator[Path]:
        """Every file that is worth a look."""
        return self._below(self.beside, "", {str(self.root)})

    def _below(self, parent: Path, inside: str, above: set[str]) -> Iterator[Path]:
        try:
            entries = sorted(os.scandir(parent), key=lambda entry: entry.name)
        except OSError:
            return
        for entry in entries:
            name = f"{inside}/{entry.name}" if inside else entry.name
            if not _is_folder(entry):
                yield Path(entry.path)
                continue
            wanting = [pattern for pattern in self.patterns if pattern.may_lead_into(name)]
            target = os.path.realpath(entry.path)
            if wanting and not Path(target).is_relative_to(self.root):
                yield from map(self._unfollowed, wanting)
            elif wanting and target not in above:  # else a loop
                yield from self._below(Path(entry.path), name, above | {target})

    def _unfollowed(self, pattern: Pattern) -> Path:
        """A name for what is behind a link that leads outside, which the pattern matches."""
        return self.beside / (f"{pattern.text}*" if pattern.text.endswith("/") else pattern.text)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _entry(folder: Path, root: Path, path: Path) -> Entry | None:
    target = os.path.realpath(path)
    if not Path(target).is_relative_to(root):
        reason = "it lies outside the folder of DAG files, where a symbolic link leads"
        return Entry(key_of(folder, path)[0], path, NO_STAMP, reason)
    return file_entry(folder, path, LARGEST_BESIDE)
