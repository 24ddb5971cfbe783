"""The table of routes agrees with itself, with the states, and with what is made from it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from importlib import import_module
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

from chalicelib.web import openapi
from chalicelib.web.response_schemas import components, field_descriptions, response_classes
from chalicelib.web.routes import (
    ROUTES,
    JsonBody,
    Route,
)
from tests.support import api_reference

ROOT = Path(__file__).parents[3]
RESPONSES = sorted(response_classes().values(), key=lambda cls: cls.__name__)


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


@pytest.mark.parametrize("cls", RESPONSES, ids=lambda cls: cls.__name__)
def test_a_docstring_describes_fields_that_the_response_has(cls: type[Any]) -> None:
    assert set(field_descriptions(cls)) <= {spec.name for spec in fields(cls)}


def test_descriptions_of_fields_reach_the_document() -> None:
    """A description may stand in a base class, and may have line ends."""
    properties = components()["RunDetail"]["properties"]
    assert properties["ancestry"]["description"] == (
        "Ids of the DAGs whose runs triggered this one, outermost first."
    )
    assert properties["next_cursor"]["description"].startswith("`cursor` of the next page; null")
    assert properties["next_cursor"]["description"].endswith("without being the last.")


def test_every_summary_and_description_is_a_phrase_of_its_own() -> None:
    """They begin with a capital or a name in code; a summary ends without a full stop, a
    description with one."""
    document = openapi.document()
    summaries = [op["summary"] for path in document["paths"].values() for op in path.values()]
    descriptions = _descriptions(document)
    for text in (*summaries, *descriptions):
        assert text[0].isupper() or text[0] == "`", text
    assert not [text for text in summaries if text.endswith(".")]
    assert not [text for text in descriptions if not text.endswith(".")]


def _descriptions(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _descriptions(item)
    elif isinstance(node, dict):
        if isinstance(node.get("description"), str):
            yield node["description"]
        for item in node.values():
            yield from _descriptions(item)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.handler)
def test_the_reference_has_every_route_and_parameter(route: Route) -> None:
    text = api_reference.reference_markdown()
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
