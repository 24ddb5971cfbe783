"""The audit, the notifications, what tasks wrote, what sensors said, and what it cost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib import bootstrap
from chalicelib.database.reads import costs
from chalicelib.web.costs import REQUESTS_PER_INVOCATION
from tests.support.api import Api


def test_the_audit_is_filtered_and_newest_first(api: Api) -> None:
    for dag_id in ("a", "b"):
        api.rows.dag(dag_id)
        api.send("PATCH", f"/api/dags/{dag_id}", {"is_paused": True})
    api.send("PATCH", "/api/dags/a", {"is_paused": False})
    rows = api.everything("/api/audit", "audit", limit=1)
    assert [row["target"] for row in rows] == ["a", "b", "a"]
    assert rows[0]["at"] == "2026-11-23T10:00:00Z"
    by_target = api.everything("/api/audit", "audit", target="a", action="pause")
    assert [row["id"] for row in by_target] == [1]
    assert api.everything("/api/audit", "audit", who="nobody") == []


def test_what_changes_nothing_leaves_no_audit_row(api: Api) -> None:
    api.rows.dag("a")
    api.send("PATCH", "/api/dags/a", {"is_paused": False})
    assert api.get("/api/audit").json["audit"] == []


def test_notifications_are_filtered_and_newest_first(api: Api) -> None:
    api.rows.dag("a")
    runs = [api.rows.run("a", "failed") for _ in range(2)]
    for run_id in runs:
        api.rows.notification(run_id)
        api.rows.notification(run_id, "delivered")
    everything = api.everything("/api/notifications", "notifications", limit=1)
    assert [one["id"] for one in everything] == [4, 3, 2, 1]
    assert everything[0]["due_at"] is None
    assert everything[1]["payload"] == {"event": "failure", "run_id": runs[1]}
    found = api.everything("/api/notifications", "notifications", run_id=runs[0], state="delivered")
    assert [one["id"] for one in found] == [2]


def test_a_task_comes_with_what_it_wrote(api: Api) -> None:
    api.rows.dag("a")
    run_id = api.rows.run("a")
    api.rows.task(run_id, "extract")
    api.rows.outputs(run_id, "extract", {"rows": 3, "names": ["x", None]})
    task = api.get(f"/api/runs/{run_id}/tasks/extract").json
    assert task["outputs"] == {"rows": 3, "names": ["x", None]}


def test_each_question_of_a_sensor_has_a_log_of_its_own(api: Api) -> None:
    api.rows.dag("a")
    run_id = api.rows.run("a", "running")
    api.rows.task(run_id, "load", "running", poke=2)
    for poke in range(3):
        key = api.rows.attempt(run_id, "load", poke=poke).log_chunk_key(0)
        api.runs.put(key, f"no {poke}\n".encode())
    path = f"/api/runs/{run_id}/tasks/load/logs"
    latest = api.get(path).json
    assert (latest["content"], latest["poke"], latest["complete"]) == ("no 2\n", 2, False)
    assert api.get(f"{path}?poke=0").json["content"] == "no 0\n"
    assert api.get(f"{path}?poke=0&offset=5").json["complete"] is True
    assert api.get(f"{path}?poke=2&offset=5").json["complete"] is False
    reply = api.get(f"{path}?poke=3")
    assert reply.status == 404
    assert "the last is 2" in reply.error["message"]


def test_the_latest_log_of_a_sensor_between_two_questions_is_that_of_the_last(api: Api) -> None:
    api.rows.dag("a")
    run_id = api.rows.run("a", "running")
    api.rows.task(run_id, "load", "up_for_reschedule", try_number=1, poke=1)
    api.runs.put(api.rows.attempt(run_id, "load").log_chunk_key(0), b"no\n")
    reply = api.get(f"/api/runs/{run_id}/tasks/load/logs").json
    assert (reply["content"], reply["poke"]) == ("no\n", 0)


def test_the_latest_log_of_a_sensor_that_has_ended_is_its_last_answer(api: Api) -> None:
    api.rows.dag("a")
    run_id = api.rows.run("a")
    api.rows.task(run_id, "load", attempt={"pokes": 4, "log_bytes": 4})
    api.runs.put(api.rows.attempt(run_id, "load", poke=4).log_chunk_key(0), b"yes\n")
    reply = api.get(f"/api/runs/{run_id}/tasks/load/logs").json
    assert (reply["content"], reply["poke"], reply["complete"]) == ("yes\n", 4, True)


LAMBDA = {"billed_ms": 2000, "memory_mb": 512}


def test_a_run_costs_what_lambda_bills_for_it(api: Api) -> None:
    api.rows.dag("a")
    run_id = api.rows.run("a")
    for task_id in ("extract", "load"):
        api.rows.task(run_id, task_id, attempt=LAMBDA)
    api.rows.task(api.rows.run("a"), "extract", attempt=LAMBDA)
    cost = api.get(f"/api/runs/{run_id}").json["cost"]
    assert (cost["billed_ms"], cost["gb_seconds"], cost["basis"]) == (4000, 2.0, "billed")
    assert cost["requests"] == 2 * REQUESTS_PER_INVOCATION + 2
    assert cost["dollars"] == pytest.approx(2 * 0.0000166667 + 2 * (0.2 + 6 * 0.4 + 2 * 5.0) / 1e6)
    of_dag = api.get("/api/dags/a").json["cost"]
    assert (of_dag["billed_ms"], of_dag["since"]) == (6000, None)


def test_on_arm64_lambdas_time_costs_a_fifth_less_and_the_price_list_says_so(api: Api) -> None:
    api.rows.dag("a")
    run_id = api.rows.run("a")
    api.rows.task(run_id, "extract", attempt=LAMBDA)
    x86_64 = api.get(f"/api/runs/{run_id}").json["cost"]
    settings = replace(bootstrap.ports().settings, architecture="arm64")
    bootstrap.configure(replace(bootstrap.ports(), settings=settings))
    for path in (f"/api/runs/{run_id}", "/api/dags/a"):
        cost = api.get(path).json["cost"]
        assert x86_64["dollars"] - cost["dollars"] == pytest.approx(0.2 * 0.0000166667, rel=1e-3)
        assert "arm64" in cost["prices"]


def test_what_did_not_run_on_lambda_is_an_estimate_and_says_so(api: Api) -> None:
    api.rows.dag("a")
    run_id = api.rows.run("a")
    api.rows.task(run_id, "extract")
    cost = api.get(f"/api/runs/{run_id}").json["cost"]
    assert (cost["billed_ms"], cost["gb_seconds"], cost["basis"]) == (1000, 0.125, "estimated")
    api.rows.task(run_id, "load", attempt=LAMBDA)
    assert api.get(f"/api/runs/{run_id}").json["cost"]["basis"] == "partly estimated"


def test_every_question_of_a_sensor_is_a_request(api: Api) -> None:
    api.rows.dag("a")
    run_id = api.rows.run("a")
    api.rows.task(run_id, "load", attempt={**LAMBDA, "pokes": 9})
    cost = api.get(f"/api/runs/{run_id}").json["cost"]
    assert cost["requests"] == 10 * REQUESTS_PER_INVOCATION + 10


def test_a_log_that_came_in_the_result_costs_no_request(api: Api) -> None:
    api.rows.dag("a")
    run_id = api.rows.run("a")
    api.rows.task(run_id, "load", attempt=LAMBDA)
    api.rows.short_log(run_id, "load", 1, "short")
    cost = api.get(f"/api/runs/{run_id}").json["cost"]
    assert cost["requests"] == REQUESTS_PER_INVOCATION
    assert cost["dollars"] == pytest.approx(0.0000166667 + (0.2 + 6 * 0.4 + 5.0) / 1e6)


def test_a_task_that_no_executor_had_costs_nothing(api: Api) -> None:
    api.rows.dag("a")
    run_id = api.rows.run("a")
    api.rows.task(run_id, "load", attempt={"log_bytes": None})
    cost = api.get(f"/api/runs/{run_id}").json["cost"]
    assert (cost["dollars"], cost["requests"], cost["basis"]) == (0, 0, "billed")


def test_the_cost_of_a_long_history_is_that_of_its_newest_part(api: Api) -> None:
    api.rows.dag("a")
    with api.database.write() as tx:
        old, _ = api.rows.put_run(tx, "a")
        api.rows.put_task(tx, old, "old", "success", LAMBDA)
        new, key = api.rows.put_run(tx, "a")
        tx.executemany(
            "INSERT INTO task_instances (run_key, dag_id, task_id) VALUES (?, 'a', ?)",
            [(key, f"t{number}") for number in range(costs.COUNTED - 1)],
        )
        api.rows.put_task(tx, new, "new", "success", LAMBDA)
    cost = api.get("/api/dags/a").json["cost"]
    made = api.get(f"/api/runs/{new}").json["created_at"]
    assert (cost["billed_ms"], cost["since"]) == (2000, made)
