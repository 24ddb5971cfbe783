"""Finds the objects beside a DAG file that its `files` stand for, by listing and without reading
them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from chalicelib.dag.file_patterns import FilePattern, folder_of
from chalicelib.dag.language.parser import FilePlace, parse_file
from chalicelib.dag.problems import DagFileError, Problem, quote
from chalicelib.dag_files import MAX_FILES, MAX_FILES_BYTES
from chalicelib.ports import Bucket, ObjectInfo

MAX_LISTINGS = 20
"""Of a thousand objects each, for one DAG file."""
LISTING_SIZE = 1000
CONCURRENT_LISTINGS = 16
MANY_PREFIXES = 20
"""From here on whole folders are listed instead of single names."""
MAX_NAME_BYTES = 255
"""Of one name in Linux's file systems."""
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class MatchedFile:
    """An object that one of the patterns stands for; `path` is relative to the DAG file's folder,
    `place` where the pattern is."""

    path: str
    key: str
    etag: str
    size: int
    place: FilePlace


@dataclass(frozen=True, slots=True)
class Match:
    """`fingerprint` changes whenever an object that matches comes, goes or changes."""

    files: tuple[MatchedFile, ...] = ()
    fingerprint: str = ""
    problems: tuple[Problem, ...] = ()


def match_files(dags: Bucket, file_key: str, places: Mapping[str, FilePlace]) -> Match:
    """List what the DAG file's patterns stand for, and what is wrong with it."""
    if not places:
        return Match()
    beside = folder_of(file_key)
    patterns = {text: FilePattern(text) for text in places}
    objects, is_complete = _list(dags, beside, list(patterns.values()))
    files, problems = _matched(objects, file_key, patterns, places)
    if not is_complete:
        first = next(iter(places.values()))
        problems = [first.problem(_too_deep()), *problems]
    found = fingerprint((file.key, file.etag) for file in files)
    problems += _set_problems(files)
    return Match(tuple(files), found, tuple(sorted(set(problems))))


def patterns_in(source: bytes) -> tuple[FilePattern, ...] | None:
    """What the DAG file wants beside it; None if it cannot be read."""
    if b"files" not in source:
        return ()
    try:
        return tuple(FilePattern(text) for text in parse_file(source).dag.files)
    except DagFileError:
        return None


def fingerprint(objects: Iterable[tuple[str, str]]) -> str:
    """Return a fingerprint of the keys and ETags of all objects that match."""
    digest = hashlib.sha256()
    for key, etag in sorted(objects):
        digest.update(f"{key}\0{etag}\0".encode())
    return digest.hexdigest()


def _matched(
    objects: Sequence[ObjectInfo],
    file_key: str,
    patterns: Mapping[str, FilePattern],
    places: Mapping[str, FilePlace],
) -> tuple[list[MatchedFile], list[Problem]]:
    beside = folder_of(file_key)
    files: dict[str, MatchedFile] = {}
    problems: list[Problem] = []
    for text, pattern in patterns.items():
        place, is_used = places[text], False
        for info in objects:
            path = info.key[len(beside) :]
            if info.key == file_key or path.endswith("/") or not pattern.matches(path):
                continue  # consoles mark an empty folder by an object that ends with a slash
            is_used = True
            files.setdefault(path, MatchedFile(path, info.key, info.etag, info.size, place))
        if not is_used:
            problems.append(place.problem(_unmatched(pattern, beside, objects)))
    return sorted(files.values(), key=lambda file: file.path), problems


def _unmatched(pattern: FilePattern, beside: str, objects: Sequence[ObjectInfo]) -> str:
    inside = f"{beside}{pattern.text}/"
    if any(info.key.startswith(inside) for info in objects):
        return f"{quote(pattern.text)} is a folder: write {quote(pattern.text + '/')} for all in it"
    where = f"the folder {quote(beside)} of the bucket" if beside else "the bucket"
    return (
        f"{quote(pattern.text)} stands for no file in {where}: upload what is missing, or correct"
        " the name"
    )


def _set_problems(files: Sequence[MatchedFile]) -> list[Problem]:
    """What is wrong with the files together."""
    if not files:
        return []
    problems = [
        file.place.problem(f"{quote(file.key)} cannot be brought along: {reason}")
        for file in files
        if (reason := _name_problem(file.path))
    ][:_SHOWN]
    folders = {folder for file in files for folder in _folders(file.path)}
    problems += [
        file.place.problem(f"{quote(file.path)} is both a file and a folder")
        for file in files
        if f"{file.path}/" in folders
    ][:_SHOWN]
    if len(files) > MAX_FILES:
        problems.append(
            files[0].place.problem(f"{len(files)} files; at most {MAX_FILES} are allowed")
        )
    if (size := sum(file.size for file in files)) > MAX_FILES_BYTES:
        problems.append(_too_large(files, size))
    return problems


def _too_large(files: Sequence[MatchedFile], size: int) -> Problem:
    largest = max(files, key=lambda file: file.size)
    return largest.place.problem(
        f"the files have {size} bytes together, and at most {MAX_FILES_BYTES} (50 MiB) are"
        f" allowed; the largest is {quote(largest.path)} with {largest.size}: let the command"
        " fetch what is large"
    )


def _too_deep() -> str:
    most = MAX_LISTINGS * LISTING_SIZE
    return f"there are more than {most} objects to look through: name the files' own folder"


def _name_problem(path: str) -> str:
    names = path.split("/")
    if {"", ".", ".."} & set(names):
        return "its name has an empty part, `.` or `..`, which is no name of a file"
    if "\0" in path:
        return "its name has a NUL character, which is no name of a file"
    if any(len(name.encode("utf-8", "replace")) > MAX_NAME_BYTES for name in names):
        return f"a part of its name has more than {MAX_NAME_BYTES} bytes"
    return ""


def _folders(path: str) -> list[str]:
    names = path.split("/")
    return ["/".join(names[:end]) + "/" for end in range(1, len(names))]


def _list(
    dags: Bucket, beside: str, patterns: Sequence[FilePattern]
) -> tuple[list[ObjectInfo], bool]:
    """Return objects that may match, and whether the list is complete."""
    prefixes = _few(sorted({beside + pattern.prefix for pattern in patterns}))
    with ThreadPoolExecutor(min(len(prefixes), CONCURRENT_LISTINGS)) as pool:
        listings = list(pool.map(lambda prefix: _list_prefix(dags, prefix), prefixes))
    objects = {info.key: info for rows, _ in listings for info in rows}
    return list(objects.values()), all(is_complete for _, is_complete in listings)


def _few(prefixes: list[str]) -> list[str]:
    """Leave out what another one covers; of too many, list the folders."""
    if len(prefixes) > MANY_PREFIXES:
        prefixes = sorted({folder_of(prefix) for prefix in prefixes})
    kept: list[str] = []
    for prefix in prefixes:
        if not kept or not prefix.startswith(kept[-1]):
            kept.append(prefix)
    return kept


def _list_prefix(dags: Bucket, prefix: str) -> tuple[list[ObjectInfo], bool]:
    rows: list[ObjectInfo] = []
    last = ""
    for _ in range(MAX_LISTINGS):
        page = dags.list(prefix, start_after=last, limit=LISTING_SIZE)
        rows += page
        if len(page) < LISTING_SIZE:
            return rows, True
        last = page[-1].key
    return rows, False
