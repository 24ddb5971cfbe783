"""Every error has one shape, says what is wrong, and tells what would be right."""

from __future__ import annotations

import json

import pytest

from chalicelib.database import Database
from tests.support.api import Api

RUN = "/api/dags/a/run"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/api/dags?limit=0", "from 1 to 500"),
        ("/api/dags?limit=501", "from 1 to 500"),
        ("/api/dags?limit=ten", "whole number"),
        ("/api/dags?limit=%D9%A1", "whole number"),
        ("/api/dags?limit=99999999999999999999999999", "whole number"),
        ("/api/dags?limit=", "whole number"),
        ("/api/dags?limit=1&limit=2", "given 2 times"),
        ("/api/dags?paused=yes", "true or false"),
        ("/api/dags?search=", "1 to 200 characters"),
        ("/api/dags?pausd=true", "did you mean 'paused'"),
        ("/api/dags/a?x=1", "takes none"),
        ("/api/runs?state=done", "queued, running, success, failed, cancelled"),
        ("/api/task_instances?state=done", "up_for_retry"),
        ("/api/dags?cursor=nonsense", "next_cursor"),
        ("/api/dags?cursor=%C3%A4", "next_cursor"),
        ("/api/runs?cursor=ZGFnczph", "next_cursor"),
        ("/api/dags/a/next?count=101", "from 1 to 100"),
    ],
)
def test_a_wrong_query_parameter_is_explained(api: Api, path: str, words: str) -> None:
    reply = api.get(path)
    assert (reply.status, reply.error["code"]) == (400, "invalid_request")
    assert words in reply.error["message"]


def test_a_cursor_of_one_list_is_refused_by_another(api: Api) -> None:
    api.rows.dag("a")
    api.rows.run("a")
    api.rows.run("a")
    cursor = api.get("/api/runs?limit=1").json["next_cursor"]
    assert api.get(f"/api/runs?cursor={cursor}").status == 200
    assert api.get(f"/api/task_instances?cursor={cursor}").status == 400


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "not JSON"),
        (b"\xff", "not UTF-8"),
        (b"[]", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b'{"note": "a", "note": "b"}', "twice"),
        (b'{"note": NaN}', "NaN is not JSON"),
        (b'{"nots": "a"}', "did you mean 'note'"),
        (b'{"note": 1}', "must be text"),
        (b'{"note": ""}', "1 to 1000"),
        (b'{"note": "\\ud800"}', "must be text"),
        (b'{"idempotency_key": ""}', "text, 1 to 200 characters"),
        (b'{"idempotency_key": "%s"}' % (b"a" * 201), "text, 1 to 200 characters"),
        (b'{"idempotency_key": "\\udc80"}', "text, 1 to 200 characters"),
        (b'{"logical_date": "2999-01-01T00:00:00Z"}', "is in the future"),
        (b'{"logical_date": "tomorrow"}', "with an offset"),
        (b'{"logical_date": "2026-11-23T10:00:00"}', "with an offset"),
        (b'{"logical_date": "0001-01-01T00:00:00+14:00"}', "from 1970"),
        (b'{"logical_date": 5}', "with an offset"),
        (b"[" * 60_000, "nested too deeply"),
        (b" " * 70_000, "at most 65536"),
    ],
)
def test_a_wrong_body_is_explained(api: Api, body: bytes, words: str) -> None:
    api.rows.dag("a")
    reply = api.request("POST", RUN, body, "application/json")
    assert (reply.status, reply.error["code"]) == (400, "invalid_request")
    assert words in reply.error["message"]
    assert api.get("/api/runs").json["runs"] == []


@pytest.mark.parametrize("content_type", [None, "text/plain", "multipart/form-data"])
def test_a_wrong_content_type_is_explained(api: Api, content_type: str | None) -> None:
    api.rows.dag("a")
    reply = api.request("POST", RUN, b"{}", content_type)
    assert reply.status == 400
    assert "Content-Type: application/json" in reply.error["message"]


@pytest.mark.parametrize(
    ("body", "words"),
    [(b"", "body is missing"), (b"{}", "'is_paused' is missing"), (b'{"is_paused": 1}', "true")],
)
def test_a_change_without_a_value_is_refused(api: Api, body: bytes, words: str) -> None:
    reply = api.request("PATCH", "/api/dags/a", body, "application/json")
    assert reply.status == 400
    assert words in reply.error["message"]


def test_a_file_that_is_too_large_is_refused(api: Api) -> None:
    body = b"#" * (256 * 1024 + 1)
    reply = api.request("POST", "/api/dags/validate", body, "text/plain")
    assert (reply.status, reply.error["details"]) == (400, {"limit": 256 * 1024})


def test_null_stands_for_a_field_that_is_not_given(api: Api) -> None:
    api.rows.dag("a")
    assert api.send("POST", RUN, {"note": None, "logical_date": None}).status == 201


def test_a_method_that_a_path_does_not_take_is_answered_with_those_it_takes(api: Api) -> None:
    reply = api.request("DELETE", "/api/dags/a")
    assert (reply.status, reply.error["code"]) == (405, "method_not_allowed")
    assert reply.headers["Allow"] == "GET, PATCH"


@pytest.mark.parametrize("path", ["/api", "/api/nope", "/api/dags/a/b/c/d/e", "/x/y"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_path_that_is_not_there_is_not_found(api: Api, method: str, path: str) -> None:
    reply = api.request(method, path)
    assert (reply.status, reply.error["code"]) == (404, "not_found")
    assert path in reply.error["message"]


def test_what_nobody_foresaw_is_logged_and_hides_its_trace(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> Database:
        raise ZeroDivisionError("secret")

    api.configure(database=fail)
    reply = api.get("/api/dags")
    assert (reply.status, reply.error["code"]) == (500, "internal")
    assert "secret" not in json.dumps(reply.json)
    assert reply.error["details"]["request_id"] in reply.error["message"]
    assert any("secret" in str(record.exc_info) for record in caplog.records)


def test_what_fails_outside_of_a_route_has_the_shape_too(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    @api.app.middleware("http")
    def broken(request: object, get_response: object) -> object:
        raise ZeroDivisionError("secret")

    reply = api.get("/api/dags")
    assert (reply.status, reply.error["code"]) == (500, "internal")
    assert any("secret" in str(record.exc_info) for record in caplog.records)


def test_an_answer_to_head_has_no_body(api: Api) -> None:
    response = api.http.request("HEAD", "/api/dags")
    assert (response.status_code, response.body) == (405, b"")
