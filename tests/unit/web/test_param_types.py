"""What parameters accept, refuse, and say about it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from chalicelib.web.param_types import (
    Boolean,
    Choice,
    Cursor,
    DateTime,
    Integer,
    ListOf,
    Nullable,
    Object,
    ParamType,
    Text,
)

KINDS: list[ParamType] = [
    Integer(-1, 500),
    Boolean(),
    Text(10),
    Text(20, "[!-~]+", "printable ASCII"),
    Choice(("a", "b")),
    DateTime(),
    Cursor("runs"),
    Cursor("dags", is_text=True),
    ListOf(Text(10), 3),
    ListOf(Choice(("a", "b")), 1),
    Object(),
    Nullable(Text(10)),
    Nullable(Choice(("a", "b"))),
]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@pytest.mark.parametrize("kind", KINDS, ids=repr)
@given(text=st.text())
def test_any_text_is_read_or_refused_with_what_would_be_right(kind: ParamType, text: str) -> None:
    try:
        kind.from_text(text)
    except ValueError as error:
        assert str(error) == refusal(kind)


def refusal(kind: ParamType) -> str:
    with pytest.raises(ValueError) as caught:
        kind.from_text("\ud800")
    return str(caught.value)


@pytest.mark.parametrize("kind", KINDS, ids=repr)
@given(value=JSON)
def test_what_is_accepted_as_json_is_valid_by_the_published_schema(
    kind: ParamType, value: object
) -> None:
    try:
        kind.from_json(value)
    except ValueError:
        return
    validator = Draft202012Validator(kind.schema(), format_checker=FormatChecker())
    assert validator.is_valid(value)


@given(st.integers(-1, 500))
def test_every_integer_within_the_bounds_is_read(number: int) -> None:
    assert Integer(-1, 500).from_text(str(number)) == number


@pytest.mark.parametrize("text", ["501", "-2", "1.0", "+1", " 1", "1_0", "\u0661", "", "9" * 5000])
def test_what_only_resembles_an_integer_within_the_bounds_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a whole number from -1 to 500"):
        Integer(-1, 500).from_text(text)


@pytest.mark.parametrize("value", [[], ["a"] * 4, "a", None, {"a": 1}])
def test_a_list_has_neither_too_few_nor_too_many_values(value: object) -> None:
    with pytest.raises(ValueError, match="a list of 1 to 3"):
        ListOf(Text(10), 3).from_json(value)


def test_a_wrong_value_in_a_list_is_explained() -> None:
    with pytest.raises(ValueError, match="each text, 1 to 10 characters"):
        ListOf(Text(10), 3).from_json(["a", 1])


@pytest.mark.parametrize("value", [{"a": "\ud800"}, {"\ud800": 1}, {"a": [float("inf")]}, [], "{}"])
def test_an_object_that_nothing_can_store_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="a JSON object"):
        Object().from_json(value)


def test_null_is_a_value_where_it_is_allowed() -> None:
    assert Nullable(Text(10)).from_json(None) is None
    with pytest.raises(ValueError, match="characters, or null"):
        Nullable(Text(10)).from_json("")


def test_true_is_no_integer() -> None:
    with pytest.raises(ValueError):
        Integer(0, 10).from_json(True)


def test_a_time_is_converted_to_utc() -> None:
    assert DateTime().from_text("2026-11-23T12:00:00+02:00") == datetime(
        2026, 11, 23, 10, tzinfo=UTC
    )


@given(st.integers(0, 10**18 - 1))
def test_a_cursor_comes_back_as_the_key_that_it_was_made_from(key: int) -> None:
    cursor = Cursor("runs")
    assert cursor.from_text(cursor.encode(key) or "") == key


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_cursor_may_hold_any_text(key: str) -> None:
    cursor = Cursor("dags", is_text=True)
    assert cursor.from_text(cursor.encode(key) or "") == key


def test_the_last_page_has_no_cursor() -> None:
    assert Cursor("runs").encode(None) is None
