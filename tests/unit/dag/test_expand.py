"""The mapped instances of a task with `expand`."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.dag.evaluate.expand import MAX_MAPPED_INSTANCES, ExpandError, mapped_items
from chalicelib.dag.json_values import MAX_DEPTH
from chalicelib.dag.model import Task

CONTEXT = {
    "outputs": {"a": {"files": ["x", "y"], "n": 3, "none": []}},
    "params": {"t": "a,b", "bad": ["\0"]},
    "ds": "2026-11-23",
}


def expanded(**expand: list[Any] | str) -> list[dict[str, Any]]:
    return mapped_items(Task("t", "true", expand=expand), CONTEXT)


def test_each_item_gives_one_mapped_instance_in_order() -> None:
    assert expanded(N=[3, "b", None, {"k": 1}]) == [
        {"N": 3},
        {"N": "b"},
        {"N": None},
        {"N": {"k": 1}},
    ]


def test_several_names_give_every_combination_with_the_last_name_fastest() -> None:
    assert expanded(A=[1, 2], B=["x", "y"]) == [
        {"A": 1, "B": "x"},
        {"A": 1, "B": "y"},
        {"A": 2, "B": "x"},
        {"A": 2, "B": "y"},
    ]


def test_items_may_come_from_an_upstream_task() -> None:
    assert expanded(F="{{ outputs.a.files }}") == [{"F": "x"}, {"F": "y"}]


def test_a_template_may_make_the_list() -> None:
    assert expanded(F="{{ params.t | split(',') }}") == [{"F": "a"}, {"F": "b"}]


def test_items_may_be_templates() -> None:
    assert expanded(F=["{{ ds }}", ["{{ outputs.a.n }}"]]) == [{"F": "2026-11-23"}, {"F": [3]}]


def test_no_items_give_no_mapped_instances() -> None:
    assert expanded(F="{{ outputs.a.none }}", G=[1, 2]) == []


def test_ten_thousand_mapped_instances_are_the_limit() -> None:
    hundred = list(range(100))

    assert len(expanded(A=hundred, B=hundred)) == MAX_MAPPED_INSTANCES
    with pytest.raises(
        ExpandError, match="expand makes 10100 mapped instances; at most 10000 are allowed"
    ):
        expanded(A=hundred, B=[*hundred, 0])


def test_a_huge_number_of_combinations_is_refused_at_once() -> None:
    with pytest.raises(ExpandError, match="at most 10000"):
        expanded(**{f"N{i}": list(range(1000)) for i in range(20)})


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("{{ outputs.a.n }}", "expand.N needs a list, but '{{ outputs.a.n }}' gave 3"),
        ("{{ ds }}", "expand.N needs a list, but '{{ ds }}' gave \"2026-11-23\""),
        (
            "{{ outputs.b.c }}",
            "expand.N: a template cannot be rendered: outputs.b does not exist",
        ),
        (
            "{{ params.bad }}",
            "an item of expand.N cannot be used: text must not contain a NUL character",
        ),
    ],
)
def test_an_expression_that_gives_no_list_is_an_error(written: str, message: str) -> None:
    with pytest.raises(ExpandError) as caught:
        expanded(N=written)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("written", "stand_in"), [("{{ outputs.a.v }}", "[]"), (["{{ outputs.a.v }}"], "''")]
)
def test_a_missing_output_is_reported_with_a_default_to_add(written: Any, stand_in: str) -> None:
    task = Task("t", "x", expand={"X": written})

    with pytest.raises(ExpandError, match=re.escape(f"add | default({stand_in}) to allow that")):
        mapped_items(task, {"outputs": {"a": {}}})

    filled = json.loads(json.dumps(written).replace(" }}", f" | default({stand_in}) }}}}"))
    found = mapped_items(replace(task, expand={"X": filled}), {"outputs": {"a": {}}})
    assert found == ([] if stand_in == "[]" else [{"X": ""}])


def test_an_item_that_is_too_deep_is_refused() -> None:
    deep: Any = []
    for _ in range(MAX_DEPTH):
        deep = [deep]

    with pytest.raises(
        ExpandError, match=r"an item of expand\.X is nested more than 64 levels deep"
    ):
        mapped_items(Task("t", "x", expand={"X": "{{ params.x }}"}), {"params": {"x": [1, deep]}})
