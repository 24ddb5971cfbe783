"""JSON that some reader behind the API could not read again is refused by every route that takes
JSON, with the reason; and what is taken can be looked at afterwards."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.dag.json_values import MAX_DEPTH
from chalicelib.dag.model import Param
from chalicelib.web.routes import ROUTES, JsonBody, Route, TextBody
from tests.support.api import Api, Reply

RUN = "/api/dags/d/run"

ODD = {
    "lists without end": (b"[" * 30_000 + b"]" * 30_000, "nested too deeply"),
    "objects without end": (b'{"a":' * 9_000 + b"1" + b"}" * 9_000, "nested too deeply"),
    "lists that do not end": (b"[" * 60_000, "nested too deeply"),
    "deeper than a body may be": (b"[" * 67 + b"]" * 67, "nested too deeply"),
    "5,000 digits": (b"1" * 5_000, "put it in quotation marks"),
    "5,000 digits behind the point": (b"0." + b"1" * 5_000, "put it in quotation marks"),
    "a number beyond all": (b"1e999", "put it in quotation marks"),
    "a number below all": (b"-1e999", "put it in quotation marks"),
    "an exponent of many digits": (b"1e" + b"9" * 5_000, "put it in quotation marks"),
    "NaN": (b"NaN", "NaN is not JSON"),
    "Infinity": (b"[-Infinity]", "-Infinity is not JSON"),
    "a key twice": (b'{"x": {"b": 1, "b": 2}}', 'the key "b" appears twice'),
    "a leading zero": (b"007", "not JSON"),
    "no UTF-8": (b'"\xff"', "not UTF-8"),
}


def takers() -> list[Route]:
    return [route for route in ROUTES if isinstance(route.body, JsonBody)]


def path_of(route: Route) -> str:
    names = {"{dag_id}": "d", "{run_id}": "r", "{task_id}": "a", "{pool}": "p"}
    path = route.path.replace("{backfill_id}", "1")
    for name, value in names.items():
        path = path.replace(name, value)
    return path


def bodies(route: Route, value: bytes) -> list[bytes]:
    """The value alone, under a key that is not known, and as each of the fields."""
    assert isinstance(route.body, JsonBody)
    names = ["zzz", *(field.name for field in route.body.fields)]
    return [value, *(b'{"%s": %s}' % (name.encode(), value) for name in names)]


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("route", takers(), ids=lambda route: f"{route.method} {route.path}")
def test_odd_json_is_refused_everywhere(api: Api, route: Route, name: str) -> None:
    value, words = ODD[name]
    for body in bodies(route, value):
        reply = api.request(route.method, path_of(route), body, "application/json")

        assert (reply.status, reply.error["code"]) == (400, "invalid_request"), body[:40]
        assert words in reply.error["message"]


@pytest.mark.parametrize(
    "source",
    [
        *(value for value, _ in ODD.values()),
        b"a: " * 10_000,
        b"- " * 50_000,
        b"{" * 50_000,
        b"? " * 50_000,
        b"name: x\nparams: {a: " + b"[" * 500 + b"]" * 500 + b"}\ntasks: [{id: a, command: b}]",
    ],
)
@pytest.mark.parametrize("route", [r for r in ROUTES if isinstance(r.body, TextBody)])
def test_an_odd_file_is_judged(api: Api, route: Route, source: bytes) -> None:
    headers = {"If_None_Match": "*"} if route.has_precondition else {}
    query = "?key=d.yaml" if route.has_precondition else ""
    path = f"{path_of(route)}{query}"
    reply = api.request(route.method, path, source, "application/yaml", **headers)

    assert (reply.status, reply.error["code"]) == (422, "invalid_dag")


def register(api: Api) -> None:
    api.rows.dag("d", params=(Param("j"),))


def run(api: Api, params: bytes) -> Reply:
    return api.request("POST", RUN, b'{"params": %s}' % params, "application/json")


def nested(depth: int) -> bytes:
    return b'{"j": %s}' % (b"[" * depth + b"]" * depth)


def test_what_is_as_deep_as_can_be_is_taken_and_shown(api: Api) -> None:
    register(api)

    made = run(api, nested(MAX_DEPTH))

    assert made.status == 201
    shown = api.get(f"/api/runs/{made.json['run_id']}")
    assert json.dumps(shown.json["params"]["j"]) == "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert api.send("POST", f"/api/runs/{made.json['run_id']}/rerun", {}).status == 201


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 500])
def test_what_is_deeper_makes_no_run(api: Api, depth: int) -> None:
    register(api)

    reply = run(api, nested(depth))

    assert reply.status == 400
    assert "nested" in reply.error["message"]
    assert api.get("/api/runs").json["runs"] == []


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("1.10", "1.10"),
        ("3.10", "3.10"),
        ("1e3", "1e3"),
        ("-0", "-0"),
        ("0.1234567890123456789", "0.1234567890123456789"),
        ("12345678901234567890", "12345678901234567890"),
        ("[1.10, {}, 2]".replace("{}", '{"v": 2.50}'), ["1.10", {"v": "2.50"}, 2]),
        ("1.1", 1.1),
        ("5", 5),
        ("5.0", 5.0),
    ],
)
def test_a_number_reaches_the_run_as_it_was_written(api: Api, written: str, kept: Any) -> None:
    register(api)

    made = run(api, b'{"j": %s}' % written.encode())

    assert api.get(f"/api/runs/{made.json['run_id']}").json["params"] == {"j": kept}
