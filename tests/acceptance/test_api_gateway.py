"""Events as API Gateway sends them, which `chalice local` imitates only in part."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.api import Api


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    """An API that requires a token, as on AWS."""
    api = Api(tmp_path, auth="token")
    api.sign_in("operator")
    yield api
    api.close()


@dataclass
class LambdaContext:
    """The part of Lambda's context that is read."""

    aws_request_id: str = "request-1"


def event(method: str, resource: str, **changes: Any) -> dict[str, Any]:
    """A REST API's event for the stage `api`, without parameters or body."""
    return {
        "requestContext": {
            "httpMethod": method,
            "resourcePath": resource,
            "path": f"/api{resource}",
            "stage": "api",
        },
        "headers": {"Host": "x.execute-api.us-east-1.amazonaws.com"},
        "pathParameters": None,
        "multiValueQueryStringParameters": None,
        "stageVariables": None,
        "body": None,
        "isBase64Encoded": False,
        **changes,
    }


def ask(api: Api, **kwargs: Any) -> tuple[int, Any]:
    asked = event(**kwargs)
    asked["headers"]["Authorization"] = f"Bearer {api.token}"
    response = api.app(asked, LambdaContext())
    return response["statusCode"], json.loads(response["body"])


def test_the_document_names_the_stage_as_its_server(api: Api) -> None:
    status, document = ask(api, method="GET", resource="/api/openapi.json")
    assert (status, document["servers"]) == (200, [{"url": "/api"}])


def test_a_run_is_made_without_a_body(api: Api) -> None:
    api.rows.dag("a")
    status, run = ask(
        api, method="POST", resource="/api/dags/{dag_id}/run", pathParameters={"dag_id": "a"}
    )
    assert (status, run["dag_id"]) == (201, "a")


def test_a_file_in_base64_is_read(api: Api) -> None:
    source = b"name: \xc3\xa4x\ntasks: [{id: t, command: echo}]\n"
    status, answer = ask(
        api,
        method="POST",
        resource="/api/dags/validate",
        headers={"content-type": "application/octet-stream"},
        body=base64.b64encode(source).decode(),
        isBase64Encoded=True,
    )
    assert (status, answer["dag"]["name"]) == (200, "\u00e4x")


def test_a_parameter_is_read_from_the_lists_that_the_gateway_sends(api: Api) -> None:
    status, answer = ask(
        api,
        method="GET",
        resource="/api/dags",
        multiValueQueryStringParameters={"limit": ["1", "2"]},
    )
    assert (status, answer["error"]["details"]) == (400, {"parameter": "limit"})


def test_an_unforeseen_error_names_the_request_as_lambda_does(api: Api) -> None:
    def fail() -> Any:
        raise ZeroDivisionError

    api.configure(database=fail)
    status, answer = ask(api, method="GET", resource="/api/dags")
    assert (status, answer["error"]["details"]) == (500, {"request_id": "request-1"})
