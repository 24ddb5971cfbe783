"""What the first view shows: open failures however old, what runs, what waits, and what changed."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.database.queries import access_tokens, attempts, housekeeping, task_instances
from tests.support.api import Api
from tests.support.rows import START
from tests.support.waiting import HANG_SECONDS


def overview(api: Api) -> Any:
    return api.get("/api/overview?hours=24").json


def number(api: Api, since: int = 0) -> tuple[int, bool]:
    answer = api.get(f"/api/changes?since={since}").json
    return answer["number"], answer["has_changed"]


def test_a_failure_is_listed_however_many_runs_came_after_it(api: Api) -> None:
    api.rows.dag("nightly", name="Nightly")
    run_id = api.rows.run("nightly", "failed")
    api.rows.task(run_id, "load", "failed", reason="exit code 3")
    api.rows.dag("busy")
    for _ in range(500):
        api.rows.run("busy")
    (failure,) = overview(api)["failures"]
    assert (failure["dag_id"], failure["name"], failure["count"]) == ("nightly", "Nightly", 1)
    assert failure["run"]["run_id"] == run_id
    assert failure["run"]["cause"]["task_id"] == "load"
    (dag,) = api.get("/api/dags?recent=5&search=nightly").json["activity"]
    assert dag["open_failure"]["run"]["run_id"] == run_id
    assert [run["run_id"] for run in dag["recent_runs"]] == [run_id]


def test_failures_are_counted_and_leave_when_acknowledged(api: Api) -> None:
    api.rows.dag("a")
    api.rows.run("a", "failed")
    last = api.rows.run("a", "failed")
    assert [(row["count"], row["run"]["run_id"]) for row in overview(api)["failures"]] == [
        (2, last)
    ]
    assert [dag["dag_id"] for dag in api.get("/api/dags?failing=true").json["dags"]] == ["a"]
    api.send("POST", f"/api/runs/{last}/acknowledge", {})
    assert (overview(api)["failures"], overview(api)["failing_dags"]) == ([], 0)
    assert api.get("/api/dags?failing=true").json["dags"] == []


def test_a_success_with_a_failed_task_is_an_open_failure_that_can_be_acknowledged(api: Api) -> None:
    api.rows.dag("a")
    run_id = api.rows.run("a", "success", failed_tasks=1)
    (failure,) = overview(api)["failures"]
    assert (failure["run"]["state"], failure["run"]["failed_tasks"]) == ("success", 1)
    assert "acknowledge" in failure["run"]["actions"]
    reply = api.send("POST", f"/api/runs/{run_id}/acknowledge", {"note": "known"})
    assert (reply.status, reply.json["acknowledged_note"]) == (200, "known")
    assert overview(api)["failures"] == []


def test_running_and_waiting_are_counted_apart_and_a_backfill_is_one_row(api: Api) -> None:
    api.rows.dag("a", name="A")
    running, waiting = api.rows.run("a", "running"), api.rows.run("a", "queued")
    backfill = api.rows.backfill("a")
    for state in ("running", "running", "queued"):
        api.rows.run("a", state, backfill_id=backfill, run_type="backfill")
    seen = overview(api)
    assert (seen["running_runs"], seen["waiting_runs"]) == (3, 2)
    assert [run["run_id"] for run in seen["runs"]] == [running, waiting]
    assert seen["backfills"] == [
        {"backfill_id": backfill, "dag_id": "a", "name": "A", "running_runs": 2, "waiting_runs": 1}
    ]
    (dag,) = api.get("/api/dags?recent=1").json["activity"]
    assert (dag["running_runs"], dag["waiting_runs"]) == (3, 2)


def test_failures_are_paged_the_latest_first(api: Api) -> None:
    for dag_id in "abc":
        api.rows.dag(dag_id)
        api.rows.run(dag_id, "failed")
    first = api.get("/api/failures?limit=2").json
    assert [row["dag_id"] for row in first["failures"]] == ["c", "b"]
    second = api.get(f"/api/failures?limit=2&cursor={first['next_cursor']}").json
    assert [row["dag_id"] for row in second["failures"]] == ["a"]
    assert second["next_cursor"] is None


@pytest.mark.parametrize("what", ["dag", "file", "run"])
def test_what_people_see_is_a_change(api: Api, what: str) -> None:
    api.rows.dag("a")
    before, _ = number(api)
    assert number(api, before) == (before, False)
    if what == "dag":
        api.rows.dag("b")
    elif what == "file":
        api.rows.broken("b.yaml")
    else:
        api.rows.run("a")
    after, has_changed = number(api, before)
    assert has_changed
    assert after > before


def test_bookkeeping_is_no_change(api: Api) -> None:
    api.rows.dag("a")
    run_id = api.rows.run("a", "running")
    api.rows.task(run_id, "load", "running")
    with api.database.write() as tx:
        access_tokens.insert(tx, "t", "viewer", "0", START)
    before, _ = number(api)
    with api.database.write() as tx:
        housekeeping.record_tick(tx, START, 5, {}, [])
        housekeeping.set_time(tx, "last_round", START)
        access_tokens.note_use(tx, 1, START, START)
        (task,) = task_instances.of_run(tx, 1)
        assert attempts.beat(tx, task, START, START, START, START)
    assert tx.commit_seq is not None
    assert number(api, before) == (before, False)


def test_a_change_ends_the_wait_for_it(api: Api) -> None:
    api.rows.dag("a")
    since, _ = number(api)
    bootstrap.configure(replace(bootstrap.ports(), commits=api.database.commits))
    changing = threading.Timer(0, lambda: api.rows.run("a"))
    changing.start()
    answer = api.get(f"/api/changes?since={since}&wait=20").json
    changing.join(HANG_SECONDS)
    assert answer["has_changed"]
