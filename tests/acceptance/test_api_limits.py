"""Pools and backfills, over the API."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.dag.model import Param
from tests.support.api import Api, Reply

RANGE = {"from": "2026-11-01T00:00:00Z", "to": "2026-11-01T05:00:00Z"}


def test_a_pool_is_made_changed_and_removed(api: Api) -> None:
    made = api.send("PUT", "/api/pools/db", {"slots": 2, "description": "one database"})
    assert made.status == 200
    assert (made.json["name"], made.json["slots"], made.json["used"]) == ("db", 2, 0)
    assert api.get("/api/pools/db").json == made.json
    assert api.send("PUT", "/api/pools/db", {"slots": 0}).json["slots"] == 0
    removed = api.request("DELETE", "/api/pools/db")
    assert (removed.status, removed.json) == (204, None)
    assert api.get("/api/pools/db").status == 404
    assert api.request("DELETE", "/api/pools/db").status == 404
    actions = [row["action"] for row in api.get("/api/audit").json["audit"]]
    assert actions == ["remove pool", "put pool", "put pool"]


def test_a_pool_tells_what_is_in_use_and_what_waits(api: Api) -> None:
    api.rows.dag("a")
    api.rows.pool("db", 5)
    api.rows.pool("other")
    run_id = api.rows.run("a", "running")
    for number, state in enumerate(["running", "queued", "scheduled", "scheduled", "success"]):
        api.rows.task(run_id, f"t{number}", state, pool="db", pool_slots=number + 1)
    pools = {pool["name"]: pool for pool in api.everything("/api/pools", "pools", limit=1)}
    assert (pools["db"]["used"], pools["db"]["waiting"]) == (3, 2)
    assert (pools["other"]["used"], pools["other"]["waiting"]) == (0, 0)


def test_a_pool_that_a_task_needs_now_cannot_be_removed(api: Api) -> None:
    api.rows.dag("a")
    api.rows.pool("db")
    api.rows.task(api.rows.run("a", "running"), "t", "running", pool="db")
    assert api.request("DELETE", "/api/pools/db").status == 409


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("a%20b", {"slots": 1}),
        ("a%2Fb", {"slots": 1}),
        ("..", {"slots": 1}),
        ("x" * 101, {"slots": 1}),
        ("p", {"slots": -1}),
        ("p", {"slots": None}),
        ("p", {}),
    ],
)
def test_a_pool_needs_a_plain_name_and_a_number_of_slots(
    api: Api, name: str, body: dict[str, Any]
) -> None:
    assert api.send("PUT", f"/api/pools/{name}", body).status == 400
    assert api.get("/api/pools").json["pools"] == []


def backfill(api: Api, **body: Any) -> Reply:
    return api.send("POST", "/api/dags/a/backfill", {**RANGE, **body})


@pytest.fixture
def hourly(api: Api) -> Api:
    api.rows.dag("a", schedule=("0 * * * *",), max_active_runs=2)
    return api


def test_a_backfill_is_planned_without_being_made(hourly: Api) -> None:
    reply = backfill(hourly, dry_run=True)
    assert (reply.status, reply.json["id"]) == (200, None)
    assert (reply.json["total"], reply.json["already"]) == (6, 0)
    assert reply.json["dates"][0] == "2026-11-01T00:00:00Z"
    assert reply.json["dates"][-1] == "2026-11-01T05:00:00Z"
    assert hourly.get("/api/backfills").json["backfills"] == []
    assert hourly.get("/api/runs").json["runs"] == []


def test_a_dag_without_a_schedule_has_no_backfill(api: Api) -> None:
    api.rows.dag("a", schedule=())
    reply = backfill(api)
    assert reply.status == 400
    assert "no schedule" in reply.json["error"]["message"]


def test_a_backfill_makes_its_runs_little_by_little(hourly: Api) -> None:
    reply = backfill(hourly, max_active_runs=1, reverse=True)
    assert reply.status == 201
    key = reply.json["id"]
    (run,) = hourly.get("/api/runs").json["runs"]
    assert (run["run_type"], run["backfill_id"]) == ("backfill", key)
    assert run["logical_date"] == "2026-11-01T05:00:00Z"
    shown = hourly.get(f"/api/backfills/{key}").json
    assert (shown["state"], shown["active_runs"], shown["is_reverse"]) == ("running", 1, True)
    assert shown["counts"] == {"created": 1}
    assert shown["actions"] == ["pause", "cancel"]


PARAMS = (
    Param("region", "string", "eu", enum=("eu", "us")),
    Param("rate", "number", 1),
    Param("day", "string", "{{ ds }}"),
)


def test_the_runs_of_a_backfill_have_its_params_and_the_defaults_of_their_own_dates(
    api: Api,
) -> None:
    api.rows.dag("a", schedule=("0 * * * *",), max_active_runs=2, params=PARAMS)
    # A number that JSON would write differently keeps its spelling, and null means the default.
    body = '{"from": "%s", "to": "%s", "params": {"region": "us", "rate": 1.50, "day": null}}'
    body %= (RANGE["from"], RANGE["to"])
    path = "/api/dags/a/backfill"
    reply = api.request("POST", path, body.encode(), "application/json")
    assert reply.status == 201
    key = reply.json["id"]
    assert api.get(f"/api/backfills/{key}").json["params"] == {"region": "us", "rate": "1.50"}
    runs = api.get(f"/api/runs?backfill_id={key}").json["runs"]
    assert len(runs) == 2
    for run in runs:
        params = api.get(f"/api/runs/{run['run_id']}").json["params"]
        assert params == {"region": "us", "rate": "1.50", "day": "2026-11-01"}


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_backfill_with_params_that_the_dag_refuses_is_not_made(api: Api, dry_run: bool) -> None:
    api.rows.dag("a", schedule=("0 * * * *",), params=PARAMS)
    reply = backfill(api, dry_run=dry_run, params={"region": "mars", "rat": 1})
    assert (reply.status, reply.json["error"]["code"]) == (400, "invalid_params")
    problems = reply.json["error"]["details"]["problems"]
    assert [problem["param"] for problem in problems] == ["rat", "region"]
    assert api.get("/api/backfills").json["backfills"] == []


def test_runs_are_listed_by_backfill(api: Api) -> None:
    api.rows.dag("a")
    api.rows.dag("b")
    first, second = api.rows.backfill("a"), api.rows.backfill("b")
    for dag_id, key in (("a", first), ("b", second), ("a", first)):
        api.rows.run(dag_id, run_type="backfill", backfill_id=key)
    api.rows.run("a")
    runs = api.everything("/api/runs", "runs", backfill_id=first, limit=1)
    assert [run["backfill_id"] for run in runs] == [first, first]
    assert api.everything("/api/runs", "runs", backfill_id=first, dag_id="b") == []
    assert api.get("/api/runs?backfill_id=x").status == 400


def test_a_backfill_is_paused_resumed_and_cancelled(hourly: Api) -> None:
    key = backfill(hourly).json["id"]
    path = f"/api/backfills/{key}"
    paused = hourly.request("POST", f"{path}/pause")
    assert (paused.json["state"], paused.json["actions"]) == ("paused", ["resume", "cancel"])
    assert hourly.request("POST", f"{path}/pause").status == 409
    assert hourly.request("POST", f"{path}/resume").json["state"] == "running"
    cancelled = hourly.request("POST", f"{path}/cancel")
    assert (cancelled.json["state"], cancelled.json["actions"]) == ("cancelled", [])
    assert hourly.request("POST", f"{path}/resume").status == 409
    assert hourly.request("POST", f"{path}/cancel").status == 409


def test_a_run_that_a_cancelled_backfill_has_left_can_be_stopped_later(hourly: Api) -> None:
    key = backfill(hourly).json["id"]
    path = f"/api/backfills/{key}/cancel"
    first, second = (run["run_id"] for run in hourly.get("/api/runs").json["runs"])
    with hourly.database.write() as tx:
        tx.execute("UPDATE runs SET state = 'running' WHERE run_id = ?", (first,))
    left = hourly.request("POST", path).json
    assert (left["state"], left["actions"]) == ("cancelled", ["stop_running"])
    assert hourly.get(f"/api/runs/{second}").json["stopping"] == "cancelled"
    assert hourly.get(f"/api/runs/{first}").json["stopping"] is None
    again = hourly.request("POST", path)
    assert (again.status, "stop_running" in again.error["message"]) == (409, True)
    stopped = hourly.send("POST", path, {"stop_running": True}).json
    assert stopped["actions"] == []
    assert hourly.get(f"/api/runs/{first}").json["stopping"] == "cancelled"
    assert hourly.send("POST", path, {"stop_running": True}).status == 409


def test_backfills_are_filtered_and_newest_first(api: Api) -> None:
    for dag_id in ("a", "b"):
        api.rows.dag(dag_id)
        for state in ("running", "done"):
            api.rows.backfill(dag_id, state)
    keys = [b["id"] for b in api.everything("/api/backfills", "backfills", limit=1)]
    assert keys == [4, 3, 2, 1]
    found = api.everything("/api/backfills", "backfills", dag_id="b", state="done")
    assert [b["id"] for b in found] == [4]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"from": None}, 400),
        ({"to": "2026-11-01"}, 400),
        ({"reprocess": "some"}, 400),
        ({"max_active_runs": 0}, 400),
        ({"from": "2026-11-02T00:00:00Z"}, 400),
    ],
)
def test_a_backfill_that_makes_no_sense_is_refused(
    hourly: Api, body: dict[str, Any], status: int
) -> None:
    assert backfill(hourly, **body).status == status
    assert hourly.get("/api/backfills").json["backfills"] == []


@pytest.mark.parametrize("key", ["0", "7", "x", "-1", "99999999999999999999999"])
@pytest.mark.parametrize("rest", ["", "/pause"])
def test_a_backfill_that_is_not_there_is_not_found(api: Api, key: str, rest: str) -> None:
    reply = api.request("POST" if rest else "GET", f"/api/backfills/{key}{rest}")
    assert (reply.status, reply.error["code"]) == (404, "not_found")


def test_a_backfill_of_an_unknown_or_removed_dag_is_refused(api: Api) -> None:
    assert backfill(api).status == 404
    api.rows.dag("a")
    api.rows.removed("a")
    assert backfill(api).status == 409
