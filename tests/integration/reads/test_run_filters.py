"""Which runs a list shows: each filter alone and together with others, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.database import Database
from chalicelib.database.connection.times import to_us
from chalicelib.database.reads import run_filters, runs, window
from chalicelib.database.reads.run_filters import Key, RunFilter, parse_key
from chalicelib.database.reads.run_values import Run
from tests.support.databases import unhurried
from tests.support.rows import START, Rows

DAY = timedelta(days=1)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = unhurried(tmp_path / "db" / "orchestrator.db")
    database.create_if_missing()
    yield database
    database.close()


def fill(database: Database) -> Rows:
    """Four DAGs with a run for each of ten days, of changing states and types."""
    rows = Rows(database)
    for dag_id, name, tags in (
        ("etl_eu", "Sales Europe", ("sales", "nightly")),
        ("etl_us", "Sales America", ("sales",)),
        ("report", "Weekly report", ("nightly",)),
        ("backup", "Backup of sales", ()),
    ):
        rows.dag(dag_id, name=name, tags=tags)
    states = ("success", "failed", "cancelled", "running", "queued")
    types = ("scheduled", "manual", "backfill")
    for day in range(10):
        for number, dag_id in enumerate(("etl_eu", "etl_us", "report", "backup")):
            rows.run(
                dag_id,
                states[(day + number) % 5],
                run_type=types[(day + 2 * number) % 3],
                # Later days were made first, as a backfill in reverse does.
                logical_date=to_us(START - day * DAY + number * timedelta(hours=1)),
            )
    return rows


def listed(database: Database, wanted: RunFilter, limit: int = 3) -> list[Run]:
    """All pages, each of which is at most `limit` long."""
    items: list[Run] = []
    before: Key | None = None
    with database.read() as tx:
        while True:
            page = runs.list_runs(tx, wanted, limit=limit, before=before)
            assert len(page.items) <= limit
            items += page.items
            if page.next_key is None:
                return items
            before = parse_key(page.next_key, wanted)


def fits(run: Run, wanted: RunFilter) -> bool:
    names = {"etl_eu": "Sales Europe", "etl_us": "Sales America", "report": "Weekly report"}
    tags = {"etl_eu": ("sales", "nightly"), "etl_us": ("sales",), "report": ("nightly",)}
    name = f"{run.dag_id} {names.get(run.dag_id, 'Backup of sales')}".lower()
    return (
        wanted.dag_id in (None, run.dag_id)
        and (wanted.name or "").lower() in name
        and (wanted.tag is None or wanted.tag in tags.get(run.dag_id, ()))
        and wanted.state in (None, run.state)
        and wanted.run_type in (None, run.run_type)
        and (wanted.from_date is None or run.logical_date >= wanted.from_date)
        and (wanted.to_date is None or run.logical_date <= wanted.to_date)
    )


FILTERS: dict[str, Any] = {
    "dag_id": [None, "etl_us"],
    "name": [None, "SALES", "report"],
    "tag": [None, "nightly", "nobody"],
    "state": [None, "failed", "success"],
    "run_type": [None, "manual", "scheduled"],
    "from_date": [None, START - 6 * DAY],
    "to_date": [None, START - 2 * DAY],
}


def combinations() -> list[RunFilter]:
    wanted = [RunFilter()]
    for name, values in FILTERS.items():
        wanted = [
            RunFilter(**{**{n: getattr(one, n) for n in FILTERS}, name: value})
            for one in wanted
            for value in values
        ]
    return wanted


@pytest.mark.parametrize("rows_at_once", [10_000, 4])
def test_every_combination_of_filters_lists_what_fits_each_of_them(
    database: Database, monkeypatch: pytest.MonkeyPatch, rows_at_once: int
) -> None:
    fill(database)
    if rows_at_once < window.WINDOW:
        monkeypatch.setattr(run_filters, "WINDOW", rows_at_once)
        scans = run_filters.scans(runs._COLUMNS, runs._JOINED)
        monkeypatch.setattr(runs, "SCANS", scans)
    everything = listed(database, RunFilter(), 500)
    assert len(everything) == 40
    for wanted in combinations():
        expected = [run for run in everything if fits(run, wanted)]
        if wanted.is_dated:
            expected.sort(key=lambda run: run.logical_date, reverse=True)
        assert listed(database, wanted) == expected, wanted


def test_a_cause_is_looked_for_in_reasons_and_short_logs(database: Database) -> None:
    rows = Rows(database)
    rows.dag("a")
    by_reason = rows.run("a", "failed", reason="run timeout of 1h exceeded")
    by_task = rows.run("a", "failed", reason="failed: load")
    rows.task(by_task, "load", "failed", reason="exit code 137: OUT OF MEMORY")
    by_log = rows.run("a", "failed", reason="failed: load")
    key = rows.task(by_log, "load", "failed", {}, reason="exit code 1")
    with database.write() as tx:
        tx.execute(
            "INSERT INTO short_logs (task_instance_id, try_number, log) VALUES (?, 1, ?)",
            (key, "2026-11-23T10:00:00.000Z OSError: Disk full\n"),
        )
    in_success = rows.run("a", "success")
    rows.task(in_success, "load", "failed", reason="exit code 1: disk full")
    history = rows.run("a", "success")
    rows.task(history, "load", "failed", reason="disk full", removed_at=to_us(START))
    for text, expected in {
        "TIMEOUT OF": [by_reason],
        "out of memory": [by_task],
        "disk full": [in_success, by_log],
        "no such words": [],
    }.items():
        assert [run.run_id for run in listed(database, RunFilter(cause=text))] == expected
    (run,) = listed(database, RunFilter(cause="memory", state="failed"))
    assert run.cause is not None
    assert (run.cause.task_id, run.cause.reason) == ("load", "exit code 137: OUT OF MEMORY")


def test_the_task_that_failed_first_is_the_cause(database: Database) -> None:
    rows = Rows(database)
    rows.dag("a")
    run_id = rows.run("a", "failed")
    rows.task(run_id, "fine")
    rows.task(run_id, "late", "failed", ended_at=to_us(START + 2 * DAY))
    rows.task(run_id, "early", "failed", ended_at=to_us(START + DAY))
    (run,) = listed(database, RunFilter())
    assert run.cause is not None
    assert (run.cause.task_id, run.cause.map_index, run.cause.try_number) == ("early", -1, 1)
    rows.run("a", "success")
    assert listed(database, RunFilter(state="success"))[0].cause is None


RUNS = """
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count)
    INSERT INTO runs (run_id, dag_id, version_id, run_type, state, logical_date,
        data_interval_start, data_interval_end, not_before, created_at, admitted_at, ended_at)
    SELECT printf('%s_%d', :dag_id, i), :dag_id, 1, 'scheduled', 'success', i, i, i, i, i, i, i
    FROM n
"""


def test_what_is_rare_is_found_at_once_below_a_long_history(database: Database) -> None:
    rows = Rows(database)
    rows.dag("rare", name="Rare", tags=("monthly",))
    rows.dag("busy")
    run_id = rows.run("rare", "failed", run_type="manual", logical_date=7)
    rows.task(run_id, "load", "failed", reason="disk full")
    with database.write() as tx:
        tx.execute(RUNS, {"count": 3 * window.WINDOW, "dag_id": "busy"})
    start = datetime.fromisoformat("1970-01-01T00:00:00Z")
    with database.read() as tx:
        for wanted in (
            RunFilter(name="rar"),
            RunFilter(tag="monthly", acknowledged=False),
            RunFilter(run_type="manual"),
            RunFilter(state="failed", cause="full"),
            RunFilter(dag_id="rare", cause="full"),
            RunFilter(from_date=start, to_date=start + timedelta(microseconds=9), cause="full"),
            RunFilter(state="failed", from_date=start, to_date=start + 9 * DAY),
        ):
            page = runs.list_runs(tx, wanted, limit=50)
            assert [run.run_id for run in page.items] == [run_id], wanted
            assert page.next_key is None
        page = runs.list_runs(tx, RunFilter(cause="full"), limit=50)
        assert (page.items, page.next_key is None) == ([], False)
