"""Which version of the file runs again, over the API."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.dag.model import Param, Task
from tests.support.api import Api, Reply
from tests.support.rows import TASKS

EXTRACT, LOAD = TASKS
CHECK = Task("check", "echo check", ("load",))
MENDED = Task("load", "echo mended", ("extract",), retries=2)


@pytest.fixture
def failed(api: Api) -> str:
    """A run of which `load` failed; the file has changed since: `load` is mended, `check` new."""
    api.rows.dag("a", tasks=(EXTRACT, LOAD, Task("old", "echo old")))
    run_id = api.rows.run("a", "failed")
    api.rows.task(run_id, "extract")
    api.rows.task(run_id, "load", "failed")
    api.rows.task(run_id, "old")
    api.rows.dag("a", tasks=(EXTRACT, MENDED, CHECK), env={"A": "b"})
    return run_id


def post(api: Api, run_id: str, what: str, **body: Any) -> Reply:
    return api.send("POST", f"/api/runs/{run_id}/{what}", body)


def tasks(api: Api, run_id: str) -> dict[str, dict[str, Any]]:
    run = api.get(f"/api/runs/{run_id}").json
    return {task["task_id"]: task for task in run["task_instances"]}


@pytest.mark.parametrize("what", ["clear", "retry", "tasks/load/clear"])
def test_what_runs_again_tells_its_version_and_what_changed(
    api: Api, failed: str, what: str
) -> None:
    plan = post(api, failed, what, dry_run=True).json
    assert (plan["run_version"], plan["version"], plan["latest_version"]) == (1, 2, 2)
    assert (plan["run_on_latest_version"], plan["has_import_error"]) == (True, False)
    assert plan["changes"] == {
        "added": ["check"],
        "removed": ["old"],
        "changed": [{"task_id": "load", "fields": ["command", "retries"]}],
        "dag_fields": ["env"],
    }
    other = post(api, failed, what, dry_run=True, run_on_latest_version=False).json
    assert (other["version"], other["latest_version"]) == (1, 2)
    assert other["changes"] == plan["changes"]
    assert api.get(f"/api/runs/{failed}").json["version"] == 1
    assert post(api, failed, what).json == {**plan, "dry_run": False}
    assert api.get(f"/api/runs/{failed}").json["version"] == 2
    shown = tasks(api, failed)
    assert shown["check"]["state"] == "none"
    assert (shown["old"]["state"], shown["old"]["actions"]) == ("success", [])
    assert shown["old"]["removed_at"] is not None
    assert shown["load"]["removed_at"] is None


def test_the_run_s_own_version_runs_again_where_it_is_asked_for(api: Api, failed: str) -> None:
    post(api, failed, "retry", run_on_latest_version=False)
    run = api.get(f"/api/runs/{failed}").json
    assert (run["version"], set(tasks(api, failed))) == (1, {"extract", "load", "old"})


def test_a_task_that_the_file_no_longer_has_is_refused_with_that_reason(
    api: Api, failed: str
) -> None:
    for what, body in (("tasks/old/clear", {}), ("clear", {"task_ids": ["load", "old"]})):
        reply = post(api, failed, what, **body)
        assert (reply.status, reply.error["code"]) == (409, "conflict")
        assert "'old'" in reply.error["message"]
        assert "no longer in the file" in reply.error["message"]
        assert reply.error["details"] == {"task_id": "old", "version": 2}
    assert api.get(f"/api/runs/{failed}").json["version"] == 1


def test_params_that_do_not_suit_the_new_version_are_named(api: Api, failed: str) -> None:
    needed = Param("day", type="string", required=True)
    api.rows.dag("a", tasks=TASKS, params=(needed,))
    reply = post(api, failed, "retry", dry_run=True)
    assert reply.status == 409
    assert [problem["param"] for problem in reply.error["details"]["problems"]] == ["day"]
    assert "run_on_latest_version false" in reply.error["message"]


@pytest.mark.parametrize("body", [{"run_on_latest_version": "yes"}, {"run_on_latest_versoin": 1}])
@pytest.mark.parametrize("what", ["clear", "retry", "tasks/load/clear"])
def test_a_word_that_is_wrong_is_told(
    api: Api, failed: str, what: str, body: dict[str, Any]
) -> None:
    reply = post(api, failed, what, **body)
    assert (reply.status, "run_on_latest_version" in reply.error["message"]) == (400, True)


@pytest.mark.parametrize("wanted", [True, False, None])
def test_a_backfill_tells_what_it_takes(api: Api, wanted: bool | None) -> None:
    api.rows.dag("a", schedule=("0 * * * *",), rerun_with_latest_version=wanted is None)
    day = {"from": "2026-11-01T00:00:00Z", "to": "2026-11-01T01:00:00Z"}
    made = api.send("POST", "/api/dags/a/backfill", {**day, "run_on_latest_version": wanted})
    shown = api.get(f"/api/backfills/{made.json['id']}").json
    assert shown["run_on_latest_version"] is (wanted is not False)


def test_each_attempt_tells_its_version(api: Api, failed: str) -> None:
    with api.database.write() as tx:
        tx.execute("UPDATE attempts SET version = 1")
    shown = api.get(f"/api/runs/{failed}/tasks/load").json
    assert [attempt["version"] for attempt in shown["attempts"]] == [1]


def test_a_version_is_told_with_its_own_tasks_and_graph(api: Api, failed: str) -> None:
    first = api.get("/api/dags/a/versions/1").json
    assert (first["dag_id"], first["version"], first["is_active"]) == ("a", 1, False)
    assert first["graph"]["nodes"] == ["extract", "load", "old"]
    assert [task["command"] for task in first["tasks"]][2] == "echo old"
    second = api.get("/api/dags/a/versions/2").json
    assert second["is_active"] is True
    assert {"source": "load", "target": "check"} in second["graph"]["edges"]


@pytest.mark.parametrize("version", ["3", "0", "one", "1e0", "9" * 30])
def test_a_version_that_is_not_kept_is_not_found(api: Api, failed: str, version: str) -> None:
    reply = api.get(f"/api/dags/a/versions/{version}")
    assert reply.status == 404
    assert f"has no version {version}" in reply.error["message"]
    assert api.get(f"/api/dags/nope/versions/{version}").status == 404


def test_a_run_tells_which_version_new_runs_use(api: Api, failed: str) -> None:
    run = api.get(f"/api/runs/{failed}").json
    assert (run["version"], run["latest_version"]) == (1, 2)
