"""The past of a DAG: no failed copy hides in its grid, a day has counts, queues are told apart."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.database.connection.times import to_us
from chalicelib.database.reads import dag_history
from tests.support.api import Api
from tests.support.rows import SECOND, START


def grid(api: Api, query: str = "") -> Any:
    return api.get(f"/api/dags/a/grid?{query}").json


def mapped(api: Api, run_id: str, *states: str) -> None:
    for index, state in enumerate(states):
        api.rows.task(run_id, "copy", state, map_index=index)


def test_a_failed_copy_is_counted_among_thousands(api: Api) -> None:
    api.rows.dag("a")
    run_id = api.rows.run("a", "failed")
    mapped(api, run_id, *["success"] * 30, "failed", *["success"] * 30)
    api.rows.task(run_id, "load", "failed", try_number=3, reason="exit code 3")
    cells = {cell["task_id"]: cell for cell in grid(api)["cells"]}
    assert cells["copy"]["counts"] == {"success": 60, "failed": 1}
    assert (cells["load"]["tries"], cells["load"]["reason"]) == (3, "exit code 3")


def test_older_runs_are_on_further_pages(api: Api) -> None:
    api.rows.dag("a")
    ids = [api.rows.run("a") for _ in range(5)]
    for run_id in ids:
        api.rows.task(run_id, "load")
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = grid(api, f"limit=2&cursor={cursor}" if cursor else "limit=2")
        of_cells = {cell["run_id"] for cell in page["cells"]}
        assert of_cells == {run["run_id"] for run in page["runs"]}
        seen += [run["run_id"] for run in page["runs"]]
        cursor = page["next_cursor"]
    assert seen == ids[::-1]


def test_a_page_of_wide_runs_is_shorter(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dag_history, "WINDOW", 5)
    api.rows.dag("a")
    ids = [api.rows.run("a") for _ in range(3)]
    for run_id in ids:
        mapped(api, run_id, *["success"] * 2)
    first = grid(api)
    assert [run["run_id"] for run in first["runs"]] == [ids[2], ids[1]]
    second = grid(api, f"cursor={first['next_cursor']}")
    assert [run["run_id"] for run in second["runs"]] == [ids[0]]
    assert second["next_cursor"] is None


def at(hour: int) -> dict[str, Any]:
    """Columns of a run for an hour of 23 November, or of the next day."""
    return {"logical_date": to_us(START.replace(hour=0) + hour * 3600 * SECOND)}


def test_a_day_counts_its_runs_in_the_time_zone_of_the_dag(api: Api) -> None:
    api.rows.dag("a", timezone="America/New_York")
    api.rows.run("a", "failed", **at(3))  # the evening before, in New York
    api.rows.run("a", **at(12))
    api.rows.run("a", **at(13), failed_tasks=1)
    failed = api.rows.run("a", "failed", **at(14))
    days = api.get("/api/dags/a/days").json["days"]
    assert [(day["date"], day["counts"], day["partial"]) for day in days] == [
        ("2026-11-23", {"failed": 1, "success": 2}, 1),
        ("2026-11-22", {"failed": 1}, 0),
    ]
    assert days[0]["run_id"] == failed


def test_days_are_whole_on_each_page(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dag_history, "WINDOW", 3)
    api.rows.dag("a")
    for hour in (1, 2, 25, 26, 49):
        api.rows.run("a", **at(hour))
    first = api.get("/api/dags/a/days").json
    second = api.get(f"/api/dags/a/days?cursor={first['next_cursor']}").json
    pages = [
        [(day["date"][-2:], day["counts"]) for day in page["days"]] for page in (first, second)
    ]
    assert pages == [[("25", {"success": 1}), ("24", {"success": 2})], [("23", {"success": 2})]]
    assert second["next_cursor"] is None


def test_the_time_in_the_queue_is_not_part_of_the_duration(api: Api) -> None:
    api.rows.dag("a")
    run_id = api.rows.run("a")
    times = {"queued_at": START, "started_at": START + 40 * SECOND, "ended_at": START + 50 * SECOND}
    columns: dict[str, Any] = {name: to_us(time) for name, time in times.items()}
    api.rows.task(run_id, "load", "success", **columns)
    mapped(api, run_id, "failed", "success")
    tasks = {row["task_id"]: row for row in api.get("/api/dags/a/durations").json["tasks"]}
    assert (tasks["load"]["typical"], tasks["load"]["typical_wait"]) == (10.0, 40.0)
    assert (tasks["copy"]["count"], tasks["copy"]["failed"]) == (1, 1)


@pytest.mark.parametrize("what", ["grid", "days", "durations"])
def test_a_dag_that_is_not_there_has_no_past(api: Api, what: str) -> None:
    reply = api.get(f"/api/dags/none/{what}")
    assert (reply.status, reply.error["code"]) == (404, "not_found")
