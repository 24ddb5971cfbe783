"""What people do to runs and tasks, over the API."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.dag.model import Param, Task
from chalicelib.dag.states import RunState, TaskState
from chalicelib.database.connection.times import to_us
from tests.support.api import Api, Reply
from tests.support.rows import START

NOTHING_THERE = "a__20260101T000000Z_zzzzz"

ROUTES = [
    ("POST", "cancel"),
    ("POST", "clear"),
    ("POST", "retry"),
    ("POST", "rerun"),
    ("POST", "tasks/load/cancel"),
    ("POST", "tasks/load/clear"),
]


@pytest.fixture
def failed(api: Api) -> str:
    """A run of `extract`, which succeeded, and `load`, which failed; answers its run_id."""
    api.rows.dag("a")
    run_id = api.rows.run("a", "failed", params='{"n": 1}')
    api.rows.task(run_id, "extract")
    api.rows.task(run_id, "load", "failed")
    return run_id


@pytest.fixture
def running(api: Api) -> str:
    """A run of which `extract` runs and `load` waits."""
    api.rows.dag("a")
    run_id = api.rows.run("a", "running")
    api.rows.task(run_id, "extract", "running", sends=1)
    api.rows.task(run_id, "load", "none")
    return run_id


def run_of(api: Api, run_id: str) -> dict[str, Any]:
    run: dict[str, Any] = api.get(f"/api/runs/{run_id}").json
    return run


def states(api: Api, run_id: str) -> dict[str, str]:
    return {t["task_id"]: t["state"] for t in run_of(api, run_id)["task_instances"]}


def post(api: Api, run_id: str, what: str, **body: Any) -> Reply:
    return api.send("POST", f"/api/runs/{run_id}/{what}", body)


def audited(api: Api) -> list[tuple[str, str]]:
    """(action, target) of every row, the newest first."""
    return [(row["action"], row["target"]) for row in api.get("/api/audit").json["audit"]]


@pytest.mark.parametrize(("method", "what"), ROUTES)
def test_nothing_can_be_done_to_a_run_that_is_not_there(api: Api, method: str, what: str) -> None:
    reply = api.request(method, f"/api/runs/{NOTHING_THERE}/{what}")
    assert (reply.status, reply.error["code"]) == (404, "not_found")
    assert audited(api) == []


@pytest.mark.parametrize("what", ["cancel", "clear", "mark"])
def test_nothing_can_be_done_to_a_task_that_is_not_there(api: Api, failed: str, what: str) -> None:
    body = {"state": "success"} if what == "mark" else {}
    assert post(api, failed, f"tasks/nope/{what}", **body).status == 404
    assert audited(api) == []


def test_a_run_that_is_cancelled_stops_what_runs_and_never_starts_the_rest(
    api: Api, running: str
) -> None:
    reply = post(api, running, "cancel")
    assert (reply.status, reply.json["stopping"]) == (200, "cancelled")
    assert "cancel" not in reply.json["actions"]
    assert states(api, running)["load"] == "cancelled"
    assert audited(api) == [("cancel", running)]


def test_a_second_click_on_cancel_changes_nothing(api: Api, running: str) -> None:
    first = post(api, running, "cancel")
    second = post(api, running, "cancel")
    assert (second.status, second.json) == (200, first.json)
    assert len(audited(api)) == 1


def test_a_run_that_has_ended_cannot_be_cancelled(api: Api, failed: str) -> None:
    reply = post(api, failed, "cancel")
    assert (reply.status, reply.error["code"]) == (409, "conflict")
    assert audited(api) == []


def test_what_a_clear_would_do_is_shown_before_it_is_done(api: Api, failed: str) -> None:
    before = run_of(api, failed)
    plan = post(api, failed, "clear", dry_run=True)
    assert plan.json["dry_run"] is True
    assert plan.json["task_instances"] == [
        {"task_id": "extract", "map_index": -1, "state": "success"},
        {"task_id": "load", "map_index": -1, "state": "failed"},
    ]
    assert run_of(api, failed) == before
    assert audited(api) == []
    done = post(api, failed, "clear")
    assert done.json == {**plan.json, "dry_run": False}
    assert states(api, failed)["load"] == "none"
    assert audited(api) == [("clear", failed)]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"task_ids": ["extract"]}, ["extract"]),
        ({"task_ids": ["extract"], "downstream": True}, ["extract", "load"]),
        ({"only_failed": True}, ["load"]),
        ({"task_ids": ["extract"], "downstream": True, "only_failed": True}, ["load"]),
        ({}, ["extract", "load"]),
    ],
)
def test_what_is_cleared_can_be_chosen(
    api: Api, failed: str, body: dict[str, Any], expected: list[str]
) -> None:
    reply = post(api, failed, "clear", dry_run=True, **body)
    assert [task["task_id"] for task in reply.json["task_instances"]] == expected


def test_one_task_is_cleared_with_what_comes_after_it(api: Api, failed: str) -> None:
    reply = post(api, failed, "tasks/extract/clear", downstream=True, dry_run=True)
    assert [task["task_id"] for task in reply.json["task_instances"]] == ["extract", "load"]
    alone = post(api, failed, "tasks/extract/clear", dry_run=True)
    assert [task["task_id"] for task in alone.json["task_instances"]] == ["extract"]


def test_the_attempts_of_a_cleared_task_stay(api: Api, failed: str) -> None:
    post(api, failed, "tasks/load/clear")
    attempts = api.get(f"/api/runs/{failed}/tasks/load").json["attempts"]
    assert [(attempt["try_number"], attempt["outcome"]) for attempt in attempts] == [(1, "failed")]


def test_a_retry_runs_again_what_failed_and_only_that(api: Api, failed: str) -> None:
    api.clock.moment = api.rows.now  # the run's own moment has come
    reply = post(api, failed, "retry")
    assert [task["task_id"] for task in reply.json["task_instances"]] == ["load"]
    assert run_of(api, failed)["state"] == "queued"
    assert states(api, failed) == {"extract": "success", "load": "queued"}


def test_a_run_in_which_nothing_failed_cannot_be_retried(api: Api) -> None:
    api.rows.dag("a")
    run_id = api.rows.run("a")
    api.rows.task(run_id, "extract")
    assert post(api, run_id, "retry").status == 409


def test_a_rerun_is_a_new_run_with_the_same_params(api: Api) -> None:
    api.rows.dag("a", params=(Param("n", "integer", 0),))
    run_id = api.send("POST", "/api/dags/a/run", {"params": {"n": 7}}).json["run_id"]
    reply = post(api, run_id, "rerun")
    assert reply.status == 201
    assert reply.json["run_id"] != run_id
    assert run_of(api, reply.json["run_id"])["params"] == {"n": 7}


def test_the_params_of_a_run_are_checked_and_kept(api: Api) -> None:
    api.rows.dag("a", params=(Param("n", "integer", 5, maximum=9), Param("s")))
    assert [param["name"] for param in api.get("/api/dags/a").json["params"]] == ["n", "s"]
    hostile = "$(touch /tmp/x); \"' \u00e4"
    run = api.send("POST", "/api/dags/a/run", {"params": {"s": hostile}}).json
    assert run_of(api, run["run_id"])["params"] == {"n": 5, "s": hostile}
    reply = api.send("POST", "/api/dags/a/run", {"params": {"n": 10, "x": 1}})
    assert reply.status == 400
    assert "'n'" in reply.error["message"]
    assert "'x'" in reply.error["message"]
    assert len(api.get("/api/runs").json["runs"]) == 1


def test_a_note_is_written_and_removed(api: Api, failed: str) -> None:
    path = f"/api/runs/{failed}"
    assert api.send("PATCH", path, {"note": "looked at"}).json["note"] == "looked at"
    assert api.send("PATCH", path, {"note": None}).json["note"] is None
    assert audited(api) == [("note", failed), ("note", failed)]
    assert api.send("PATCH", path, {}).status == 400


def test_a_waiting_task_that_is_cancelled_never_starts(api: Api, running: str) -> None:
    assert post(api, running, "tasks/load/cancel").status == 200
    assert states(api, running) == {"extract": "running", "load": "cancelled"}
    assert audited(api) == [("cancel task", running)]
    assert post(api, running, "tasks/load/cancel").status == 409


def test_a_task_that_is_marked_moves_its_run(api: Api, failed: str) -> None:
    assert post(api, failed, "tasks/load/mark", state="success").status == 200
    assert states(api, failed)["load"] == "success"
    assert audited(api) == [("mark success", failed)]


def test_a_running_task_cannot_be_marked_or_cleared(api: Api, running: str) -> None:
    assert post(api, running, "tasks/extract/mark", state="failed").status == 409
    assert post(api, running, "tasks/extract/clear").status == 409
    assert states(api, running)["extract"] == "running"


@pytest.mark.parametrize("body", [{}, {"state": "cancelled"}, {"state": None}])
def test_a_task_is_marked_success_failed_or_skipped(
    api: Api, failed: str, body: dict[str, Any]
) -> None:
    reply = post(api, failed, "tasks/load/mark", **body)
    assert (reply.status, reply.error["details"]) == (400, {"field": "state"})


def test_a_copy_is_named_by_its_map_index(api: Api) -> None:
    tasks = (Task("t", "echo", expand={"N": [1, 2]}),)
    api.rows.dag("a", tasks=tasks)
    run_id = api.rows.run("a", "failed")
    for index in (0, 1):
        api.rows.task(run_id, "t", "failed", map_index=index, item=f'{{"N": {index}}}')
    assert post(api, run_id, "tasks/t/mark", state="success", map_index=1).status == 200
    shown = {t["map_index"]: t["state"] for t in run_of(api, run_id)["task_instances"]}
    assert shown == {0: "failed", 1: "success"}
    assert api.get(f"/api/runs/{run_id}/tasks/t?map_index=1").json["item"] == {"N": 1}
    assert post(api, run_id, "tasks/t/mark", state="success", map_index=9).status == 404
    for path in ("", "/logs"):
        reply = api.get(f"/api/runs/{run_id}/tasks/t{path}")
        assert (
            reply.status,
            "mapped instances; choose one with map_index" in str(reply.error),
        ) == (404, True)
        reply = api.get(f"/api/runs/{run_id}/tasks/t{path}?map_index=9")
        assert (reply.status, "has no mapped instance 9" in str(reply.error)) == (404, True)


ATTEMPTED: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "cancel": [("cancel", {})],
    "clear": [("clear", {})],
    "mark_success": [("mark", {"state": "success"})],
    "mark_failed": [("mark", {"state": "failed"})],
    "mark_skipped": [("mark", {"state": "skipped"})],
}


@pytest.mark.parametrize("state", TaskState)
@pytest.mark.parametrize("action", ATTEMPTED)
def test_what_is_offered_for_a_task_can_be_done(api: Api, state: TaskState, action: str) -> None:
    api.rows.dag("a")
    run_id = api.rows.run("a", "running")
    due_at = to_us(START) if state in ("up_for_retry", "up_for_reschedule") else None
    tries = int(state not in ("none", "scheduled"))
    api.rows.task(run_id, "extract", state, sends=1, due_at=due_at, try_number=tries)
    api.rows.task(run_id, "load", "none")
    offered = api.get(f"/api/runs/{run_id}/tasks/extract").json["actions"]
    for what, body in ATTEMPTED[action]:
        reply = post(api, run_id, f"tasks/extract/{what}", **body)
        assert (reply.status == 200) >= (action in offered), (state, action, reply.json)


def test_nothing_is_offered_for_the_tasks_of_a_run_that_is_being_stopped(
    api: Api, running: str
) -> None:
    assert api.get(f"/api/runs/{running}/tasks/extract").json["actions"] == ["cancel"]
    post(api, running, "cancel")
    assert {tuple(t["actions"]) for t in run_of(api, running)["task_instances"]} == {()}


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (RunState.QUEUED, ["cancel", "rerun", "note"]),
        (RunState.RUNNING, ["cancel", "rerun", "note"]),
        (RunState.SUCCESS, ["clear", "rerun", "note"]),
        (RunState.FAILED, ["clear", "retry", "rerun", "note", "acknowledge"]),
        (RunState.CANCELLED, ["clear", "retry", "rerun", "note"]),
    ],
)
def test_each_state_of_a_run_offers_what_is_legal_in_it(
    api: Api, state: RunState, expected: list[str]
) -> None:
    api.rows.dag("a")
    run_id = api.rows.run("a", state)
    assert run_of(api, run_id)["actions"] == expected
    assert api.get("/api/runs").json["runs"][0]["actions"] == expected


def test_a_run_that_was_cancelled_is_not_being_stopped_any_more(api: Api) -> None:
    api.rows.dag("a")
    run_id = api.rows.run("a", "cancelled", stopping="cancelled")
    assert run_of(api, run_id)["stopping"] is None
    assert "retry" in run_of(api, run_id)["actions"]


def test_dags_are_paused_by_their_tag(api: Api) -> None:
    for dag_id in ("a", "b"):
        api.rows.dag(dag_id, tags=("t",), schedule=("@hourly",))
    api.rows.dag("c", schedule=("@hourly",))
    paused = api.send("POST", "/api/dags/pause", {"tag": "t", "is_paused": True})
    assert paused.json == {"dag_ids": ["a", "b"]}
    shown = {dag["dag_id"]: dag["is_paused"] for dag in api.get("/api/dags").json["dags"]}
    assert shown == {"a": True, "b": True, "c": False}
    again = api.send("POST", "/api/dags/pause", {"tag": "t", "is_paused": True})
    assert again.json == {"dag_ids": []}
    assert audited(api) == [("pause", "b"), ("pause", "a")]
