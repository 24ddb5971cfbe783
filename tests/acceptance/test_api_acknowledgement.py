"""Failures that somebody knows of are set aside, until something fails anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.api import Api

NOTE = {"note": "disk was full\nolga looks after it"}


@pytest.fixture
def failed(api: Api) -> str:
    api.rows.dag("a")
    run_id = api.rows.run("a", "failed")
    api.rows.task(run_id, "load", "failed")
    return run_id


def acknowledgement(api: Api, run_id: str) -> tuple[Any, ...]:
    run = api.get(f"/api/runs/{run_id}").json
    return run["acknowledged_at"] is not None, run["acknowledged_by"], run["acknowledged_note"]


def audited(api: Api) -> list[tuple[str, str]]:
    return [(row["action"], row["target"]) for row in api.get("/api/audit").json["audit"]]


def listed(api: Api, query: str) -> list[str]:
    return [run["run_id"] for run in api.get(f"/api/runs?{query}").json["runs"]]


def test_a_failure_is_acknowledged_with_a_note_and_by_whom(api: Api, failed: str) -> None:
    reply = api.send("POST", f"/api/runs/{failed}/acknowledge", NOTE)
    assert reply.status == 200
    assert acknowledgement(api, failed) == (True, "local", NOTE["note"])
    assert "acknowledge" not in reply.json["actions"]
    (row,) = api.get("/api/audit").json["audit"]
    assert (row["action"], row["target"], row["who"]) == ("acknowledge", failed, "local")
    assert row["details"] == NOTE


def test_a_second_click_changes_nothing_and_another_note_is_a_change(api: Api, failed: str) -> None:
    for body in (NOTE, NOTE, {"note": None}, {}):
        assert api.send("POST", f"/api/runs/{failed}/acknowledge", body).status == 200
    assert acknowledgement(api, failed) == (True, "local", None)
    assert audited(api) == [("acknowledge", failed)] * 2


def test_an_acknowledgement_is_taken_back(api: Api, failed: str) -> None:
    api.send("POST", f"/api/runs/{failed}/acknowledge", NOTE)
    for _ in range(2):
        assert api.request("DELETE", f"/api/runs/{failed}/acknowledge").status == 200
    assert acknowledgement(api, failed) == (False, None, None)
    assert audited(api) == [("unacknowledge", failed), ("acknowledge", failed)]


@pytest.mark.parametrize("state", ["queued", "running", "success", "cancelled"])
def test_only_a_failure_can_be_acknowledged(api: Api, state: str) -> None:
    api.rows.dag("a")
    run_id = api.rows.run("a", state)
    reply = api.send("POST", f"/api/runs/{run_id}/acknowledge", {})
    assert (reply.status, reply.error["code"]) == (409, "conflict")
    assert f"is {state}" in reply.error["message"]
    assert audited(api) == []


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_what_is_not_there_cannot_be_acknowledged(api: Api, method: str) -> None:
    path = "/api/runs/a__20260101T000000Z_zzzzz/acknowledge"
    assert api.request(method, path).status == 404


def test_a_failed_run_that_is_cleared_is_acknowledged_no_more(api: Api, failed: str) -> None:
    api.send("POST", f"/api/runs/{failed}/acknowledge", NOTE)
    api.send("POST", f"/api/runs/{failed}/clear", {})
    assert acknowledgement(api, failed) == (False, None, None)
    api.send("POST", f"/api/runs/{failed}/cancel", {})
    assert acknowledgement(api, failed) == (False, None, None)


def test_runs_are_listed_by_whether_their_failure_is_acknowledged(api: Api) -> None:
    api.rows.dag("a")
    one, two = api.rows.run("a", "failed"), api.rows.run("a", "failed")
    fine = api.rows.run("a")
    api.send("POST", f"/api/runs/{one}/acknowledge", {})
    assert listed(api, "acknowledged=true") == [one]
    assert listed(api, "acknowledged=false") == [fine, two]
    assert listed(api, "acknowledged=false&state=failed&dag_id=a") == [two]
    of_dag = api.everything("/api/dags/a/runs", "runs", acknowledged="true", limit=1)
    assert [run["run_id"] for run in of_dag] == [one]


def test_several_failures_are_acknowledged_at_once_or_none_is(api: Api) -> None:
    api.rows.dag("a")
    one, two, fine = (api.rows.run("a", state) for state in ("failed", "failed", "success"))
    reply = api.send("POST", "/api/runs/acknowledge", {"run_ids": [one, fine], **NOTE})
    assert reply.status == 409
    assert audited(api) == []
    reply = api.send("POST", "/api/runs/acknowledge", {"run_ids": [one, one], **NOTE})
    assert (reply.status, reply.json) == (200, {"run_ids": [one]})
    reply = api.send("POST", "/api/runs/acknowledge", {"run_ids": [one, two], **NOTE})
    assert reply.json == {"run_ids": [two]}


@pytest.mark.parametrize("body", [{"run_ids": []}, {"run_ids": ["x"] * 101}, {"note": "x"}])
def test_how_many_are_acknowledged_at_once_is_limited(api: Api, body: dict[str, Any]) -> None:
    assert api.send("POST", "/api/runs/acknowledge", body).status == 400


def test_a_viewer_acknowledges_nothing(tmp_path: Path) -> None:
    api = Api(tmp_path, auth="token")
    api.rows.dag("a")
    run_id = api.rows.run("a", "failed")
    api.sign_in("viewer", "eve")
    assert api.send("POST", f"/api/runs/{run_id}/acknowledge", {}).status == 403
    api.sign_in("operator", "olga")
    api.send("POST", f"/api/runs/{run_id}/acknowledge", {})
    assert acknowledgement(api, run_id) == (True, "olga", None)
    api.close()
