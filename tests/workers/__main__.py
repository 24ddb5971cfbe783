"""Proves by force that workers start nothing twice and that every run ends.

`python -m tests.workers [--minutes N] [--seed N]`: see `force.py`.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
import time
from pathlib import Path

from tests.workers.force import Force


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.workers", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long (default: 10)")
    parser.add_argument("--seed", type=int, default=None, help="of the random choices")
    options = parser.parse_args()
    seed = secrets.randbelow(2**31) if options.seed is None else options.seed
    with tempfile.TemporaryDirectory(prefix="force-") as folder:
        until = time.monotonic() + options.minutes * 60
        report = Force(Path(folder), seed).run(lambda _: time.monotonic() > until)
    sys.stdout.write(f"{report}\n")
    return 0 if report.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
