"""The patterns of `files`: which names beside the DAG file they stand for. Pure.

As in a shell, `*`, `?` and `[...]` stay within one name and do not match a leading dot, and `**` is
any number of folders. `folder/` is everything in the folder, names with a leading dot included.
Names are compared in Unicode's composed form, because systems differ in how they store `é`.
"""

from __future__ import annotations

import fnmatch
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

MAX_FILE_PATTERNS = 100
MAX_FILE_PATTERN_LENGTH = 500

_WILD = re.compile(r"[*?\[]")
_ANY_FOLDERS = "**"


class BadFilePattern(ValueError):
    """The text is no pattern of files; the message says why and what to write."""


@dataclass(frozen=True)
class FilePattern:
    """`text` as it was written. Every path is relative to the DAG file's folder."""

    text: str

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """The names and wildcards between the slashes; empty for everything beside the file."""
        parts = [part for part in composed(self.text).rstrip("/").split("/") if part != "."]
        if not self.is_folder and parts[-1] == _ANY_FOLDERS:
            parts.append("*")
        return tuple(parts)

    @cached_property
    def is_folder(self) -> bool:
        """Whether it stands for everything in a folder."""
        return self.text.endswith("/") or self.text.rpartition("/")[2] == "."

    @cached_property
    def folder(self) -> str:
        """The innermost folder that holds all that may match, with a slash at the end, or empty."""
        plain = 0
        inner = len(self.parts) if self.is_folder else len(self.parts) - 1
        while plain < inner and not _WILD.search(self.parts[plain]):
            plain += 1
        return "".join(f"{part}/" for part in self.parts[:plain])

    @cached_property
    def name(self) -> str:
        """The last part of the one path that it stands for; empty if there may be several."""
        is_plain = not self.is_folder and not any(map(_WILD.search, self.parts))
        return self.parts[-1] if is_plain else ""

    @cached_property
    def prefix(self) -> str:
        """The beginning of every path that may match, as far as every system writes it alike."""
        whole = "".join(f"{part}/" for part in self.parts)
        whole = whole if self.is_folder else whole.removesuffix("/")
        end = _WILD.search(whole)
        whole = whole[: end.start()] if end else whole
        return re.split(r"[^\x00-\x7f]", whole)[0]

    def matches(self, path: str) -> bool:
        """Whether it stands for this path. A path also matches the pattern that is the same text,
        whatever wildcards are in it."""
        path = composed(path)
        if path == "/".join(self.parts) and not self.is_folder:
            return True
        names = path.split("/")
        if self.is_folder:
            return any(_match(self.parts, names[:end]) for end in range(len(names)))
        return _match(self.parts, names)

    def may_lead_into(self, folder: str) -> bool:
        """Whether anything in this folder, or below it, may match. It has no slash at the end."""
        names = composed(folder).split("/")
        if self.is_folder and any(_match(self.parts, names[:end]) for end in range(len(names) + 1)):
            return True
        return any(place < len(self.parts) for place in _places_after(self.parts, names))


def read_file_pattern(text: str) -> FilePattern:
    """Raises BadFilePattern."""
    if not text.strip():
        raise BadFilePattern("a name or pattern of files is empty")
    if len(text) > MAX_FILE_PATTERN_LENGTH:
        raise BadFilePattern(f"a pattern of files has at most {MAX_FILE_PATTERN_LENGTH} characters")
    if "\\" in text:
        raise BadFilePattern("write / between folders, not \\")
    if text.startswith("/"):
        raise BadFilePattern("leave the first / out: files lie beside the DAG file or below it")
    parts = text.removesuffix("/").split("/")
    if ".." in parts:
        raise BadFilePattern(
            "`..` leads out of the DAG file's folder; files lie beside it or below it"
        )
    if "" in parts:
        raise BadFilePattern("there is nothing between two slashes")
    return FilePattern(text)


def composed(text: str) -> str:
    """The text in Unicode's composed form."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def folder_of(key: str) -> str:
    """The folder of a key, with a slash at the end, or empty at the top."""
    return key[: key.rfind("/") + 1]


def is_wanted(key: str, file_key: str, pattern: FilePattern) -> bool:
    """Whether the pattern of the DAG file `file_key` stands for the object `key`."""
    beside = folder_of(file_key)
    is_below = composed(key).startswith(composed(beside))
    return key != file_key and is_below and pattern.matches(key[len(beside) :])


def folders_above(key: str) -> list[str]:
    """Every folder that holds the key, from the top, which is empty, to its own."""
    ends = [index + 1 for index, char in enumerate(key) if char == "/"]
    return ["", *(key[:end] for end in ends)]


def matching(patterns: Iterable[FilePattern], paths: Iterable[str]) -> Iterator[str]:
    """The paths that any of the patterns stands for."""
    patterns = list(patterns)
    return (path for path in paths if any(pattern.matches(path) for pattern in patterns))


def _match(parts: tuple[str, ...], names: list[str]) -> bool:
    """Whether the parts stand for exactly these names."""
    return len(parts) in _places_after(parts, names)


def _places_after(parts: tuple[str, ...], names: list[str]) -> set[int]:
    """How many parts may stand for these names. `**` costs no backtracking: all places in the
    pattern that the names so far may lead to are followed at once."""
    places = {0}
    for name in names:
        following = set()
        for place in _with_skipped_folders(parts, places):
            if place == len(parts):
                continue
            if parts[place] == _ANY_FOLDERS:
                if not name.startswith("."):
                    following.add(place)
            elif _match_name(parts[place], name):
                following.add(place + 1)
        places = following
    return _with_skipped_folders(parts, places)


def _with_skipped_folders(parts: tuple[str, ...], places: set[int]) -> set[int]:
    """Add the positions after a `**`, which may stand for no folder at all."""
    all_places = set(places)
    for place, part in enumerate(parts):
        if place in all_places and part == _ANY_FOLDERS:
            all_places.add(place + 1)
    return all_places


def _match_name(part: str, name: str) -> bool:
    if name.startswith(".") and not part.startswith("."):
        return False
    return fnmatch.fnmatchcase(name, part)
