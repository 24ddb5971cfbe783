"""The routes about runs, tasks and logs, as a client sees them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.api import Api


@pytest.fixture
def busy(api: Api) -> Api:
    """Two DAGs with runs in several states."""
    api.rows.dag("a")
    api.rows.dag("b")
    for dag_id in ("a", "b"):
        for state in ("success", "failed", "running", "queued"):
            run_id = api.rows.run(dag_id, state)
            api.rows.task(run_id, "extract", "none" if state == "queued" else "success")
            api.rows.task(run_id, "load", state if state != "queued" else "none")
    return api


def test_a_run_is_made_on_request(api: Api) -> None:
    api.rows.dag("a")
    reply = api.request("POST", "/api/dags/a/run")
    assert reply.status == 201, reply.json
    run_id = reply.json["run_id"]
    assert (reply.json["state"], reply.json["run_type"]) == ("queued", "manual")
    assert reply.json["logical_date"] == "2026-11-23T10:00:00Z"
    assert api.get(f"/api/runs/{run_id}").json["run_id"] == run_id


def test_a_run_takes_what_was_asked_for(api: Api) -> None:
    api.rows.dag("a")
    asked = {
        "logical_date": "2026-01-02T03:04:05.000006+01:00",
        "idempotency_key": "key-1",
        "note": "by hand \u00e4",
    }
    run = api.send("POST", "/api/dags/a/run", asked).json
    assert run["logical_date"] == "2026-01-02T02:04:05.000006Z"
    assert (run["idempotency_key"], run["note"]) == ("key-1", "by hand \u00e4")


def test_the_same_key_again_answers_the_same_run(api: Api) -> None:
    api.rows.dag("a")
    first = api.send("POST", "/api/dags/a/run", {"idempotency_key": "k"})
    again = api.send("POST", "/api/dags/a/run", {"idempotency_key": "k", "note": "other"})
    assert (first.status, again.status) == (201, 200)
    assert first.json == again.json
    assert len(api.get("/api/runs").json["runs"]) == 1


def test_a_date_that_has_its_run_is_a_conflict(api: Api) -> None:
    api.rows.dag("a")
    body = {"logical_date": "2026-01-01T00:00:00Z"}
    assert api.send("POST", "/api/dags/a/run", body).status == 201
    reply = api.send("POST", "/api/dags/a/run", body)
    assert (reply.status, reply.error["code"]) == (409, "conflict")


def test_a_run_of_an_unknown_or_removed_dag_is_refused(api: Api) -> None:
    assert api.request("POST", "/api/dags/nope/run").status == 404
    api.rows.dag("a")
    api.rows.removed("a")
    assert api.request("POST", "/api/dags/a/run").status == 409


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({}, 8),
        ({"dag_id": "a"}, 4),
        ({"state": "failed"}, 2),
        ({"dag_id": "b", "state": "running"}, 1),
        ({"dag_id": "nope"}, 0),
    ],
)
@pytest.mark.parametrize("limit", [1, 3, 500])
def test_runs_are_filtered_and_newest_first(
    busy: Api, query: dict[str, str], count: int, limit: int
) -> None:
    runs = busy.everything("/api/runs", "runs", limit=limit, **query)
    assert len(runs) == count
    assert all(run[name] == value for run in runs for name, value in query.items())
    created = [run["created_at"] for run in runs]
    assert created == sorted(created, reverse=True)


def test_the_runs_of_a_dag_are_those_of_the_filtered_list(busy: Api) -> None:
    assert busy.get("/api/dags/a/runs").json == busy.get("/api/runs?dag_id=a").json
    failed = busy.get("/api/dags/a/runs?state=failed").json
    assert failed == busy.get("/api/runs?dag_id=a&state=failed").json


def test_a_run_comes_with_its_tasks_in_the_order_of_the_dag(busy: Api) -> None:
    run_id = busy.get("/api/runs?dag_id=a&state=success").json["runs"][0]["run_id"]
    run = busy.get(f"/api/runs/{run_id}").json
    assert [task["task_id"] for task in run["task_instances"]] == ["extract", "load"]
    assert run["duration"] == 2.5
    assert run["next_cursor"] is None
    pages = busy.everything(f"/api/runs/{run_id}", "task_instances", limit=1)
    assert pages == run["task_instances"]


def test_a_run_that_has_not_ended_has_no_duration(busy: Api) -> None:
    run = busy.get("/api/runs?dag_id=a&state=running").json["runs"][0]
    assert (run["started_at"] is None, run["ended_at"], run["duration"]) == (False, None, None)


def matches(task: dict[str, Any], query: dict[str, str]) -> bool:
    return all(task[name] == value for name, value in query.items())


@pytest.mark.parametrize("dag_id", [None, "a"])
@pytest.mark.parametrize("task_id", [None, "load"])
@pytest.mark.parametrize("state", [None, "success", "failed"])
@pytest.mark.parametrize("in_run", [False, True])
def test_task_instances_are_filtered_by_every_combination(
    busy: Api, dag_id: str | None, task_id: str | None, state: str | None, in_run: bool
) -> None:
    run_id = busy.get("/api/runs?dag_id=a&state=failed").json["runs"][0]["run_id"]
    given = {
        "dag_id": dag_id,
        "task_id": task_id,
        "state": state,
        "run_id": run_id if in_run else None,
    }
    query = {name: value for name, value in given.items() if value is not None}
    everything = busy.everything("/api/task_instances", "task_instances")
    assert len(everything) == 16
    expected = [task for task in everything if matches(task, query)]
    assert busy.everything("/api/task_instances", "task_instances", limit=1, **query) == expected


def test_a_task_instance_tells_how_its_last_attempt_went(api: Api) -> None:
    api.rows.dag("a")
    run_id = api.rows.run("a")
    api.rows.task(run_id, "load", "failed", reason="exit code 1")
    (task,) = api.get(f"/api/task_instances?run_id={run_id}").json["task_instances"]
    assert task == {
        "dag_id": "a",
        "run_id": run_id,
        "task_id": "load",
        "map_index": -1,
        "state": "failed",
        "try_number": 1,
        "poke": 0,
        "pool": None,
        "pool_slots": 1,
        "priority": 1,
        "queued_at": "2026-11-23T10:03:00Z",
        "not_before": None,
        "first_started_at": None,
        "started_at": "2026-11-23T10:03:01Z",
        "heartbeat_at": None,
        "ended_at": "2026-11-23T10:03:02Z",
        "duration": 1.0,
        "exit_code": 1,
        "signal": None,
        "max_rss_bytes": 4096,
        "log_bytes": 10,
        "reason": "exit code 1",
        "removed_at": None,
        "version": None,
        "waiting_for": [],
        "actions": ["clear", "mark_success", "mark_skipped"],
    }
    detail = api.get(f"/api/runs/{run_id}/tasks/load").json
    (attempt,) = detail.pop("attempts")
    assert detail.pop("place")["place"] == "lambda"
    assert detail == {**task, "item": None, "outputs": {}, "artifacts": []}
    assert (attempt["try_number"], attempt["outcome"], attempt["exit_code"]) == (1, "failed", 1)


@pytest.mark.parametrize(
    "path", ["nope", "{run}/tasks/nope", "{run}/tasks/nope/logs", "{run}/tasks/load?map_index=3"]
)
def test_what_is_not_there_is_not_found(busy: Api, path: str) -> None:
    run_id = busy.get("/api/runs").json["runs"][0]["run_id"]
    reply = busy.get("/api/runs/" + path.format(run=run_id))
    assert reply.status == 404
    assert reply.error["code"] == "not_found"


def log_of(api: Api, state: str, chunks: dict[int, bytes], **columns: Any) -> str:
    """A task in that state whose latest attempt wrote these chunks; answers the log's path."""
    api.rows.dag("a")
    run_id = api.rows.run("a", "running")
    api.rows.task(run_id, "load", state, **columns)
    attempt = api.rows.attempt(run_id, "load", columns.get("try_number", 1))
    for offset, chunk in chunks.items():
        api.runs.put(attempt.log_chunk_key(offset), chunk)
    return f"/api/runs/{run_id}/tasks/load/logs"


def test_a_log_is_read_while_it_grows_and_complete_once_its_attempt_has_ended(api: Api) -> None:
    path = log_of(api, "running", {0: b"one\n"})
    first = api.get(path).json
    assert first == {
        "content": "one\n",
        "next_offset": 4,
        "complete": False,
        "try_number": 1,
        "poke": 0,
    }
    nothing = api.get(f"{path}?offset=4").json
    assert (nothing["content"], nothing["next_offset"], nothing["complete"]) == ("", 4, False)


def test_the_end_of_the_log_of_an_ended_attempt_is_complete(api: Api) -> None:
    path = log_of(api, "success", {0: b"one\n", 4: b"two..\n"}, log_bytes=10)
    assert api.get(path).json == {
        "content": "one\ntwo..\n",
        "next_offset": 10,
        "complete": True,
        "try_number": 1,
        "poke": 0,
    }
    assert api.get(f"{path}?offset=4").json["content"] == "two..\n"


def test_a_log_whose_length_nobody_knows_is_complete_when_nothing_follows(api: Api) -> None:
    path = log_of(api, "failed", {0: b"one\n"}, log_bytes=None)
    assert api.get(path).json["complete"] is False
    assert api.get(f"{path}?offset=4").json["complete"] is True


def test_a_short_log_is_read_from_the_database_alone(api: Api) -> None:
    path = log_of(api, "success", {}, try_number=2, log_bytes=9)
    api.rows.short_log(path.split("/")[3], "load", 2, "ein B\u00e4r\n")
    page = api.get(path).json
    assert (page["content"], page["next_offset"], page["complete"]) == ("ein B\u00e4r\n", 9, True)
    assert api.get(f"{path}?offset=4").json["content"] == "B\u00e4r\n"
    assert api.get(f"{path}?offset=9").json["content"] == ""
    assert api.get(f"{path}?try_number=1").json["content"] == ""


def test_an_earlier_attempt_has_a_log_of_its_own(api: Api) -> None:
    path = log_of(api, "success", {0: b"second\n"}, try_number=2)
    assert api.get(path).json["content"] == "second\n"
    assert api.get(f"{path}?try_number=1").json["content"] == ""


def test_an_attempt_that_never_was_is_not_found(api: Api) -> None:
    path = log_of(api, "success", {})
    reply = api.get(f"{path}?try_number=2")
    assert reply.status == 404
    assert "the last is 1" in reply.error["message"]


@pytest.mark.parametrize(("state", "complete"), [("none", False), ("upstream_failed", True)])
def test_a_task_without_an_attempt_has_an_empty_log(api: Api, state: str, complete: bool) -> None:
    path = log_of(api, state, {})
    assert api.get(path).json == {
        "content": "",
        "next_offset": 0,
        "complete": complete,
        "try_number": None,
        "poke": None,
    }


@pytest.mark.parametrize("key", ["order 4711", "größe", "a\nb", "x" * 200, "👍", " "])
def test_any_text_is_an_idempotency_key(api: Api, key: str) -> None:
    api.rows.dag("a")

    first, again = (api.send("POST", "/api/dags/a/run", {"idempotency_key": key}) for _ in range(2))

    assert (first.status, again.status) == (201, 200)
    assert again.json["run_id"] == first.json["run_id"]
    assert first.json["idempotency_key"] == key


def test_the_attempts_before_the_latest_ones_are_told_at_once(api: Api) -> None:
    api.rows.dag("a")
    run_id = api.rows.run("a", "running")
    key = api.rows.task(run_id, "extract", "success", {"try_number": 1, "reason": "exit code 1"})
    with api.database.write() as tx:
        tx.execute("UPDATE task_instances SET try_number = 2 WHERE id = ?", (key,))
    api.rows.task(run_id, "load", "success")
    attempts = api.get(f"/api/runs/{run_id}/earlier_attempts").json["attempts"]
    assert [(one["task_id"], one["try_number"], one["reason"]) for one in attempts] == [
        ("extract", 1, "exit code 1")
    ]
    api.send("POST", f"/api/runs/{run_id}/tasks/load/clear", {})
    attempts = api.get(f"/api/runs/{run_id}/earlier_attempts").json["attempts"]
    assert [one["task_id"] for one in attempts] == ["load", "extract"]
    latest = api.get(f"/api/runs/{run_id}/earlier_attempts?limit=1").json["attempts"]
    assert [one["task_id"] for one in latest] == ["load"]
    assert api.get("/api/runs/nope/earlier_attempts").status == 404
