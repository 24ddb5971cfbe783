"""What an operation costs must not follow the length of the history, nor the number of DAGs. The
long form, up to ten million task instances, is `python -m tests.bench growth`."""

from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib.database import Database
from chalicelib.database.reads import dags
from chalicelib.database.reads.window import WINDOW
from tests.bench.big_database import Size
from tests.bench.growth import QUICK_DAGS, QUICK_TASKS, growth, judged_of
from tests.support.databases import unhurried
from tests.support.steps import GRAIN, Steps

MOST = 1.5
"""With four times the history, or ten times the DAGs; half as much again covers what the grain of
the count and a deeper tree add."""


@pytest.mark.parametrize("sizes", [QUICK_TASKS, QUICK_DAGS], ids=["tasks", "dags"])
def test_no_operation_grows_with_what_is_stored(sizes: tuple[Size, ...]) -> None:
    ratios, costs = growth(sizes)
    first, last = costs.values()
    assert {
        name: (first[name].steps, last[name].steps)
        for name, ratio in judged_of(ratios).items()
        if ratio > MOST and last[name].steps > first[name].steps + 20 * GRAIN
    } == {}


def test_a_scan_of_all_rows_is_noticed(tmp_path: Path) -> None:
    steps = Steps()
    database = Database(tmp_path / "db" / "orchestrator.db", connect=steps.connect)
    database.create_if_missing()
    add = "INSERT INTO metadata (name, value) VALUES (?, '')"
    with database.write() as tx:
        tx.executemany(add, [(str(number),) for number in range(1000)])
    with database.read() as tx:
        scan = steps.of(lambda: tx.value("SELECT count(*) FROM metadata WHERE value = 'x'"))
        search = steps.of(lambda: tx.value("SELECT value FROM metadata WHERE name = '7'"))
    database.close()
    assert scan >= 3000
    assert search <= GRAIN


DAGS = """
    WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :count)
    INSERT INTO dags (dag_id, file_key, version_id, name, max_active_runs, max_active_tasks,
        created_at, updated_at)
    SELECT printf('dag_%06d', i), 'f', 1, 'D', 1, 1, 0, 0 FROM n
"""


def test_a_search_looks_through_so_many_dags_for_each_page(tmp_path: Path) -> None:
    database = unhurried(tmp_path / "db" / "orchestrator.db")
    database.create_if_missing()
    with database.write() as tx:
        tx.execute(
            "INSERT INTO dag_versions (id, dag_id, version, file_key, etag, created_at, digest,"
            " source, compiled) VALUES (1, 'd', 1, 'f', 'e', 0, '', '', '{}')"
        )
        tx.execute(DAGS, {"count": WINDOW + 1})
    with database.read() as tx:
        empty = dags.list_dags(tx, limit=50, search=f"dag_{WINDOW:06d}")
        full = dags.list_dags(tx, limit=50, search=f"dag_{WINDOW:06d}", after=empty.next_key)
        unfiltered = dags.list_dags(tx, limit=50, after=empty.next_key)
    database.close()
    assert (empty.items, empty.next_key) == ([], f"dag_{WINDOW - 1:06d}")
    assert [item.dag_id for item in full.items] == [f"dag_{WINDOW:06d}"]
    assert (full.next_key, len(unfiltered.items)) == (None, 1)
