"""What runs and tasks wait for, over the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.dag.model import Task
from chalicelib.web.handlers.wait_reasons import EXPLAINED
from tests.support.api import Api
from tests.support.rows import START

TASKS = (Task("extract", "x"), Task("load", "x", ("extract",)), Task("ask", "x", pool="db"))


@pytest.fixture
def full(api: Api) -> tuple[str, str]:
    """A DAG of one run at once: the run that has its slot, and the one that waits for it."""
    api.clock.moment = START + timedelta(days=1)
    api.rows.dag("a", max_active_runs=1, tasks=TASKS)
    running = api.rows.run("a", "running")
    api.rows.task(running, "extract", "running", sends=1)
    api.rows.task(running, "load", "none")
    api.rows.task(running, "ask", "scheduled", pool="db")
    waiting = api.rows.run("a", "queued")
    api.rows.task(waiting, "extract", "none")
    return running, waiting


def only(reasons: list[dict[str, Any]]) -> dict[str, Any]:
    (reason,) = reasons
    return reason


def test_a_run_and_its_list_say_what_it_waits_for(api: Api, full: tuple[str, str]) -> None:
    running, waiting = full
    of_run = api.get(f"/api/runs/{waiting}").json["waiting_for"]
    assert of_run == [
        {
            "code": "max_active_runs",
            "message": "waits for a run slot: DAG a has max_active_runs 1,"
            f" held by {running}; number 1 in the queue",
            "until": None,
            "position": 1,
            "holders": [
                {
                    "dag_id": "a",
                    "run_id": running,
                    "task_id": None,
                    "map_index": None,
                    "state": "running",
                }
            ],
            "holder_count": 1,
            "since": None,
        }
    ]
    for path in ("/api/runs", "/api/dags/a/runs"):
        in_list = {run["run_id"]: run["waiting_for"] for run in api.get(path).json["runs"]}
        assert in_list == {waiting: of_run, running: []}


def test_the_tasks_of_a_run_say_what_they_wait_for(api: Api, full: tuple[str, str]) -> None:
    running, _ = full
    tasks = {t["task_id"]: t for t in api.get(f"/api/runs/{running}").json["task_instances"]}
    assert tasks["extract"]["waiting_for"] == []
    assert only(tasks["load"]["waiting_for"])["message"] == "waits for extract (running)"
    assert only(tasks["ask"]["waiting_for"])["code"] == "pool_missing"
    for task_id, task in tasks.items():
        alone = api.get(f"/api/runs/{running}/tasks/{task_id}").json
        assert alone["waiting_for"] == task["waiting_for"]
    listed = api.get(f"/api/task_instances?run_id={running}").json["task_instances"]
    assert {t["task_id"]: t["waiting_for"] for t in listed} == {
        task_id: task["waiting_for"] for task_id, task in tasks.items()
    }


def test_the_answer_to_a_request_for_a_run_says_what_it_waits_for(
    api: Api, full: tuple[str, str]
) -> None:
    made = api.send("POST", "/api/dags/a/run", {})
    assert (made.status, only(made.json["waiting_for"])["position"]) == (201, 2)


def test_a_long_list_explains_the_first_hundred_that_wait(api: Api) -> None:
    api.clock.moment = START + timedelta(days=1)
    api.rows.dag("a", max_active_runs=1, tasks=TASKS)
    running = api.rows.run("a", "running")
    for number in range(EXPLAINED + 5):
        api.rows.task(running, "load", "none", map_index=number)
        api.rows.run("a", "queued")
    for path, name in (("/api/runs", "runs"), ("/api/task_instances", "task_instances")):
        items = api.get(f"{path}?limit=200").json[name]
        told = [item["waiting_for"] for item in items if item["state"] in ("queued", "none")]
        assert [reasons is None for reasons in told] == [False] * EXPLAINED + [True] * 5
    of_run = api.get(f"/api/runs/{running}?limit=200").json["task_instances"]
    assert len(of_run) == EXPLAINED + 5
    assert None not in [task["waiting_for"] for task in of_run]


def test_nothing_that_has_ended_waits(api: Api) -> None:
    api.rows.dag("a", tasks=TASKS)
    run_id = api.rows.run("a", "failed")
    for task_id, state in (("extract", "failed"), ("load", "upstream_failed")):
        api.rows.task(run_id, task_id, state)
    run = api.get(f"/api/runs/{run_id}").json
    assert [run["waiting_for"], *(t["waiting_for"] for t in run["task_instances"])] == [[], [], []]
