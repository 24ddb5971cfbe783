"""The params of a run, checked against what the DAG declares."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.dag.evaluate.params import (
    ParamError,
    resolve_params,
    template_values,
    variable_text,
)
from chalicelib.dag.json_values import MAX_DEPTH, VerbatimNumber, parse_number
from chalicelib.dag.language.parser import parse
from chalicelib.dag.model import Dag, Param
from chalicelib.dag.templates import render, render_value


def dag_of(*params: Param) -> Dag:
    return Dag("d", "d", (), params=params)


def declared(lines: str) -> tuple[Param, ...]:
    source = f"name: x\nparams: {{{lines}}}\ntasks: [{{id: a, command: b}}]"
    return parse(source.encode()).params


def problem_of(param: Param, value: Any) -> str:
    with pytest.raises(ParamError) as caught:
        resolve_params(dag_of(param), {param.name: value})
    (problem,) = caught.value.details["problems"]
    assert problem["param"] == param.name
    return str(problem["message"])


def test_a_given_value_takes_precedence_over_the_default() -> None:
    dag = dag_of(Param("a", "integer", 1), Param("b", "string", "x"), Param("c"))

    assert resolve_params(dag, {"a": 2}) == {"a": 2, "b": "x", "c": None}


def test_null_means_left_out() -> None:
    assert resolve_params(dag_of(Param("a", "integer", 1)), {"a": None}) == {"a": 1}


@pytest.mark.parametrize(
    ("param", "value", "message"),
    [
        (Param("a", "string"), 5, "param 'a' must be text, not 5"),
        (Param("a", "integer"), 1.5, "param 'a' must be a whole number, not 1.5"),
        (Param("a", "integer"), "5", "param 'a' must be a whole number, not \"5\""),
        (Param("a", "number"), True, "param 'a' must be a number, not true"),
        (Param("a", "boolean"), 1, "param 'a' must be true or false, not 1"),
        (Param("a", "array"), {"b": 1}, "param 'a' must be a list, not {\"b\": 1}"),
        (Param("a", "object"), [], "param 'a' must be an object, not []"),
        (Param("a", enum=("x", 1)), True, "param 'a' must be one of \"x\", 1, not true"),
        (Param("a", minimum=2), 1, "param 'a' must be 2 or more, not 1"),
        (Param("a", maximum=2.5), 3, "param 'a' must be 2.5 or less, not 3"),
        (
            Param("a", pattern="[a-z]+"),
            "abc\n",
            "param 'a' must match [a-z]+ as a whole; \"abc\\n\" does not",
        ),
        (Param("a", required=True), None, "param 'a' is required but has no value"),
        (
            Param("a"),
            "x\0",
            "param 'a' cannot be used: text must not contain a NUL character",
        ),
        (
            Param("a"),
            float("nan"),
            "param 'a' cannot be used: this value cannot be written as JSON",
        ),
    ],
)
def test_an_invalid_value_is_reported_with_what_is_allowed(
    param: Param, value: Any, message: str
) -> None:
    assert problem_of(param, value) == message


@pytest.mark.parametrize(
    ("param", "value"),
    [
        (Param("a", "integer"), 5.0),
        (Param("a", "number"), 5),
        (Param("a", enum=(1, "x")), 1.0),
        (Param("a", minimum=2, maximum=2), 2),
        (Param("a", minimum=2), "a text"),
        (Param("a", pattern="a|b"), "b"),
        (Param("a"), {"x": [None]}),
    ],
)
def test_a_valid_value_is_kept_unchanged(param: Param, value: Any) -> None:
    assert resolve_params(dag_of(param), {"a": value}) == {"a": value}


def test_all_problems_of_the_params_are_reported_together() -> None:
    with pytest.raises(ParamError) as caught:
        resolve_params(
            dag_of(Param("rows", "integer"), Param("b", required=True)), {"row": 1, "rows": "x"}
        )

    assert [p["message"] for p in caught.value.details["problems"]] == [
        "unknown param 'row'; did you mean 'rows'?",
        "param 'rows' must be a whole number, not \"x\"",
        "param 'b' is required but has no value",
    ]
    assert (caught.value.status, caught.value.code) == (400, "invalid_params")


def test_a_dag_without_params_says_so() -> None:
    with pytest.raises(ParamError, match="unknown param 'zzz'; the DAG declares none"):
        resolve_params(dag_of(), {"zzz": 1})


def test_the_params_together_are_limited() -> None:
    with pytest.raises(ParamError, match="the params have 40009 bytes; at most 32768 are allowed"):
        resolve_params(dag_of(Param("a")), {"a": "x" * 40_000})


def test_a_default_may_be_a_template() -> None:
    dag = dag_of(Param("day", "string", "{{ ds }}"), Param("n", "array", ["{{ run_id }}"]))
    context = {"ds": "2026-11-23", "run_id": "r"}

    assert resolve_params(dag, {}, context) == {"day": "2026-11-23", "n": ["r"]}


def test_given_values_are_never_rendered() -> None:
    dag = dag_of(Param("a", "string", "{{ ds }}"))

    assert resolve_params(dag, {"a": "{{ ds }}"}, {"ds": "x"}) == {"a": "{{ ds }}"}


def test_a_rendered_default_is_checked() -> None:
    with pytest.raises(ParamError, match="must be one of"):
        resolve_params(dag_of(Param("a", default="{{ ds }}", enum=("x",))), {}, {"ds": "y"})


def test_a_default_with_a_template_is_kept_until_there_is_a_run() -> None:
    dag = dag_of(Param("a", default="{{ ds }}", enum=("x",)), Param("b", required=True))

    with pytest.raises(ParamError) as caught:
        resolve_params(dag, {})
    assert [p["param"] for p in caught.value.details["problems"]] == ["b"]


@pytest.mark.parametrize(
    ("value", "text"),
    [("a b", "a b"), (None, ""), (5, "5"), (1.5, "1.5"), (True, "true"), ([1, "é"], '[1, "é"]')],
)
def test_a_value_in_the_environment_is_text_or_json(value: Any, text: str) -> None:
    assert variable_text(value) == text


@pytest.mark.parametrize(
    ("written", "kind", "default"),
    [
        ("1.10", "number", "1.10"),
        ("1e3", "number", "1e3"),
        ("1.5", "number", 1.5),
        ("0.1234567890123456789", "number", "0.1234567890123456789"),
        ("9007199254740993", "number", "9007199254740993"),
        ("'1.10'", "string", "1.10"),
        ("5", "integer", 5),
        ("5.0", "number", 5.0),
        ("007", "string", "007"),
        ("true", "boolean", True),
        ("yes", "string", "yes"),
        ("2026-01-01", "string", "2026-01-01"),
        ("[1, a]", "array", [1, "a"]),
        ("null", None, None),
        ('"{{ ds }}"', None, "{{ ds }}"),
    ],
)
def test_a_default_alone_determines_the_type(written: str, kind: str | None, default: Any) -> None:
    assert declared(f"a: {written}") == (Param("a", kind, default),)


def test_a_string_keeps_its_text_as_written() -> None:
    assert declared("a: {type: string, default: 1.10, enum: [1.10, 2.0]}") == (
        Param("a", "string", "1.10", enum=("1.10", "2.0")),
    )


def test_every_key_of_a_param_reaches_the_model() -> None:
    lines = (
        "a: {type: integer, description: How many, minimum: 1, maximum: 9, required: true},"
        "b: {type: object, default: {x: [1]}}, c: {pattern: '[a-z]+', default: abc}"
    )
    assert declared(lines) == (
        Param("a", "integer", None, "How many", minimum=1, maximum=9, required=True),
        Param("b", "object", {"x": [1]}),
        Param("c", "string", "abc", pattern="[a-z]+"),
    )


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(JSON, st.sampled_from([None, "string", "integer", "number", "boolean", "array", "object"]))
def test_any_value_is_accepted_or_refused(value: Any, kind: str | None) -> None:
    param = Param("a", kind, minimum=-5, maximum=5, pattern=".*", enum=(1, "a", [1]))
    try:
        found = resolve_params(dag_of(param), {"a": value})
    except ParamError as error:
        assert error.details["problems"]
    else:
        assert found["a"] in (None, 1, "a", [1])


@pytest.mark.parametrize(
    ("kind", "text", "kept"),
    [
        (None, "1.10", "1.10"),
        (None, "1e3", "1e3"),
        (None, "1.1", 1.1),
        (None, "12345678901234567890", "12345678901234567890"),
        ("number", "1.10", "1.10"),
        ("number", "0.1234567890123456789", "0.1234567890123456789"),
        ("number", "5", 5),
        ("integer", "5.0", 5),
        ("integer", "5e0", 5),
        ("integer", "1.2e1", 12),
        ("integer", "12345678901234567890", 12345678901234567890),
        ("integer", "-0", 0),
    ],
)
def test_a_number_is_kept_as_it_was_written(kind: str | None, text: str, kept: Any) -> None:
    dag = dag_of(Param("a", kind))

    values = resolve_params(dag, {"a": parse_number(text)})

    assert values == {"a": kept}
    assert type(values["a"]) is type(kept)
    assert resolve_params(dag, values) == values, "a run made again has the same params"


@pytest.mark.parametrize(
    ("lines", "default", "enum"),
    [
        ("a: {type: integer, default: 5.0, enum: [5e0, 6]}", 5, (5, 6)),
        ("a: {type: number, default: 1.50, enum: [1.50, 2]}", "1.50", ("1.50", 2)),
        ("a: {default: 3.10, enum: [3.9, 3.10]}", "3.10", (3.9, "3.10")),
        ("a: {default: [3.10]}", ["3.10"], None),
    ],
)
def test_a_declared_number_is_kept_as_it_was_written(
    lines: str, default: Any, enum: tuple[Any, ...] | None
) -> None:
    (param,) = declared(lines)

    assert (param.default, param.enum) == (default, enum)
    assert resolve_params(dag_of(param), {}) == {"a": default}


@pytest.mark.parametrize(
    ("param", "text", "message"),
    [
        (Param("a", "integer"), "5.5", "must be a whole number, not 5.5"),
        (Param("a", "integer"), "3.10", "must be a whole number, not 3.10"),
        (Param("a", "string"), "3.10", "must be text, not 3.10"),
        (Param("a", "number", maximum=3), "3.10", "must be 3 or less, not 3.10"),
        (Param("a", enum=(3.9, "3.10")), "3.1", 'must be one of 3.9, "3.10", not 3.1'),
    ],
)
def test_a_number_is_checked_as_a_number_and_reported_as_written(
    param: Param, text: str, message: str
) -> None:
    assert problem_of(param, parse_number(text)) == f"param 'a' {message}"


def test_a_text_is_a_number_only_where_it_keeps_a_spelling() -> None:
    dag = dag_of(Param("a", "number", maximum=2))

    assert resolve_params(dag, {"a": "1.10"}) == {"a": "1.10"}
    assert "must be a number" in problem_of(dag.params[0], "1.1")
    assert "must be 2 or less" in problem_of(dag.params[0], "2.10")


def test_many_unknown_params_are_not_all_listed() -> None:
    with pytest.raises(ParamError) as caught:
        resolve_params(dag_of(Param("a")), {f"b{number}": 1 for number in range(5000)})

    assert len(caught.value.details["problems"]) == 21
    assert caught.value.message.endswith("4980 more params are unknown, too")


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ params.a }}", "1.50"),
        ("{{ params.a * 2 }}", "3.0"),
        ("{{ params.a | tojson }}", "1.50"),
        ("{{ params.a | replace('.', ',') }}", "1,50"),
        ("{{ params.a > 1 }}", "true"),
        ("{{ [params.a] }}", '["1.50"]'),
        ("{{ params.text }}", "1.50"),
    ],
)
def test_templates_calculate_with_a_number_and_keep_its_spelling(
    template: str, expected: str
) -> None:
    dag = dag_of(Param("a", "number"), Param("text", "string"))
    context = {"params": template_values(dag, {"a": "1.50", "text": "1.50"})}

    assert render(template, context, for_shell=False) == expected
    kept = render_value([template], context)[0]
    assert not isinstance(kept, VerbatimNumber)


def test_a_value_that_is_too_deep_is_refused() -> None:
    deep: Any = []
    for _ in range(MAX_DEPTH - 1):
        deep = {"a": [deep]} if isinstance(deep, dict) else [deep]
    assert resolve_params(dag_of(Param("a")), {"a": deep}) == {"a": deep}

    assert "nested more than 64 levels deep" in problem_of(Param("a"), [deep])
