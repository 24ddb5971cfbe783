"""Looks for scripts in which a value runs as code or arrives as something else."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator

from tests.fuzz.payloads import NUMBERS, payload
from tests.fuzz.scripts import HOLE, Writer, soup
from tests.fuzz.trial import Finding, Trial, findings

BATCH = 200


def trials(seed: int) -> Iterator[Trial]:
    """Random scripts with at least one value, for ever."""
    chance = random.Random(seed)
    while True:
        if chance.random() < 0.25:
            script, arrivals = soup(chance), {}
        else:
            writer = Writer(chance)
            script = writer.script()
            arrivals = writer.arrivals
        if HOLE in script:
            yield Trial(script, payload(chance), arrivals)


def batch(source: Iterator[Trial], counts: Counter[str], chance: random.Random) -> list[Finding]:
    """What goes wrong with the next scripts of the source that take a value."""
    taken: list[Trial] = []
    scripts: list[str] = []
    while len(taken) < BATCH:
        trial = next(source)
        counts["scripts"] += 1
        places = trial.insertion_points()
        if not any(place.reason for place in places):
            counts["with any value"] += 1
            taken.append(trial)
            scripts.append(trial.rendered())
        elif all(not place.reason or place.allows_numbers for place in places):
            counts["with numbers"] += 1
            number = Trial(trial.script, chance.choice(NUMBERS))
            taken.append(number)
            scripts.append(number.rendered(is_number=True))
    counts["run"] += len(taken)
    return findings(taken, scripts)
