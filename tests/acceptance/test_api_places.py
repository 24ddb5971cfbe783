"""Clients see where tasks run and what an hour of it costs."""

from __future__ import annotations

from typing import Any

from chalicelib import bootstrap, config
from chalicelib.enums import Outcome
from chalicelib.messages import Attempt, Result
from chalicelib.scheduler import registration, results
from chalicelib.scheduler.commands.runs import trigger_run
from tests.support.api import Api

FILE = b"""
name: D
tasks:
  - {id: small, command: x}
  - {id: large, command: x, memory: 2G}
  - {id: boxed, command: x, image: alpine, cpu: 1, memory: 3G}
  - {id: far, command: x, queue: gpu}
  - {id: none, trigger_dag_id: e}
"""
EVERYTHING = {"LAMBDA_MEMORY": "384,2048", "FARGATE": "yes", "WORKER_QUEUES": "*"}


def settings(**values: str) -> config.Settings:
    return config.load({f"ORCHESTRATOR_{name}": value for name, value in values.items()})


def register(api: Api) -> None:
    api.configure(settings=settings(**EVERYTHING, AUTH="none"))
    api.dags.put("d.yaml", FILE)
    assert registration.register(bootstrap.scheduler(), ["d.yaml"]) == 1


def places(api: Api) -> dict[str, dict[str, Any]]:
    return {row["task_id"]: row for row in api.get("/api/dags/d").json["task_places"]}


def test_each_task_of_a_dag_tells_its_place_and_its_price(api: Api) -> None:
    register(api)
    found = places(api)
    assert {task: row["place"] for task, row in found.items()} == {
        "small": "lambda",
        "large": "lambda-2048",
        "boxed": "fargate",
        "far": "queue:gpu",
    }
    assert found["boxed"]["memory_mb"] == 3072
    assert found["boxed"]["vcpu"] == 1
    assert round(found["boxed"]["usd_per_hour"], 4) == 0.0538
    assert round(found["large"]["usd_per_hour"], 2) == 0.12
    assert found["far"]["usd_per_hour"] is None


def test_a_place_that_is_gone_is_told_with_what_to_deploy(api: Api) -> None:
    register(api)
    api.configure(settings=settings(AUTH="none"))
    gone = places(api)["large"]
    assert (gone["place"], gone["usd_per_hour"]) == (None, None)
    assert "--lambda-memory 384,2048" in gone["problem"]


def test_a_task_of_a_run_tells_its_place(api: Api) -> None:
    register(api)
    run_id = trigger_run(bootstrap.scheduler(), "d", who="ann")[0]
    assert api.get(f"/api/runs/{run_id}/tasks/large").json["place"]["place"] == "lambda-2048"
    assert api.get(f"/api/runs/{run_id}/tasks/none").json["place"] is None


def test_a_file_that_is_checked_is_checked_against_the_places_of_the_installation(api: Api) -> None:
    api.configure(settings=settings(AUTH="none"))
    reply = api.request("POST", "/api/dags/validate", FILE, "application/yaml")
    assert reply.status == 422
    messages = [problem["message"] for problem in reply.error["details"]["problems"]]
    assert len([message for message in messages if "deploy" in message or "create" in message]) == 3
    api.configure(settings=settings(**EVERYTHING, AUTH="none"))
    assert api.request("POST", "/api/dags/validate", FILE, "application/yaml").status == 200


def test_what_ran_on_fargate_costs_what_fargate_bills(api: Api) -> None:
    register(api)
    scheduler = bootstrap.scheduler()
    run_id = trigger_run(scheduler, "d", who="ann")[0]
    attempt = Attempt("d", run_id, "boxed", -1, 1)
    hour = Result(attempt, Outcome.SUCCESS, billed_ms=3_600_000, memory_mb=3072, vcpu=1.0)
    results.apply(scheduler, [hour.encode()])
    cost = api.get(f"/api/runs/{run_id}").json["cost"]
    assert (cost["fargate_vcpu_hours"], cost["fargate_gb_hours"]) == (1.0, 3.0)
    assert cost["gb_seconds"] == 0
    assert round(cost["dollars"], 3) == 0.054
