"""`python -m tests.fuzz [--seconds N] [--seed N]`: looks for values that run as code, in random
scripts, in the bash and the dash of this machine. Prints the seed, and each finding at once."""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter

from tests.fuzz.campaign import batch, trials


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    source, chance = trials(options.seed), random.Random(options.seed)
    counts: Counter[str] = Counter()
    end = time.monotonic() + options.seconds
    while time.monotonic() < end:
        for finding in batch(source, counts, chance):
            counts["findings"] += 1
            print(finding, flush=True)
    print(dict(counts))
    return 1 if counts["findings"] else 0


if __name__ == "__main__":
    sys.exit(main())
