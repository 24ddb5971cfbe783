"""Remembers what `validate` found in a file, in the XDG cache folder.

Most files are as they were at the last call, and loading the parser takes longer than all the rest.

What is remembered counts for the same bytes, options and program, and for one day: warnings depend
on the date. What another day or another program left is removed. A cache that cannot be read or
written costs time and nothing else.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from importlib.util import source_hash
from pathlib import Path
from typing import Any

FOLDER = "orchestrator/validate"
_PACKAGE = Path(__file__).parent.parent
_CODE = ("", "dag", "cli/commands")
"""The folders whose modules decide what is found; `dag` with those below it."""


class ValidationCache:
    """What was found today, with these options."""

    def __init__(self, today: str, options: str) -> None:
        program = source_hash("\n".join([sys.version, today, options, *_program()]).encode()).hex()
        self._parent = _cache_home() / FOLDER
        self._folder = self._parent / program

    def load(self, source: bytes) -> Any:
        """What `store` was given for the same bytes; None if it is not known."""
        try:
            return json.loads(self._file(source).read_bytes())
        except (OSError, ValueError):
            return None

    def store(self, source: bytes, value: Any) -> None:
        """Remember a value for these bytes."""
        file = self._file(source)
        temporary = file.with_name(f"{file.name}.{os.getpid()}")
        with contextlib.suppress(OSError):
            if not self._folder.exists():
                self._start()
            temporary.write_text(json.dumps(value), encoding="utf-8")
            temporary.replace(file)

    def _start(self) -> None:
        import shutil

        if self._parent.exists():
            for folder in self._parent.iterdir():
                shutil.rmtree(folder, ignore_errors=True)
        self._folder.mkdir(parents=True, mode=0o700)

    def _file(self, source: bytes) -> Path:
        return self._folder / f"{source_hash(source).hex()}-{len(source)}"


def _cache_home(environ: Mapping[str, str] = os.environ) -> Path:
    cache = environ.get("XDG_CACHE_HOME", "")
    # The XDG specification: a relative path is to be ignored.
    return Path(cache) if cache.startswith("/") else Path.home() / ".cache"


def _program() -> Iterator[str]:
    """Changes whenever the program's modules or the installed packages do."""
    import click

    yield str(Path(click.__file__).parent.parent.stat().st_mtime_ns)
    for name in _CODE:
        yield from _stamps(_PACKAGE / name, is_deep=name == "dag")


def _stamps(folder: Path | str, *, is_deep: bool) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.name.endswith(".py"):
                stat = entry.stat()
                yield f"{entry.path} {stat.st_mtime_ns} {stat.st_size}"
            elif is_deep and not entry.name.startswith("__") and entry.is_dir():
                yield from _stamps(entry.path, is_deep=True)
