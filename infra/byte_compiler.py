"""Run by the Python that the byte code is for, whichever that is: it imports nothing of ours.

On stdin a JSON list of [source, its place in the bundle, its name there]; on stdout the number of
files made. Sources that cannot be compiled are left out.
"""

from __future__ import annotations

import json
import py_compile
import sys
from importlib.util import cache_from_source


def main() -> None:
    made = 0
    for source, place, name in json.load(sys.stdin):
        compiled = py_compile.compile(
            source,
            cache_from_source(place),
            dfile=name,
            invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH,
            quiet=2,
        )
        made += compiled is not None
    sys.stdout.write(f"{made}\n")


if __name__ == "__main__":
    main()
