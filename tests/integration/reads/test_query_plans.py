"""Every list is served by an index: what a page costs must not follow the length of the history."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.database import Database
from chalicelib.database.reads import (
    artifacts,
    backfills,
    costs,
    dags,
    files,
    journal,
    operations,
    pools,
    run_filters,
    runs,
    task_instances,
    window,
)
from tests.support.databases import unhurried
from tests.support.rows import Rows

PARAMS = dict.fromkeys(
    [
        "dag_id",
        "task_id",
        "run_id",
        "state",
        "acknowledged",
        "backfill_id",
        "name",
        "run_type",
        "cause",
        "is_paused",
        "pattern",
        "tag",
        "version",
        "who",
        "action",
        "target",
    ]
)
BOUNDS = {
    "before": 2**62,
    "after": "",
    "last": "",
    "before_date": 2**62,
    "floor": 0,
    "floor_date": 0,
    "dag_ids": '["a"]',
    "share": 9999,
    "limit": 51,
    "map_index": -1,
    "offset": 9,
    "name": "",
    "task_key": 0,
    "list_sha256": "",
    "path": "",
}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = unhurried(tmp_path_factory.mktemp("plans") / "db" / "orchestrator.db")
    database.create_if_missing()
    yield database
    database.close()


def plan(database: Database, sql: str, *positional: object) -> list[str]:
    with database.read() as tx:
        rows = tx.all(f"EXPLAIN QUERY PLAN {sql}", positional or {**PARAMS, **BOUNDS})
        return [str(row["detail"]) for row in rows]


BY_DATE = "(logical_date>? AND logical_date<?)"
RUN_PLANS = {
    "backfill": "SEARCH r USING INDEX runs_by_backfill (backfill_id=? AND id>? AND id<?)",
    "dag": "SEARCH r USING INDEX runs_by_dag (dag_id=? AND id>? AND id<?)",
    "state": "SEARCH r USING INDEX runs_by_state (state=? AND id>? AND id<?)",
    "type": "SEARCH r USING INDEX runs_by_type (run_type=? AND id>? AND id<?)",
    "date": f"SEARCH r USING INDEX runs_by_date {BY_DATE}",
    "dag_date": "SEARCH r USING INDEX sqlite_autoindex_runs_2 (dag_id=? AND logical_date>? AND",
    "failed_date": f"SEARCH r USING INDEX runs_failed_by_date {BY_DATE}",
    "dags": "SEARCH r USING INDEX runs_by_dag (dag_id=? AND id>? AND id<?)",
    "all": "SEARCH r USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
}
TASK_PLANS = {
    "dag": "SEARCH t USING INDEX task_instances_by_dag (dag_id=? AND id>? AND id<?)",
    "task": "SEARCH t USING INDEX task_instances_by_task (task_id=? AND id>? AND id<?)",
    "state": "SEARCH t USING INDEX task_instances_by_state (state=? AND id>? AND id<?)",
    "all": "SEARCH t USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
}


@pytest.mark.parametrize("name", RUN_PLANS)
def test_runs_are_read_along_an_index_in_its_order(database: Database, name: str) -> None:
    steps = plan(database, runs.SCANS[name].page)
    assert steps[0].startswith(RUN_PLANS[name])
    assert not [step for step in steps if step.startswith(("SCAN dag", "SCAN run", "SCAN task"))]
    # The runs of several DAGs are sorted, a window of them at most.
    assert ("USE TEMP B-TREE FOR ORDER BY" in steps) == (name == "dags")


def test_every_scan_of_runs_has_a_plan() -> None:
    assert set(RUN_PLANS) == set(runs.SCANS)


def test_the_dags_of_a_tag_are_read_along_an_index(database: Database) -> None:
    (step,) = plan(database, run_filters.DAGS_OF_TAG)
    assert step == "SEARCH dag_tags USING PRIMARY KEY (tag=?)"


@pytest.mark.parametrize("name", TASK_PLANS)
def test_task_instances_are_read_along_an_index_in_its_order(database: Database, name: str) -> None:
    steps = plan(database, task_instances.SCANS[name].page)
    assert steps[0] == TASK_PLANS[name]
    assert steps[1:] == ["SEARCH r USING INTEGER PRIMARY KEY (rowid=?)"]


@pytest.mark.parametrize("scans", [runs.SCANS, task_instances.SCANS], ids=["runs", "tasks"])
def test_the_end_of_a_window_is_found_in_the_index_alone(
    database: Database, scans: dict[str, window.Scan]
) -> None:
    for scan in scans.values():
        step = plan(database, scan.floor)[-1]
        assert "COVERING INDEX" in step or "INTEGER PRIMARY KEY" in step


@pytest.mark.parametrize(
    "sql",
    [
        artifacts.OF_RUN,
        artifacts.OF_INSTANCE,
        artifacts.ONE,
        task_instances.LIST_OF_RUN,
        task_instances.IN_ORDER_OF_RUN,
        task_instances.ONE,
        dags.ONE,
        dags.LIST,
        dags.LIST_BY_TAG,
        dags.TAGS,
        dags.VERSIONS,
        dags.SOURCE,
        files.VERSION,
        files.FILES,
        files.ONE,
        task_instances.DETAIL,
        backfills.SCAN.page,
        backfills.SCAN.floor,
        journal.AUDIT.page,
        journal.AUDIT.floor,
        *(sql for scan in journal.NOTIFICATIONS.values() for sql in (scan.page, scan.floor)),
        costs.FLOOR,
    ],
)
def test_nothing_else_scans_a_table(database: Database, sql: str) -> None:
    steps = plan(database, sql)
    scans = [step for step in steps if step.startswith("SCAN")]
    assert not [step for step in scans if not step.startswith("SCAN json_each ")], steps


def test_what_is_due_first_is_read_along_its_index(database: Database) -> None:
    steps = plan(database, dags.UPCOMING, 50)
    assert steps[0] == "SEARCH d USING INDEX dags_due (next_fire_at>?)"
    assert "USE TEMP B-TREE FOR ORDER BY" not in steps


@pytest.mark.parametrize("sql", [costs.OF_RUN, costs.OF_DAG])
def test_a_sum_reads_only_what_it_adds_up(database: Database, sql: str) -> None:
    steps = plan(database, sql)
    assert not [step for step in steps if step.startswith("SCAN") and step != "SCAN a"], steps
    assert any("task_instances" in step and "INDEX" in step for step in steps), steps


@pytest.mark.parametrize("sql", [pools.ONE, pools.LIST])
def test_what_a_pool_holds_is_counted_along_the_index_of_what_is_held(
    database: Database, sql: str
) -> None:
    steps = plan(database, sql, *([""] if sql == pools.ONE else ["", 51]))
    assert not [step for step in steps if step.startswith("SCAN")], steps
    held = [step for step in steps if step.startswith("SEARCH t ")]
    assert len(held) == 2
    assert all("task_instances_pool (pool=? AND state=?)" in step for step in held), steps


def test_one_run_is_found_by_its_id(database: Database) -> None:
    assert "runs_1" in plan(database, runs.ONE, "x")[0]  # SQLite's name for UNIQUE (run_id)'s index


@pytest.mark.parametrize(
    ("sql", "bound"),
    [(operations.IMPORT_ERRORS, ""), (operations.DAG_WARNINGS, ""), (operations.TICKS, 2**62)],
)
def test_what_the_program_tells_of_itself_is_read_in_order(
    database: Database, sql: str, bound: object
) -> None:
    steps = plan(database, sql, bound, 51)
    assert not [step for step in steps if step.startswith("SCAN") or "TEMP B-TREE" in step], steps


def test_a_rare_thing_in_a_long_history_is_found_over_several_short_pages(tmp_path: Path) -> None:
    database = unhurried(tmp_path / "db" / "orchestrator.db")
    database.create_if_missing()
    rows = Rows(database)
    rows.dag("a")
    with database.write() as tx:
        old, _ = rows.put_run(tx, "a")
        rows.put_task(tx, old, "load", "failed")
        _, key = rows.put_run(tx, "a")
        tx.executemany(
            "INSERT INTO task_instances (run_key, dag_id, task_id) VALUES (?, 'a', ?)",
            [(key, f"t{number}") for number in range(window.WINDOW + 5)],
        )
    before: int | None = None
    sizes = []
    with database.read() as tx:
        while True:
            page = task_instances.list_task_instances(
                tx, limit=50, before=before, dag_id="a", state="failed"
            )
            sizes.append(len(page.items))
            before = page.next_key
            if before is None:
                break
    database.close()
    assert sizes == [0, 1]
