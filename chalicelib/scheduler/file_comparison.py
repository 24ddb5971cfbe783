"""Compares a listing of the whole bucket with what was last read beside each DAG file. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from chalicelib.dag.file_patterns import FilePattern, composed, folder_of, folders_above, is_wanted
from chalicelib.scheduler.file_match import fingerprint

_LAST = "\U0010ffff"
"""Sorts after every other character."""


@dataclass(frozen=True, slots=True)
class _WantedFiles:
    """One pattern of one DAG file, whose folder is `beside`."""

    file_key: str
    beside: str
    pattern: FilePattern


def changed(
    objects: Mapping[str, str],
    last: str | None,
    wanting: Mapping[str, Sequence[str]],
    fingerprints: Mapping[str, str],
) -> list[str]:
    """Return the DAG files beside which something came, went or changed. `objects` maps keys to
    ETags; where the listing is incomplete, `last` is its last key; `wanting` has the patterns of
    each DAG file, and `fingerprints` what they matched before."""
    by_folder: dict[str, list[_WantedFiles]] = {}
    for wanted in _wanted_files(wanting):
        folder = composed(wanted.beside) + wanted.pattern.folder
        by_folder.setdefault(folder, []).append(wanted)
    matched: dict[str, dict[str, str]] = {file_key: {} for file_key in wanting}
    for key, etag in objects.items() if by_folder else ():
        for folder in folders_above(composed(key)):
            for wanted in by_folder.get(folder, ()):
                if is_wanted(key, wanted.file_key, wanted.pattern) and not key.endswith("/"):
                    matched[wanted.file_key][key] = etag
    unlisted = {
        w.file_key for w in _wanted_files(wanting) if last is not None and _reaches(w, last)
    }
    return [
        file_key
        for file_key, rows in matched.items()
        if file_key not in unlisted and fingerprint(rows.items()) != fingerprints.get(file_key)
    ]


def _wanted_files(wanting: Mapping[str, Sequence[str]]) -> Iterator[_WantedFiles]:
    for file_key, patterns in wanting.items():
        for pattern in patterns:
            yield _WantedFiles(file_key, folder_of(file_key), FilePattern(pattern))


def _reaches(wanted: _WantedFiles, last: str) -> bool:
    """Whether objects after `last` may match."""
    return f"{wanted.beside}{wanted.pattern.prefix}{_LAST}" > last
