"""Tokens that are limited to some DAGs, over every route, and tokens that expire.

There are two DAGs of a kind, `sales_daily` and `zebra_pay`. A token limited to `sales_*` finds no
trace of the other anywhere, and changes nothing of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.admin import access_tokens
from chalicelib.database.queries import housekeeping
from chalicelib.database.reads import dag_scope
from chalicelib.web.dag_limits import _BEYOND_DAGS
from chalicelib.web.routes import ROUTES, JsonBody, Route, TextBody
from tests.support.api import Api, Reply

OURS, THEIRS = "sales_daily", "zebra_pay"
MARK = "zebra"
READS = [route for route in ROUTES if route.method == "GET"]
CHANGES = [r for r in ROUTES if r.method != "GET" and r.path != "/api/dags/validate"]
QUERY = {"key": "{dag_id}.yaml", "path": "{dag_id}.sql"}
FIELDS: dict[str, Any] = {
    "action": "cancel",
    "tag": MARK,
    "is_paused": True,
    "from": "2026-11-01T00:00:00Z",
    "to": "2026-11-02T00:00:00Z",
    "note": "x",
    "state": "success",
    "slots": 3,
    "name": "bob",
    "role": "operator",
}


def fill(api: Api, dag_id: str) -> dict[str, str]:
    """Something of every kind about the DAG; the values of paths that lead there."""
    word = MARK if dag_id == THEIRS else "sales"
    warning = {"line": 1, "column": 1, "path": "", "code": "x", "message": f"{word} warning"}
    api.rows.dag(dag_id, tags=(word,), schedule=("@daily",), warnings=[warning])
    run_id = api.rows.run(dag_id, "failed", reason=f"{word} failed")
    key = api.rows.task(run_id, "a", "failed", attempt={"outcome": "failed"}, reason=f"{word} no")
    api.rows.artifact(run_id, key, word)
    api.rows.outputs(run_id, "a", {"rows": word})
    api.rows.short_log(run_id, "a", 1, f"{word} log\n")
    api.rows.notification(run_id)
    backfill = api.rows.backfill(dag_id)
    api.rows.broken(f"{dag_id}.yaml", f"{word} is broken")
    api.dags.put(f"{dag_id}.yaml", f"name: {word}\n".encode())
    with api.database.write() as tx:
        for target in (dag_id, run_id):
            housekeeping.audit(tx, "ann", "pause", target, {}, api.rows.now)
    return {
        "dag_id": dag_id,
        "run_id": run_id,
        "task_id": "a",
        "artifact": word,
        "backfill_id": str(backfill),
        "version": "1",
        "pool": "shared",
        "token": "ann",
    }


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    api = Api(tmp_path, auth="token")
    api.rows.pool("shared")
    api.rows.tick(errors=[f"{MARK} error"])
    yield api
    api.close()


def sign_in(api: Api, role: str = "viewer", **limits: Any) -> None:
    name = f"limited-{role}"
    api.token = access_tokens.create(bootstrap.scheduler(), name, role, who="ann", **limits)


def ask(api: Api, route: Route, values: dict[str, str]) -> Reply:
    path = re.sub(r"{(\w+)}", lambda match: values.get(match[1], "1"), route.path)
    query = "&".join(
        f"{param.name}={QUERY[param.name].format(**values)}"
        for param in route.params
        if param.required
    )
    path = f"{path}?{query}" if query else path
    if isinstance(route.body, JsonBody):
        names = [param.name for param in route.body.fields if param.required]
        body = {name: FIELDS[name] if name in FIELDS else [values["run_id"]] for name in names}
        return api.send(route.method, path, body)
    if isinstance(route.body, TextBody):
        return api.request(route.method, path, b"name: x\n", "application/yaml", If_None_Match="*")
    return api.request(route.method, path)


def trace(reply: Reply, values: dict[str, str]) -> str:
    """The answer without the ids that the request itself had."""
    text = reply.text
    for value in (values["run_id"], f"{values['dag_id']}.yaml", values["dag_id"]):
        text = text.replace(value, "")
    return text.replace(f"called '{MARK}'", "")


@pytest.mark.parametrize("route", READS, ids=lambda route: route.path)
def test_a_limited_token_finds_no_trace_of_other_dags(api: Api, route: Route) -> None:
    ours, theirs = fill(api, OURS), fill(api, THEIRS)
    # An operator, who may read most.
    sign_in(api, "operator", dags="sales_*,other")
    named = {"dag_id", "run_id", "backfill_id"} & set(re.findall(r"{(\w+)}", route.path))

    reply = ask(api, route, theirs)
    if named:
        assert reply.status == 404, reply.json
        assert MARK not in trace(reply, theirs)
    elif route.path in _BEYOND_DAGS:
        assert reply.status == 403
        assert "limited" in reply.error["message"]
    else:
        assert reply.status == 200, reply.json
        assert MARK not in reply.text
    if route.path not in _BEYOND_DAGS and "files" not in route.path:
        assert ask(api, route, ours).status in (200, 404 if "artifact}" in route.path else 200)


@pytest.mark.parametrize("route", CHANGES, ids=lambda route: f"{route.method} {route.path}")
def test_a_limited_token_changes_nothing_of_other_dags(api: Api, route: Route) -> None:
    fill(api, OURS)
    theirs = fill(api, THEIRS)
    sign_in(api, "operator", dags="sales_*")
    before = audited(api)

    reply = ask(api, route, theirs)
    assert reply.status in (403, 404), reply.json
    assert audited(api) == before


def audited(api: Api) -> int:
    with api.database.read() as tx:
        return int(tx.value("SELECT count(*) FROM audit"))


def test_a_limited_token_reads_and_changes_its_own_dags(api: Api) -> None:
    ours = fill(api, OURS)
    fill(api, THEIRS)
    sign_in(api, "operator", dags="sales_*")

    assert [dag["dag_id"] for dag in api.get("/api/dags").json["dags"]] == [OURS]
    assert [row["target"] for row in api.get("/api/audit").json["audit"]] == [
        ours["run_id"],
        OURS,
    ]
    assert api.send("PATCH", f"/api/dags/{OURS}", {"is_paused": True}).status == 200
    body = {"run_ids": [ours["run_id"]]}
    assert api.send("POST", "/api/runs/acknowledge", body).status == 200
    session = api.get("/api/session").json
    assert (session["dags"], session["can_edit"]) == ("sales_*", False)


def test_one_strange_run_among_others_is_refused_with_all_of_them(api: Api) -> None:
    ours, theirs = fill(api, OURS), fill(api, THEIRS)
    sign_in(api, "operator", dags="sales_*")

    body = {"run_ids": [ours["run_id"], theirs["run_id"]]}
    assert api.send("POST", "/api/runs/acknowledge", body).status == 404
    assert api.get(f"/api/runs/{ours['run_id']}").json["acknowledged_at"] is None


def test_how_full_a_pool_is_counts_the_tasks_of_all(api: Api) -> None:
    for dag_id in (OURS, THEIRS):
        fill(api, dag_id)
        api.rows.task(api.rows.run(dag_id, "running"), "a", "running", pool="shared")
    sign_in(api, dags="sales_*")

    assert api.get("/api/pools/shared").json["used"] == 2


def test_a_limit_ends_with_its_request(api: Api) -> None:
    fill(api, OURS)
    fill(api, THEIRS)
    sign_in(api, dags="sales_*")
    assert len(api.get("/api/dags").json["dags"]) == 1
    api.sign_in("viewer")
    assert len(api.get("/api/dags").json["dags"]) == 2


def test_an_expired_token_is_refused_in_plain_words(api: Api) -> None:
    sign_in(api, expires_at=api.clock.moment + timedelta(days=1))
    assert api.get("/api/dags").status == 200
    assert api.get("/api/session").json["expires_at"] is not None
    api.clock.moment += timedelta(days=1)

    reply = api.get("/api/dags")
    assert reply.status == 401
    assert re.fullmatch(
        r"the access token limited-viewer expired at [0-9-]+ [0-9:]+ UTC;"
        " ask an operator for a new one",
        reply.error["message"],
    )


def test_a_revoked_token_is_told_so(api: Api) -> None:
    sign_in(api)
    access_tokens.revoke(bootstrap.scheduler(), "limited-viewer", who="ann")
    reply = api.get("/api/dags")
    assert reply.status == 401
    assert reply.error["message"].startswith("the access token limited-viewer was revoked on 20")


def test_tokens_are_created_listed_and_revoked_by_operators(api: Api) -> None:
    api.sign_in("operator")
    body = {"name": "bob", "role": "viewer", "dags": "sales_*", "expires_in_days": 7}
    created = api.send("POST", "/api/tokens", body)
    assert created.status == 201
    assert (created.json["dags"], created.json["role"]) == ("sales_*", "viewer")

    listed = api.get("/api/tokens").json["tokens"]
    assert [row["name"] for row in listed] == ["ann", "bob"]
    assert listed[1]["expires_at"] == created.json["expires_at"]
    assert created.json["token"] not in json.dumps(listed)
    assert api.send("POST", "/api/tokens", body).status == 409
    assert api.request("DELETE", "/api/tokens/bob").status == 204
    assert api.request("DELETE", "/api/tokens/nobody").status == 404
    api.token = created.json["token"]
    assert api.get("/api/dags").status == 401


@pytest.mark.parametrize(
    "body",
    [
        {"dags": "sales_*; drop"},
        {"dags": "a'b"},
        {"dags": "[ab]"},
        {"dags": "a,,b"},
        {"expires_at": "2001-01-01T00:00:00Z"},
        {"expires_at": "2099-01-01T00:00:00Z", "expires_in_days": 3},
        {"expires_in_days": 0},
        {"role": "admin"},
    ],
)
def test_a_limit_that_cannot_be_meant_is_refused(api: Api, body: dict[str, Any]) -> None:
    api.sign_in("operator")
    reply = api.send("POST", "/api/tokens", {"name": "bob", "role": "viewer", **body})
    assert reply.status == 400
    assert len(api.get("/api/tokens").json["tokens"]) == 1


def test_every_table_about_dags_is_limited(api: Api) -> None:
    with api.database.read() as tx:
        tables = {
            row[0]
            for row in tx.all(
                "SELECT DISTINCT t.name FROM main.sqlite_schema t, pragma_table_info(t.name) c"
                " WHERE t.type = 'table' AND c.name IN"
                " ('dag_id', 'wanted_dag_id', 'run_id', 'run_key', 'task_instance_id')"
            )
        }
        dag_scope.limit(tx, "sales_*")
        limited = set(tx.values("SELECT name FROM temp.sqlite_schema"))

    assert tables - limited == {"metric_totals", "self_tests", "stop_requests"} & tables
    assert {"import_errors", "audit", "ticks"} <= limited
