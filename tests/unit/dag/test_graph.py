"""Topological order, cycles, and upstream and downstream tasks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.dag.graph import (
    Cycle,
    all_ancestors,
    ancestors,
    cycles,
    downstream,
    topological_order,
)

Graph = dict[str, list[str]]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Any graph, cycles, doubled edges and tasks that wait for themselves included."""
    names = draw(st.lists(st.text("abcdef", min_size=1, max_size=2), unique=True, max_size=12))
    some = st.lists(st.sampled_from(names), max_size=4) if names else st.just([])
    return {name: draw(some) for name in names}


@st.composite
def acyclic_graphs(draw: st.DrawFn) -> Graph:
    size = draw(st.integers(0, 15))
    names = draw(st.permutations([f"t{i}" for i in range(size)]))
    edges = {
        name: draw(st.lists(st.sampled_from(names[:i]), unique=True, max_size=4)) if i else []
        for i, name in enumerate(names)
    }
    return {name: edges[name] for name in draw(st.permutations(names))}


@given(acyclic_graphs())
def test_every_task_comes_once_and_after_its_dependencies(graph: Graph) -> None:
    order = topological_order(graph)

    assert sorted(order) == sorted(graph)
    assert all(order.index(up) < order.index(task) for task in graph for up in graph[task])
    assert cycles(graph) == []


@given(graphs())
def test_there_is_an_order_or_a_real_cycle(graph: Graph) -> None:
    found = cycles(graph)
    for cycle in found:
        assert cycle.path[0] == cycle.path[-1]
        steps = list(zip(cycle.path, cycle.path[1:], strict=False))
        assert steps
        assert all(up in graph[task] for task, up in steps)
    if found:
        with pytest.raises(Cycle) as caught:
            topological_order(graph)
        assert caught.value.path in [cycle.path for cycle in found]
    else:
        assert sorted(topological_order(graph)) == sorted(graph)


@given(graphs())
def test_cycles_that_are_reported_together_share_no_task(graph: Graph) -> None:
    named = [task for cycle in cycles(graph) for task in set(cycle.path)]

    assert len(named) == len(set(named))


def test_independent_tasks_keep_their_order() -> None:
    assert topological_order({"z": [], "b": ["z"], "a": [], "y": ["a"]}) == ["z", "b", "a", "y"]


def test_a_long_chain_does_not_exhaust_the_stack() -> None:
    graph = {f"t{i}": [f"t{i + 1}"] for i in range(20_000)} | {"t20000": []}

    assert topological_order(graph)[0] == "t20000"
    assert len(cycles(graph | {"t20000": ["t0"]})[0].path) == 20_002


def test_downstream_lists_direct_dependents() -> None:
    graph = {"a": [], "b": ["a"], "c": ["a", "b", "a"]}

    assert downstream(graph) == {"a": ["b", "c"], "b": ["c"], "c": []}


@given(acyclic_graphs())
def test_all_ancestors_agrees_with_the_ancestors_of_each_task(graph: Graph) -> None:
    found = all_ancestors(graph)

    assert {task: set(before) for task, before in found.items()} == {
        task: ancestors(graph, task) for task in graph
    }


@given(graphs())
def test_with_a_cycle_no_ancestor_is_left_out(graph: Graph) -> None:
    found = all_ancestors(graph)

    assert all(ancestors(graph, task) <= set(found[task]) for task in graph)


def test_each_dependency_is_visited_a_fixed_number_of_times() -> None:
    looks = 0

    class Watched(list[str]):
        def __iter__(self) -> Iterator[str]:
            nonlocal looks
            looks += len(self)
            return super().__iter__()

    def looked_at(size: int) -> int:
        nonlocal looks
        looks = 0
        all_ancestors(
            {f"t{n}": Watched(f"t{up}" for up in range(max(0, n - 20), n)) for n in range(size)}
        )
        return looks

    assert looked_at(400) < 2.2 * looked_at(200)
