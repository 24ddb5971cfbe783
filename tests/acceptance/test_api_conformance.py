"""The API keeps to its own document, whatever it is asked.

schemathesis makes requests from the OpenAPI document, right and wrong ones, the same in every run;
half of the ids in their paths are those of a small history.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode, checks
from schemathesis.specs.openapi import checks as openapi_checks

from chalicelib.web.routes import ROUTES, Route
from tests.support.api import Api

EXAMPLES = 25

CHECKS = [
    checks.not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_headers_conformance,
    openapi_checks.response_schema_conformance,
    openapi_checks.negative_data_rejection,
    openapi_checks.unsupported_method,
    openapi_checks.allow_header_conformance,
]


def modes(route: Route) -> list[GenerationMode]:
    """Return the modes to test; where only the path varies, any id is valid."""
    return list(GenerationMode) if route.params or route.body else [GenerationMode.POSITIVE]


@pytest.fixture(scope="module")
def api_schema(tmp_path_factory: pytest.TempPathFactory) -> Iterator[schemathesis.BaseSchema]:
    api = Api(tmp_path_factory.mktemp("api"))
    ids = history(api)
    loaded = schemathesis.openapi.from_wsgi("/api/openapi.json", wsgi(api))

    @loaded.hook
    def map_path_parameters(_: Any, path_parameters: dict[str, str] | None) -> Any:
        if path_parameters is None:
            return None
        return {k: ids[k] if len(str(v)) % 2 else v for k, v in path_parameters.items()}

    yield loaded
    api.close()


@pytest.mark.parametrize(
    ("route", "mode"),
    [(route, mode) for route in ROUTES for mode in modes(route)],
    ids=lambda value: value.handler if isinstance(value, Route) else value.value,
)
def test_every_answer_is_in_the_document(
    api_schema: schemathesis.BaseSchema, route: Route, mode: GenerationMode
) -> None:
    operation = api_schema[route.path][route.method]

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate(checks=CHECKS)

    check()


def history(api: Api) -> dict[str, str]:
    """Store one of everything that the API returns; return the ids of some of it."""
    api.rows.dag("a", schedule=("@hourly",), tags=("t",), doc_md="# Doc", env={"K": "v"})
    api.rows.dag("b", is_paused=True)
    api.rows.broken("b.yaml")
    for state in ("queued", "running", "failed", "success"):
        run_id = api.rows.run("a", state)
        key = api.rows.task(run_id, "extract", "none" if state == "queued" else state)
        api.rows.task(run_id, "load", "none")
        api.runs.put(api.rows.attempt(run_id, "extract").log_chunk_key(0), b"hello\n")
    api.rows.tick(["an error"], runs_created=1)
    api.rows.outputs(run_id, "extract", {"n": [1, None]})
    api.rows.artifact(run_id, key, "report")
    api.runs.put(api.rows.attempt(run_id, "extract").artifact_key("report"), b"a,b")
    api.rows.pool("p")
    api.rows.backfill("a")
    notification = api.rows.notification(run_id)
    ids = {"dag_id": "a", "run_id": run_id, "task_id": "extract"}
    return {
        **ids,
        "version": "1",
        "backfill_id": "1",
        "pool": "p",
        "artifact": "report",
        "notification_id": str(notification),
        "token": "t",
    }


def wsgi(api: Api) -> Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]:
    """The API as a WSGI application."""

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        headers = {
            name.removeprefix("HTTP_").replace("_", "-").lower(): str(value)
            for name, value in environ.items()
            if name.startswith("HTTP_") or name == "CONTENT_TYPE"
        }
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        url = environ["REQUEST_URI"].partition("?")[0] + "?" + environ.get("QUERY_STRING", "")
        response = api.http.request(environ["REQUEST_METHOD"], url, headers=headers, body=body)
        start_response(f"{response.status_code} Status", list(response.headers.items()))
        return [response.body]

    return application
