"""Parsed definitions are kept within a bound, and those used longest ago go first."""

from __future__ import annotations

from chalicelib.dag.language.parser import parse
from chalicelib.database.queries.definitions import Kept

DAG = parse(b"name: D\ntasks: [{id: t, command: x}]")


def test_what_was_used_longest_ago_makes_room() -> None:
    kept = Kept(most_characters=100)
    kept.add("a", DAG, 40)
    kept.add("b", DAG, 40)
    assert kept.get("a") is DAG
    kept.add("c", DAG, 40)
    assert [kept.get(name) for name in "abc"] == [DAG, None, DAG]


def test_one_that_is_larger_than_the_bound_is_kept_alone() -> None:
    kept = Kept(most_characters=100)
    kept.add("a", DAG, 40)
    kept.add("large", DAG, 1000)
    assert [kept.get(name) for name in ("a", "large")] == [None, DAG]
    kept.add("b", DAG, 40)
    kept.add("b", DAG, 40)
    kept.add("c", DAG, 40)
    assert [kept.get(name) for name in ("large", "b", "c")] == [None, DAG, DAG]
