"""The table of routes agrees with itself, with the states, and with what is made from it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib import import_module
from itertools import combinations
from pathlib import Path

import pytest
from openapi_spec_validator import validate

from chalicelib.web import openapi, reference
from chalicelib.web.response_schemas import HELP, components
from chalicelib.web.routes import (
    ROUTES,
    JsonBody,
    Route,
)

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.handler)
def test_every_handler_exists(route: Route) -> None:
    module, _, function = route.handler.partition(".")
    assert callable(getattr(import_module(f"chalicelib.web.handlers.{module}"), function))


def test_every_route_and_every_operation_is_there_once() -> None:
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)
    assert len({route.handler for route in ROUTES}) == len(ROUTES)


def test_two_paths_that_one_url_fits_share_no_method() -> None:
    """A URL goes to the path without the variable, and only there."""
    for one, other in combinations({route.path for route in ROUTES}, 2):
        pattern = re.sub(r"{\w+}", "[^/]+", one)
        if re.fullmatch(pattern, other):
            methods = [{r.method for r in ROUTES if r.path == path} for path in (one, other)]
            assert not methods[0] & methods[1], (one, other)


@pytest.mark.parametrize("auth", ["token", "iam", "none"])
def test_the_document_is_valid_openapi(auth: str) -> None:
    validate(openapi.document(auth=auth))


def test_the_document_has_every_route() -> None:
    documented = {
        (method.upper(), path)
        for path, operations in openapi.document()["paths"].items()
        for method in operations
    }
    assert documented == {(route.method, route.path) for route in ROUTES}


def test_every_schema_that_is_named_is_there_and_every_one_there_is_named() -> None:
    text = json.dumps(openapi.document())
    named = set(re.findall(r"#/components/schemas/(\w+)", text))
    assert named == set(components())


def test_every_name_that_is_explained_is_used() -> None:
    names = set(re.findall(r'"(\w+)": {', json.dumps(components())))
    assert set(HELP) <= names


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.handler)
def test_the_reference_has_every_route_and_parameter(route: Route) -> None:
    text = reference.reference_markdown()
    assert f"`{route.method} {route.path}`" in text
    fields = route.body.fields if isinstance(route.body, JsonBody) else ()
    for param in (*route.params, *fields):
        assert f"| `{param.name}` |" in text
        assert param.help in text


LIGHT = """
import sys, chalice
before = set(sys.modules)
import chalicelib.web
app = chalice.Chalice("x", configure_logs=False)
chalicelib.web.register(app)
print(" ".join(sorted(set(sys.modules) - before)))
"""


def test_importing_the_package_brings_only_the_table() -> None:
    """Every Lambda function imports it through app.py, and most never answer a request."""
    done = subprocess.run(
        [sys.executable, "-c", LIGHT], cwd=ROOT, check=True, capture_output=True, text=True
    )
    ours = {name for name in done.stdout.split() if name.startswith("chalicelib.")}
    assert not {name for name in ours if "handlers" in name or "schemas" in name}
    assert not {name for name in ours if name.split(".")[1] in ("database", "scheduler", "dag")}
    for heavy in ("yaml", "croniter", "pysqlite3", "sqlite3", "boto3", "moto"):
        assert heavy not in done.stdout.split()
