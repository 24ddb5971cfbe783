"""A query that repeats the condition of a partial index by name is only as right as the name."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

from chalicelib.database import index_predicates
from chalicelib.database.index_predicates import IndexPredicate

DATABASE = Path(index_predicates.__file__).parent
NAMED = {
    name.lower(): value
    for name, value in vars(index_predicates).items()
    if isinstance(value, IndexPredicate)
}
_SHORT = re.compile(r"\w+ IS (NOT )?NULL|state <> 'success'|state = '\w+'|run_type <> 'scheduled'")


def conditions() -> dict[str, str]:
    """The WHERE of each partial index, by the index, as the migrations leave them."""
    connection = sqlite3.connect(":memory:")
    for migration in sorted((DATABASE / "migrations").glob("*.sql")):
        connection.executescript(migration.read_text())
    rows = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'index'")
    created = {name: sql for name, sql in rows if sql and " WHERE " in sql}
    connection.close()
    return {name: sql.partition(" WHERE ")[2] for name, sql in created.items()}


@pytest.mark.parametrize("index", sorted(NAMED))
def test_a_predicate_is_the_condition_of_the_index_that_it_is_named_after(index: str) -> None:
    assert conditions()[index] == NAMED[index]


def test_every_condition_that_is_more_than_a_comparison_has_a_name() -> None:
    long = {name for name, condition in conditions().items() if not _SHORT.fullmatch(condition)}

    assert long - {"runs_idempotency"} == set(NAMED)


def test_a_predicate_is_qualified_with_an_alias() -> None:
    assert index_predicates.TASK_INSTANCES_POOL.of("t") == (
        "t.pool IS NOT NULL AND t.state IN ('scheduled', 'queued', 'running')"
    )
    assert index_predicates.DAGS_WITH_WARNINGS.of("d") == (
        "d.warnings <> '[]' AND d.removed_at IS NULL"
    )


def test_no_query_spells_a_predicate_out() -> None:
    """The guard of an UPDATE is its own and may."""
    for path in sorted([*DATABASE.glob("queries/*.py"), *DATABASE.glob("reads/*.py")]):
        for sql in re.findall(r"SELECT[^;]*?(?:\"\"\"|,\n|\)\n)", path.read_text()):
            text = " ".join(re.sub(r"[\"\n]|\b[a-z]\.", " ", sql).split())
            if "UPDATE" not in text:
                assert not [name for name, condition in NAMED.items() if condition in text], path
