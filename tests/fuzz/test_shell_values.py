"""No value runs as code in any script that takes it, and each arrives as it is.

`python -m tests.fuzz` looks for longer.
"""

from __future__ import annotations

import random
from collections import Counter
from itertools import islice

import pytest

from tests.fuzz.campaign import batch, trials
from tests.fuzz.second_reader import wrong_places
from tests.fuzz.trial import SHELLS, Trial, findings

BATCHES = 6
SEED = 20


@pytest.mark.skipif(len(SHELLS) < 2, reason="needs bash and dash")
def test_values_arrive_as_they_are_and_never_run() -> None:
    counts: Counter[str] = Counter()
    source, chance = trials(SEED), random.Random(SEED)
    found = [one for _ in range(BATCHES) for one in batch(source, counts, chance)]

    assert not found, "\n".join(map(str, found))
    assert counts["run"] > 0.2 * counts["scripts"], counts


@pytest.mark.parametrize(
    ("script", "value"),
    [
        ("let \0", "a[$(: >$MARK)]"),
        ("echo $((\0))", "a[$(: >$MARK)]"),
        ("eval \0", ": >$MARK"),
        ("cat <<E\n\0\nE\n", "$(: >$MARK)"),
        ("echo hi >& \0", "$(: >$MARK)"),
    ],
)
def test_a_value_that_runs_is_noticed(script: str, value: str) -> None:
    trial = Trial(script, value)
    found = findings([trial], [script.replace("\0", f"'{value}'")])

    assert "bash" in {one.shell for one in found}


def test_a_word_that_changes_on_its_way_is_noticed() -> None:
    trial = Trial("record t \0", "a b", {"t": ["\0"]})

    assert {one.shell for one in findings([trial], ["record t a b"])} == set(SHELLS)
    assert findings([trial], ["record t 'a b'"]) == []


def test_another_reader_of_bash_sees_words_in_the_same_places() -> None:
    """tree-sitter-bash is a grammar by other people: wherever a value may stand, it must find a
    plain part of a word, too."""
    scripts = [trial.script for trial in islice(trials(SEED), 3000)]
    wrong = [found for script in scripts for found in wrong_places(script)]

    assert wrong == []
