"""A script that compiles modules, run by the Python that the byte code is for. It must not import
anything of this project.

Reads a JSON list of [source, module file to compile for, name in the bundle] from stdin; prints the
number of files written. Skips sources that cannot be compiled.
"""

from __future__ import annotations

import json
import py_compile
import sys
from importlib.util import cache_from_source


def main() -> None:
    count = 0
    for source, target, name in json.load(sys.stdin):
        compiled = py_compile.compile(
            source,
            cache_from_source(target),
            dfile=name,
            invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH,
            quiet=2,
        )
        count += compiled is not None
    sys.stdout.write(f"{count}\n")


if __name__ == "__main__":
    main()
