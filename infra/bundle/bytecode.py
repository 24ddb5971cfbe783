"""Compiles the bundle's modules. Lambda unpacks it on a read-only disk, so without byte code every
cold start would compile everything it imports.

Chalice packs every file of `chalicelib`, and every file of `vendor` as if it were next to `app.py`.
Python checks this kind of byte code against a hash of the source and ignores it if they differ, so
files left over from an earlier deployment do no harm.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from chalicelib.local.python_versions import RUNNING
from infra.bundle import interpreters

CHALICE_MODULES = ("chalice/__init__.py", "chalice/app.py")
"""The modules that Chalice adds to every bundle."""

COMPILER = Path(__file__).with_name("byte_compiler.py")


def prepare(folder: Path, version: str = RUNNING) -> int:
    """Compile the project in `folder` and its `vendor` for Python `version`. Returns the number of
    files written; 0 if that Python is not installed here. Skips sources that cannot be compiled."""
    # Chalice would pack byte code of other Pythons and of deleted modules, too.
    for root in (folder / "chalicelib", folder / "vendor"):
        for cache in list(root.rglob("__pycache__")):
            shutil.rmtree(cache, ignore_errors=True)
    python = interpreters.find(version)
    if python is None:
        return 0
    completed = subprocess.run(
        [str(python), "-I", str(COMPILER)],
        input=json.dumps(list(_sources(folder))),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return int(completed.stdout)


def _sources(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Yields a source, the module file to compile for, and the module's name in the bundle, which
    the byte code contains instead of a path of this machine."""
    vendor = folder / "vendor"
    for root, part in ((folder, "chalicelib"), (vendor, ".")):
        for path in sorted((root / part).rglob("*.py")):
            yield str(path), str(path), path.relative_to(root).as_posix()
    yield str(folder / "app.py"), str(vendor / "app.py"), "app.py"
    for module in CHALICE_MODULES:
        source = metadata.distribution("chalice").locate_file(module)
        yield str(source), str(vendor / module), module
