"""The filters of the lists of runs, as a client uses them."""

from __future__ import annotations

import pytest

from tests.support.api import Api


@pytest.fixture
def mixed(api: Api) -> dict[str, str]:
    """Runs that differ, by what is special about each."""
    api.rows.dag("etl", name="Nightly load", tags=("sales",))
    api.rows.dag("other")
    named = {
        "first": api.rows.run("etl", "success", run_type="manual"),
        "failed": api.rows.run("etl", "failed"),
        "other": api.rows.run("other", "failed"),
    }
    api.rows.task(named["failed"], "load", "failed", reason="exit code 3: no space left")
    return named


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("name=NIGHTLY", ["failed", "first"]),
        ("name=oth", ["other"]),
        ("tag=sales&state=failed", ["failed"]),
        ("tag=nobody", []),
        ("run_type=manual", ["first"]),
        ("cause=No%20Space", ["failed"]),
        ("from=2026-11-23T10:03:30Z", ["other", "failed"]),
        ("to=2026-11-23T10:03:30Z", ["first"]),
        ("from=2026-11-23T10:03:30Z&to=2026-11-24T00:00:00%2B01:00&tag=sales", ["failed"]),
        ("dag_id=etl&state=failed&run_type=scheduled&cause=space", ["failed"]),
    ],
)
def test_runs_are_filtered(
    api: Api, mixed: dict[str, str], query: str, expected: list[str]
) -> None:
    found = api.everything("/api/runs", "runs", **{"limit": 1, "state": "failed"})
    assert len(found) == 2
    reply = api.get(f"/api/runs?{query}")
    assert reply.status == 200, reply.json
    assert [run["run_id"] for run in reply.json["runs"]] == [mixed[name] for name in expected]


def test_a_failed_run_names_the_task_that_failed_first(api: Api, mixed: dict[str, str]) -> None:
    (run,) = api.get("/api/dags/etl/runs?state=failed&cause=space").json["runs"]
    cause = {"task_id": "load", "map_index": -1, "try_number": 1}
    assert cause.items() <= run["cause"].items()
    assert run["cause"]["reason"] == "exit code 3: no space left"


def test_a_cursor_belongs_to_a_list_with_dates_or_to_one_without(
    api: Api, mixed: dict[str, str]
) -> None:
    cursor = api.get("/api/runs?limit=1").json["next_cursor"]
    reply = api.get(f"/api/runs?limit=1&from=2026-01-01T00:00:00Z&cursor={cursor}")
    assert (reply.status, reply.error["code"]) == (400, "invalid_request")
    assert "with the same filters" in reply.error["message"]


@pytest.mark.parametrize(
    "query", ["run_type=cron", "from=yesterday", "to=2026-11-23", "name=", "cause="]
)
def test_a_filter_without_a_meaning_is_refused(api: Api, query: str) -> None:
    assert api.get(f"/api/runs?{query}").status == 400
