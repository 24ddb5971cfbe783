"""Many runs are changed with one request."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.api import Api


@pytest.fixture
def failed(api: Api) -> list[str]:
    api.rows.dag("a")
    run_ids = [api.rows.run("a", "failed") for _ in range(3)]
    for run_id in run_ids:
        api.rows.task(run_id, "extract")
        api.rows.task(run_id, "load", "failed")
    return run_ids


def bulk(api: Api, **body: Any) -> Any:
    reply = api.send("POST", "/api/runs/bulk", body)
    assert reply.status == 200, reply.json
    return reply.json


def test_the_reach_comes_first_and_then_the_change(api: Api, failed: list[str]) -> None:
    plan = bulk(api, action="retry", run_ids=failed, dry_run=True)
    assert (plan["changed"], plan["tasks"], plan["dry_run"]) == (3, 3, True)
    assert api.get("/api/audit").json["audit"] == []
    done = bulk(api, action="retry", run_ids=failed)
    assert done == {**plan, "dry_run": False}
    assert [row["target"] for row in api.get("/api/audit").json["audit"]] == failed[::-1]
    assert {api.get(f"/api/runs/{run_id}").json["state"] for run_id in failed} <= {
        "queued",
        "running",
    }


def test_a_refused_run_is_told_beside_those_that_changed(api: Api, failed: list[str]) -> None:
    active = api.rows.run("a", "running")
    answer = bulk(api, action="acknowledge", run_ids=[*failed, active, "nope"], note="known")
    assert answer["changed"] == 3
    problems = {run["run_id"]: run["problem"] for run in answer["runs"] if run["problem"]}
    assert set(problems) == {active, "nope"}
    assert "only a failed run can be acknowledged" in problems[active]
    assert api.get(f"/api/runs/{failed[0]}").json["acknowledged_note"] == "known"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"action": "clear"},
        {"action": "rerun", "run_ids": ["a"]},
        {"action": "clear", "run_ids": []},
        {"action": "clear", "run_ids": ["a"] * 501},
        {"action": "clear", "run_ids": ["a"], "task_ids": ["b"]},
    ],
)
def test_what_cannot_be_done_to_many_runs_is_refused(api: Api, body: dict[str, Any]) -> None:
    assert api.send("POST", "/api/runs/bulk", body).status == 400


def test_a_viewer_changes_nothing(api: Api, failed: list[str]) -> None:
    api.database.close()
    signed = Api(api.database.path.parent.parent, auth="token")
    signed.sign_in("viewer")
    reply = signed.send("POST", "/api/runs/bulk", {"action": "clear", "run_ids": failed})
    assert reply.status == 403
    signed.close()
