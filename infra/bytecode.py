"""Byte code for the bundle. Lambda unpacks it where nothing can be written, so without byte code
each cold start compiles anew all that it imports.

Chalice takes along whatever lies in `chalicelib`, and what lies in `vendor` as if it lay beside
`app.py`. Python holds byte code of the kind made here against a hash of the source: where a source
is another one by then, because it was changed or pip fetched another version, it is compiled as
before. So what is left of an earlier deployment slows nothing down and breaks nothing.
"""

from __future__ import annotations

import py_compile
import re
import shutil
from collections.abc import Iterator
from importlib import metadata
from importlib.util import cache_from_source
from pathlib import Path

CHALICES_OWN = ("chalice/__init__.py", "chalice/app.py")
"""What Chalice adds of itself to every bundle."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def prepare(folder: Path) -> int:
    """Make the byte code of the project in `folder`, by and for the Python that runs this; answers
    the number of files. Sources that cannot be compiled are left to Lambda."""
    vendor = folder / "vendor"
    # Byte code of other Pythons, and of modules that are gone, would be taken along, too.
    for left in (vendor, *(folder / "chalicelib").rglob("__pycache__")):
        shutil.rmtree(left, ignore_errors=True)
    own = [path.relative_to(folder).as_posix() for path in (folder / "chalicelib").rglob("*.py")]
    count = sum(_compile(folder / name, folder, name) for name in own)
    others = [("app.py", folder / "app.py"), *_installed(folder / "requirements.txt")]
    return count + sum(_compile(path, vendor, name) for name, path in others)


def _compile(source: Path, root: Path, name: str) -> bool:
    """`name` in the bundle. It goes into the byte code instead of a path of this machine."""
    made = py_compile.compile(
        str(source),
        cache_from_source(str(root / name)),
        dfile=name,
        invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH,
        quiet=2,
    )
    return made is not None


def _installed(requirements: Path) -> Iterator[tuple[str, Path]]:
    """The modules that Chalice will fetch, as they are installed here: name in the bundle, path."""
    for name in sorted(_with_requirements(requirements)):
        for file in metadata.files(name) or ():
            if file.suffix == ".py" and ".." not in file.parts:
                yield file.as_posix(), Path(str(file.locate()))
    for own in CHALICES_OWN:
        yield own, Path(str(metadata.distribution("chalice").locate_file(own)))


def _with_requirements(requirements: Path) -> set[str]:
    """The distributions that the file names, and those that they need; what is not installed here
    is left out."""
    lines = requirements.read_text(encoding="utf-8").splitlines()
    waiting = [found[0] for line in lines if (found := _NAME.match(line))]
    known: set[str] = set()
    while waiting:
        name = waiting.pop()
        try:
            needed = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        if name not in known:
            known.add(name)
            plain = [line for line in needed if "extra ==" not in line]
            waiting += [found[0] for line in plain if (found := _NAME.match(line))]
    return known
