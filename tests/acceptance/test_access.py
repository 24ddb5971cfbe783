"""Who may use the API, and what is kept of them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.admin import access_tokens
from chalicelib.database import Database
from chalicelib.database.connection import Transaction
from chalicelib.enums import Role
from chalicelib.errors import Conflict, DatabaseBusy, InvalidRequest, NotFound
from chalicelib.web.routes import ROUTES, Route
from tests.support.api import Api, Reply

CHANGES = [route for route in ROUTES if route.needs == "operator"]
READS = [route for route in ROUTES if route.needs == "viewer" and not route.is_open]


def named(route: Route) -> str:
    return route.handler


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Api]:
    """The API as it is without any setting."""
    api = Api(tmp_path, auth="token")
    yield api
    api.close()


def ask(api: Api, route: Route) -> Reply:
    """Send the request with ids of nothing and a body that no route takes."""
    return api.send(route.method, re.sub(r"{\w+}", "1", route.path), [])


@pytest.mark.parametrize("route", [*READS, *CHANGES], ids=named)
def test_a_stranger_learns_nothing_not_even_what_is_wrong_with_the_request(
    locked: Api, route: Route
) -> None:
    reply = ask(locked, route)
    assert (reply.status, reply.error["code"]) == (401, "unauthorized")
    assert reply.headers["WWW-Authenticate"] == 'Bearer realm="orchestrator"'
    assert "Authorization: Bearer" in reply.error["message"]


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_who_asks_is_told_their_name_and_role(locked: Api, role: str) -> None:
    locked.sign_in(role, "vera")
    assert locked.get("/api/session").json == {
        "name": "vera",
        "role": role,
        "auth": "token",
        "dags": None,
        "expires_at": None,
        "s3_endpoint": None,
        "dags_bucket": "orchestrator-dags",
        "dags_folder": None,
        "can_edit": role == "operator",
    }


@pytest.mark.parametrize("route", CHANGES, ids=named)
def test_a_viewer_changes_nothing_and_is_told_which_role_does(locked: Api, route: Route) -> None:
    locked.sign_in("viewer")
    reply = ask(locked, route)
    assert (reply.status, reply.error["code"]) == (403, "forbidden")
    assert reply.error["details"] == {"role": "viewer", "needed": "operator"}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("route", READS, ids=named)
def test_whoever_has_a_token_reads(locked: Api, route: Route, role: str) -> None:
    locked.sign_in(role)
    assert ask(locked, route).status not in (401, 403)


@pytest.mark.parametrize("route", CHANGES, ids=named)
def test_an_operator_gets_as_far_as_the_request_itself(locked: Api, route: Route) -> None:
    locked.sign_in("operator")
    assert ask(locked, route).status in ((200,) if route.method == "GET" else (400, 404))


def test_only_reading_is_left_to_viewers() -> None:
    unusual = {r.handler for r in ROUTES if (r.needs == "viewer") != (r.method == "GET")}
    assert unusual == {"validation.validate", "tokens.list_tokens"}
    assert [route.path for route in ROUTES if route.is_open] == ["/api/health"]


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Bearer orch_",
        "Bearer orch_{unknown}",
        "Basic b3BlcmF0b3I6eA==",
        "orch_{unknown}",
        "Bearer orch_\u00e4",
        "Bearer orch_" + "a" * 10_000,
    ],
)
@pytest.mark.parametrize("path", ["/api/dags", "/api/health"])
def test_a_wrong_token_opens_nothing(locked: Api, header: str, path: str) -> None:
    locked.sign_in("operator")
    given = header.replace("{unknown}", "A" * 43)
    response = locked.http.request("GET", path, headers={"Authorization": given})
    assert response.status_code == 401
    assert response.json_body["error"]["code"] == "unauthorized"


def test_the_scheme_is_known_in_any_case(locked: Api) -> None:
    token = locked.sign_in("viewer")
    response = locked.http.request("GET", "/api/dags", headers={"authorization": f"bEARER {token}"})
    assert response.status_code == 200


def test_a_revoked_token_is_refused_from_the_next_request_on(locked: Api) -> None:
    locked.sign_in("viewer")
    assert locked.get("/api/dags").status == 200
    access_tokens.revoke(bootstrap.scheduler(), "ann", who="ann")
    assert locked.get("/api/dags").status == 401


def test_health_tells_strangers_the_status_alone(locked: Api) -> None:
    locked.rows.tick()
    locked.clock.moment = locked.rows.now
    assert locked.get("/api/health").json == {"status": "ok"}
    locked.sign_in("viewer")
    assert locked.get("/api/health").json["queues"]["tasks"] == {
        "visible": 0,
        "delayed": 0,
        "in_flight": 0,
    }


def test_the_document_says_how_to_prove_who_one_is(locked: Api) -> None:
    locked.sign_in("viewer")
    document = locked.get("/api/openapi.json").json
    assert document["security"] == [{"token": []}]
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    assert {} in document["paths"]["/api/health"]["get"]["security"]


def test_a_change_is_written_down_under_the_name_of_the_token(locked: Api) -> None:
    locked.rows.dag("a")
    locked.sign_in("operator", "ann@example.com")
    locked.send("PATCH", "/api/dags/a", {"is_paused": True})
    last, first = locked.get("/api/audit").json["audit"]
    assert (last["who"], last["action"], last["target"]) == ("ann@example.com", "pause", "a")
    assert (first["action"], first["target"], first["details"]) == (
        "create token",
        "ann@example.com",
        {"role": "operator"},
    )


def rows_of(api: Api, sql: str) -> list[tuple[Any, ...]]:
    with api.database.read() as tx:
        return [tuple(row) for row in tx.all(sql)]


def test_of_a_token_only_its_digest_is_kept(locked: Api) -> None:
    token = locked.sign_in("operator")
    locked.get("/api/dags")
    ((digest,),) = rows_of(locked, "SELECT sha256 FROM access_tokens")
    assert digest == hashlib.sha256(token.encode()).hexdigest()
    tables = [name for (name,) in rows_of(locked, "SELECT name FROM sqlite_schema WHERE sql > ''")]
    for table in set(tables) & {"access_tokens", "audit", "metadata", "commits"}:
        assert token not in str(rows_of(locked, f"SELECT * FROM {table}"))


def test_two_tokens_have_nothing_in_common_but_their_prefix(locked: Api) -> None:
    tokens = [
        access_tokens.create(bootstrap.scheduler(), f"t{n}", "viewer", who="ann") for n in range(2)
    ]
    assert tokens[0] != tokens[1]
    assert all(re.fullmatch(r"orch_[\w-]{43}", token) for token in tokens)


def test_the_use_of_a_token_is_noted_once_an_hour_and_costs_no_commit_else(locked: Api) -> None:
    locked.sign_in("viewer")

    def commits_of_a_request() -> int:
        before = len(rows_of(locked, "SELECT 1 FROM commits"))
        assert locked.get("/api/dags").status == 200
        return len(rows_of(locked, "SELECT 1 FROM commits")) - before

    assert [commits_of_a_request() for _ in range(3)] == [1, 0, 0]
    (token,) = access_tokens.list_tokens(bootstrap.scheduler())
    assert token.last_used_at == locked.clock()
    locked.clock.advance(3599)
    assert commits_of_a_request() == 0
    locked.clock.advance(1)
    assert commits_of_a_request() == 1


class OnlyReads(Database):
    """A database whose write lock somebody else holds."""

    @contextmanager
    def write(self, batch_id: str | None = None) -> Iterator[Transaction]:
        raise DatabaseBusy("the write lock could not be had")
        yield


def test_a_token_is_good_while_its_use_cannot_be_noted(locked: Api, tmp_path: Path) -> None:
    locked.sign_in("viewer")
    busy = OnlyReads(tmp_path / "db" / "orchestrator.db")
    locked.configure(database=lambda: busy)
    assert locked.get("/api/dags").status == 200
    busy.close()


@pytest.mark.parametrize("name", ["", "a b", "-x", "x" * 101, "a\n", "\u00e4"])
def test_a_token_needs_a_name_that_can_be_typed(locked: Api, name: str) -> None:
    with pytest.raises(InvalidRequest, match="cannot be called"):
        access_tokens.create(bootstrap.scheduler(), name, "viewer", who="ann")


def test_there_are_two_roles(locked: Api) -> None:
    with pytest.raises(InvalidRequest, match="viewer, operator"):
        access_tokens.create(bootstrap.scheduler(), "ann", "admin", who="ann")


def test_a_name_is_given_once_even_after_its_token_was_revoked(locked: Api) -> None:
    scheduler = bootstrap.scheduler()
    access_tokens.create(scheduler, "ann", "viewer", who="ann")
    access_tokens.revoke(scheduler, "ann", who="ann")
    with pytest.raises(Conflict, match="another name"):
        access_tokens.create(scheduler, "ann", "operator", who="ann")


def test_revoking_twice_is_harmless_and_revoking_nothing_is_an_error(locked: Api) -> None:
    scheduler = bootstrap.scheduler()
    access_tokens.create(scheduler, "ann", "viewer", who="ann")
    for _ in range(2):
        access_tokens.revoke(scheduler, "ann", who="ann")
    assert [token.revoked_at for token in access_tokens.list_tokens(scheduler)] == [locked.clock()]
    with pytest.raises(NotFound):
        access_tokens.revoke(scheduler, "bob", who="ann")


def test_the_first_token_is_made_while_no_operator_has_one(locked: Api) -> None:
    scheduler = bootstrap.scheduler()
    access_tokens.create(scheduler, "ann", "viewer", who="ann")
    locked.token = access_tokens.create_first(scheduler, "first", who="ann") or ""
    assert locked.request("POST", "/api/dags/nope/run").status == 404
    assert access_tokens.create_first(scheduler, "first", who="ann") is None
    access_tokens.revoke(scheduler, "first", who="ann")
    assert access_tokens.create_first(scheduler, "first", who="ann") is not None
    assert [token.name for token in access_tokens.list_tokens(scheduler)] == [
        "ann",
        "first",
        "first-2",
    ]
