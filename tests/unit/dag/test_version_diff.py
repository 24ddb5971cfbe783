"""The differences between two versions of a DAG."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from chalicelib.dag.model import Dag, NotificationTarget, Param, Sensor, Task, Tool
from chalicelib.dag.version_diff import TaskChange, VersionDiff, compare

A, B, C = Task("a", "x"), Task("b", "x", ("a",)), Task("c", "x", ("b",))


def dag(*tasks: Task, **said: Any) -> Dag:
    return Dag("d", "D", tasks, **said)


def test_a_version_does_not_differ_from_itself() -> None:
    assert compare(dag(A, B), dag(A, B)) == VersionDiff()


def test_added_removed_and_changed_tasks_are_named_in_order() -> None:
    new = dag(Task("n", "x"), Task("c", "y", ("n",), retries=1), A)
    assert compare(dag(A, B, C), new) == VersionDiff(
        added=("n",),
        removed=("b",),
        changed=(TaskChange("c", ("command", "dependencies", "retries")),),
    )


OTHER = {
    "str": "other",
    "str | None": "other",
    "bool": None,
    "int": 41,
    "int | None": 41,
    "float": 41.5,
    "float | None": 41.5,
    "tuple[str, ...]": ("other",),
    "tuple[int, ...]": (41,),
    "tuple[int, ...] | None": (41,),
    "dict[str, str]": {"OTHER": "x"},
    "dict[str, Any]": {"other": 1},
    "dict[str, list[Any] | str]": {"OTHER": [1]},
    "Sensor | None": Sensor(),
    "tuple[Tool, ...]": (Tool("other", "https://example.com/other", "ab" * 32),),
    "tuple[Param, ...]": (Param("p"),),
    "tuple[NotificationTarget, ...]": (NotificationTarget("sns", "arn"),),
}


def other(spec: Any, value: Any) -> Any:
    return not value if spec.type == "bool" else OTHER[spec.type]


@pytest.mark.parametrize("spec", [f for f in fields(Task) if f.name != "id"], ids=lambda f: f.name)
def test_every_key_of_a_task_is_compared(spec: Any) -> None:
    changed = Task("a", **{"command": "x", spec.name: other(spec, getattr(A, spec.name))})
    assert compare(dag(A), dag(changed)).changed == (TaskChange("a", (spec.name,)),)


@pytest.mark.parametrize(
    "spec", [f for f in fields(Dag) if f.name not in ("dag_id", "tasks")], ids=lambda f: f.name
)
def test_every_key_of_the_dag_is_compared(spec: Any) -> None:
    value = other(spec, getattr(dag(A), spec.name))
    new = Dag(**{"dag_id": "d", "name": "D", "tasks": (A,), spec.name: value})
    assert compare(dag(A), new).dag_fields == (spec.name,)


@pytest.mark.parametrize("value", [1.0, True, "1", [1]])
def test_values_that_a_command_would_see_differently_differ(value: Any) -> None:
    old, new = (Task("a", trigger_dag_id="x", conf={"n": n}) for n in (1, value))
    assert compare(dag(old), dag(new)).changed == (TaskChange("a", ("conf",)),)


def test_the_order_in_which_names_are_expanded_counts() -> None:
    old, new = (Task("a", "x", expand={n: [1, 2] for n in names}) for names in ("AB", "BA"))
    assert compare(dag(old), dag(new)).changed == (TaskChange("a", ("expand",)),)
