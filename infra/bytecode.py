"""Byte code for the bundle. Lambda unpacks it where nothing can be written, so without byte code
each cold start compiles anew all that it imports.

Chalice takes along whatever lies in `chalicelib`, and what lies in `vendor` as if it lay beside
`app.py`. Python holds byte code of the kind made here against a hash of the source: where a source
is another one by then, it is compiled as before. So what is left of an earlier deployment slows
nothing down and breaks nothing.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from chalicelib.local.python_versions import RUNNING
from infra import interpreters

CHALICES_OWN = ("chalice/__init__.py", "chalice/app.py")
"""What Chalice adds of itself to every bundle."""

COMPILER = Path(__file__).with_name("byte_compiler.py")


def prepare(folder: Path, version: str = RUNNING) -> int:
    """Make the byte code of the project in `folder`, and of what lies in its `vendor`, for Python
    `version`; answers the number of files, 0 where no such Python is on this machine. Sources that
    cannot be compiled are left to Lambda."""
    # Byte code of other Pythons, and of modules that are gone, would be taken along, too.
    for root in (folder / "chalicelib", folder / "vendor"):
        for left in list(root.rglob("__pycache__")):
            shutil.rmtree(left, ignore_errors=True)
    python = interpreters.find(version)
    if python is None:
        return 0
    done = subprocess.run(
        [str(python), "-I", str(COMPILER)],
        input=json.dumps(list(_sources(folder))),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return int(done.stdout)


def _sources(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Source, its place in the project, and its name in the bundle. The name goes into the byte
    code instead of a path of this machine."""
    vendor = folder / "vendor"
    for root, part in ((folder, "chalicelib"), (vendor, ".")):
        for path in sorted((root / part).rglob("*.py")):
            yield str(path), str(path), path.relative_to(root).as_posix()
    yield str(folder / "app.py"), str(vendor / "app.py"), "app.py"
    for own in CHALICES_OWN:
        source = metadata.distribution("chalice").locate_file(own)
        yield str(source), str(vendor / own), own
