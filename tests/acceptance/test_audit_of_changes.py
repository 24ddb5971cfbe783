"""Every change through the API leaves an audit row: who, when, what. Walks the table of routes, so
that a route that is added without one fails here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from chalicelib.database.connection.times import to_us
from chalicelib.utils.time import iso
from chalicelib.web.routes import ROUTES, Route, TextBody
from tests.support.api import Api, Reply
from tests.support.rows import START

CHANGING = [route for route in ROUTES if route.needs == "operator" and route.method != "GET"]

NEW_FILE = b"dag_id: new\nname: New\ntasks:\n  - {id: a, command: echo a}\n"

Made = tuple[dict[str, Any], dict[str, Any]]
"""What stands in the path, and the body."""


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    made = Api(tmp_path, auth="token")
    made.sign_in("operator", "ann")
    made.rows.dag("a", schedule=("@daily",), tags=("nightly",))
    yield made
    made.close()


def a_failed_run(api: Api) -> dict[str, str]:
    run_id = api.rows.run("a", "failed")
    api.rows.task(run_id, "extract")
    api.rows.task(run_id, "load", "failed")
    return {"run_id": run_id, "task_id": "load"}


def an_acknowledged_run(api: Api) -> dict[str, str]:
    run_id = api.rows.run("a", "failed", acknowledged_at=to_us(START), acknowledged_by="olga")
    return {"run_id": run_id}


def a_run_at_work(api: Api) -> dict[str, str]:
    run_id = api.rows.run("a", "running")
    api.rows.task(run_id, "extract", "running", sends=1)
    api.rows.task(run_id, "load", "none")
    return {"run_id": run_id, "task_id": "extract"}


def a_pool(api: Api) -> dict[str, str]:
    api.rows.pool("big")
    return {"pool": "big"}


def a_notification(api: Api) -> Made:
    run_id = a_failed_run(api)["run_id"]
    return {"notification_id": str(api.rows.notification(run_id, "failed"))}, {}


def a_token(api: Api) -> Made:
    caller = api.token
    api.sign_in("viewer", "bob")
    api.token = caller
    return {"token": "bob"}, {}


def a_day(_: Api) -> Made:
    return {"dag_id": "a"}, {"from": START.replace(day=20).isoformat(), "to": START.isoformat()}


def a_backfill(state: str) -> Callable[[Api], Made]:
    return lambda api: ({"backfill_id": api.rows.backfill("a", state)}, {})


GOOD_REQUESTS: dict[str, Callable[[Api], Made]] = {
    "dags.pause_by_tag": lambda _: ({}, {"tag": "nightly", "is_paused": True}),
    "dags.patch_dag": lambda _: ({"dag_id": "a"}, {"is_paused": True}),
    "runs.trigger_run": lambda _: ({"dag_id": "a"}, {}),
    "backfills.create_backfill": a_day,
    "runs.patch_run": lambda api: (a_failed_run(api), {"note": "seen"}),
    "runs.acknowledge_run": lambda api: (a_failed_run(api), {"note": "known"}),
    "runs.acknowledge_runs": lambda api: ({}, {"run_ids": [a_failed_run(api)["run_id"]]}),
    "runs.unacknowledge_run": lambda api: (an_acknowledged_run(api), {}),
    "runs.cancel_run": lambda api: (a_run_at_work(api), {}),
    "runs.clear_run": lambda api: (a_failed_run(api), {}),
    "runs.retry_run": lambda api: (a_failed_run(api), {}),
    "runs.rerun": lambda api: (a_failed_run(api), {}),
    "task_instances.cancel_task": lambda api: (a_run_at_work(api), {}),
    "task_instances.clear_task": lambda api: (a_failed_run(api), {}),
    "task_instances.mark_task": lambda api: (a_failed_run(api), {"state": "success"}),
    "backfills.pause_backfill": a_backfill("running"),
    "backfills.resume_backfill": a_backfill("paused"),
    "backfills.cancel_backfill": a_backfill("running"),
    "dag_sources.save_dag_file": lambda _: ({"key": "new.yaml"}, {}),
    "bulk_runs.change_runs": lambda api: (
        {},
        {"run_ids": [a_failed_run(api)["run_id"]], "action": "acknowledge"},
    ),
    "operations.resend_notification": a_notification,
    "tokens.create_token": lambda _: ({}, {"name": "bob", "role": "viewer"}),
    "tokens.revoke_token": a_token,
    "pools.put_pool": lambda _: ({"pool": "small"}, {"slots": 2}),
    "pools.delete_pool": lambda api: (a_pool(api), {}),
}
"""By handler: something that its route can change."""


@pytest.mark.parametrize("route", CHANGING, ids=lambda route: route.handler)
def test_a_change_leaves_a_row_that_says_who_when_and_what(api: Api, route: Route) -> None:
    assert route.handler in GOOD_REQUESTS, "say here how this route changes something"
    path, body = GOOD_REQUESTS[route.handler](api)
    before = rows(api)
    reply = send(api, route, path, body)
    assert 200 <= reply.status < 300, reply.json
    (row,) = rows(api)[len(before) :]
    who, at, action, target = row
    assert (who, at) == ("ann", iso(api.clock.moment))
    assert action
    assert target in {*path.values(), *body.get("run_ids", ()), body.get("name"), "a"}


def send(api: Api, route: Route, path: dict[str, Any], body: dict[str, Any]) -> Reply:
    if isinstance(route.body, TextBody):
        url = f"{route.path}?{urlencode(path)}"
        return api.request(route.method, url, NEW_FILE, "application/yaml", If_None_Match="*")
    return api.send(route.method, route.path.format(**path), body)


@pytest.mark.parametrize("route", [r for r in ROUTES if r.needs == "viewer"], ids=lambda r: r.path)
def test_what_a_viewer_may_ask_for_leaves_none(api: Api, route: Route) -> None:
    path = {**a_failed_run(api), "dag_id": "a", "backfill_id": "1", **a_pool(api)}
    path |= {"artifact": "report", "version": "1"}
    before = rows(api)
    api.request(route.method, route.path.format(**path))
    assert rows(api) == before


def rows(api: Api) -> list[tuple[Any, ...]]:
    """(who, at, action, target), the oldest first."""
    shown = api.everything("/api/audit", "audit")
    return [(row["who"], row["at"], row["action"], row["target"]) for row in reversed(shown)]
