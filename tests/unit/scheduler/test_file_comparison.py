"""A listing of the bucket tells beside which DAG files something changed."""

from __future__ import annotations

from chalicelib.scheduler.file_comparison import changed

WANTING = {"a/dag.yaml": ["*.sql"], "b/dag.yaml": ["*.sql"], "c/dag.yaml": ["x/*.sql"]}
OBJECTS = {"a/q.sql": "1", "a/notes.txt": "1", "b/q.sql": "1", "c/x/q.sql": "1"}


def test_what_came_or_went_or_changed_beside_a_file_is_noticed_and_nothing_else() -> None:
    before = dict.fromkeys(WANTING, "")
    assert changed(OBJECTS, None, WANTING, before) == list(WANTING)
    assert changed({}, None, {"a/dag.yaml": ["*.sql"]}, {"a/dag.yaml": "of-another-listing"}) == [
        "a/dag.yaml"
    ]


def test_of_an_incomplete_listing_only_what_was_listed_counts() -> None:
    before = dict.fromkeys(WANTING, "")
    assert changed({"a/q.sql": "1", "b/q.sql": "1"}, "b/q.sql", WANTING, before) == ["a/dag.yaml"]
    assert changed(OBJECTS, "c/z", WANTING, before) == list(WANTING)
