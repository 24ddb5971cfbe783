"""The API where something else than a token says who asks: AWS IAM, or nothing at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from chalice.app import IAMAuthorizer

from chalicelib import config
from tests.acceptance.test_api_gateway import LambdaContext, event
from tests.support.api import Api

ARN = "arn:aws:sts::123456789012:assumed-role/deployer/ann"


def test_a_token_is_demanded_unless_a_setting_says_otherwise() -> None:
    assert config.load({}).auth == "token"
    with pytest.raises(config.BadSetting, match="token, iam, none"):
        config.load({"ORCHESTRATOR_AUTH": "off"})


@pytest.fixture
def signed(tmp_path: Path) -> Any:
    api = Api(tmp_path, auth="iam")
    yield api
    api.close()


def run_a(api: Api, identity: Any) -> Any:
    asked = event("POST", "/api/dags/{dag_id}/run", pathParameters={"dag_id": "a"})
    asked["requestContext"]["identity"] = identity
    return api.app(asked, LambdaContext())


def test_iam_stands_before_every_route_of_the_table(signed: Api) -> None:
    routes = [
        entry
        for path, methods in signed.app.routes.items()
        for entry in methods.values()
        if path.startswith("/api/")
    ]
    assert routes
    assert all(isinstance(entry.authorizer, IAMAuthorizer) for entry in routes)


def test_a_signed_request_is_written_down_under_its_arn(signed: Api) -> None:
    signed.rows.dag("a")
    assert run_a(signed, {"userArn": ARN})["statusCode"] == 201
    with signed.database.read() as tx:
        row = tx.one("SELECT who, action FROM audit")
    assert row is not None
    assert tuple(row) == (ARN, "run")


@pytest.mark.parametrize("identity", [None, {}, {"userArn": None}, {"userArn": ""}])
def test_what_api_gateway_has_not_checked_is_refused(signed: Api, identity: Any) -> None:
    """`chalice local` lets everybody through an authorizer that it does not know."""
    signed.rows.dag("a")
    assert run_a(signed, identity)["statusCode"] == 401


def answer(api: Api, **headers: str) -> int:
    return int(api.http.request("POST", "/api/dags/a/run", headers=headers).status_code)


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "127.0.0.1", "[::1]:8000"])
def test_without_tokens_programs_and_the_own_page_are_served(api: Api, host: str) -> None:
    api.rows.dag("a")
    assert answer(api, Host=host) == 201
    assert answer(api, Host=host, Origin=f"http://{host}") == 201
    assert {row["who"] for row in api.get("/api/audit").json["audit"]} == {"local"}


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("127.0.0.1:8000", "https://evil.example"),
        ("127.0.0.1:8000", "null"),
        ("127.0.0.1:8000", "http://127.0.0.1:9999"),
        ("127.0.0.1:8000", "http://evil.example/127.0.0.1:8000"),
        ("evil.example", "http://evil.example"),
        ("127.0.0.1.evil.example", "http://127.0.0.1.evil.example"),
        ("[", "http://["),
    ],
)
def test_without_tokens_a_page_of_another_site_can_do_nothing(
    api: Api, host: str, origin: str
) -> None:
    api.rows.dag("a")
    assert answer(api, Host=host, Origin=origin) == 403
    assert api.get("/api/runs").json["runs"] == []
