"""Outputs keep their spelling, and are parsed as JSON if a template needs that."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.dag.json_values import MAX_DEPTH, parse_json, parse_verbatim
from chalicelib.dag.templates import render, render_value
from chalicelib.dag.templates.scope import TemplateError
from chalicelib.dag.text import to_text

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
EXACT = 2**53
"""Up to here a float holds every integer, as JavaScript's numbers do."""
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-EXACT, EXACT)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    max_leaves=9,
)
AS_WRITTEN = [
    "12", "-1.5", "1.10", "007", "1e3", "1E3", "-0", "1e400", "9" * 30, "9" * 5000, " 12", "true",
    "false", "null", "True", '"text"', "hello", "", "[]", "{}", "[ 1,2.50 ]", '{"a":  1}',
    '{"a": 1, "a": 2}', "[1]\n", "NaN", "[Infinity]", "[" * 9000, "[" * 9000 + "]" * 9000,
    "{'a': 1}", r'["\ud800"]',
]  # fmt: skip


@pytest.mark.parametrize("text", AS_WRITTEN, ids=lambda text: text[:12])
def test_an_output_is_rendered_as_it_was_written(text: str) -> None:
    value = parse_verbatim(text)
    assert to_text(value) == text
    assert render("{{ outputs.t.v }}", {"outputs": {"t": {"v": value}}}, for_shell=False) == text


@given(TEXTS | JSON.map(json.dumps) | JSON.map(lambda value: json.dumps(value, indent=1)))
def test_any_text_comes_through_unchanged(text: str) -> None:
    assert to_text(parse_verbatim(text)) == text


@pytest.mark.parametrize(
    ("template", "written", "value"),
    [
        ("{{ v[0] }}", "[1.10, 2]", "1.10"),
        ("{{ v.a.b }}", '{"a":  {"b": [1,  2]}}', [1, 2]),
        ("{{ v }}", "[1,  2.50]", [1, "2.50"]),
        ("{{ v | join('+') }}", "[1, 2.50]", "1+2.50"),
        ("{{ v + 1 }}", "12", 13),
        ("{{ v > 9 }}", "1e1", True),
        ("{{ v | length }}", '{"a": 1}', 1),
        ("{{ v | fromjson }}", '"text"', "text"),
        ("{{ v | fromjson }}", "null", None),
        ("{{ v | fromjson }}", "[1]", [1]),
        ("{{ (v | fromjson).a }}", '  {"a": 1}', 1),
        ("{{ v | tojson }}", "[1,  2]", "[1,  2]"),
        ("{{ 'y' if v else 'n' }}", "false", "n"),
        ("{{ v + [3] }}", "[1]", [1, 3]),
    ],
)
def test_an_output_is_parsed_if_a_template_needs_its_structure(
    template: str, written: str, value: Any
) -> None:
    found = render_value(template, {"v": parse_verbatim(written)})
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("text", ["[", "{'a': 1}", "[" * 9000, "NaN"], ids=lambda text: text[:9])
def test_fromjson_reports_invalid_json(text: str) -> None:
    with pytest.raises(TemplateError, match="fromjson cannot read this text"):
        render_value("{{ v | fromjson }}", {"v": text})


def test_json_can_be_nested_up_to_a_limit() -> None:
    deep = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert parse_json(deep) == json.loads(deep)
    with pytest.raises(ValueError, match="nested more than 64 levels deep"):
        parse_json(f"[[{deep}]]")
    assert parse_verbatim(f"[[{deep}]]") == f"[[{deep}]]"


@given(JSON)
def test_any_json_is_read_as_what_it_is(value: Any) -> None:
    text = json.dumps(value)
    assert parse_json(text) == json.loads(text, parse_int=as_browsers_read)


def as_browsers_read(digits: str) -> int | float:
    """A whole number beyond 2**53 is kept as it was written, and counts as the nearest float."""
    return int(digits) if abs(int(digits)) <= 2**53 else float(digits)
