"""The graph of a DAG: topological order, cycles, upstream and downstream tasks.

Works on task ids only.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence


class Cycle(ValueError):
    """Tasks that depend on each other. Each task of `path` depends on the next; the last is the
    first."""

    def __init__(self, path: Sequence[str]) -> None:
        self.path = tuple(path)
        super().__init__(" -> ".join(path))


def topological_order(dependencies: Mapping[str, Sequence[str]]) -> list[str]:
    """Sort the tasks so that each comes after its dependencies, else in the order of the mapping.

    `dependencies` maps each task to its direct dependencies, all of which must be keys.
    Raises Cycle.
    """
    order, stuck = _sort(dependencies)
    if stuck:
        raise Cycle(_walk(next(iter(stuck)), stuck, set()))
    return order


def cycles(dependencies: Mapping[str, Sequence[str]]) -> list[Cycle]:
    """Return cycles that share no task, at least one if there is any: enough to fix the file."""
    _, stuck = _sort(dependencies)
    seen: set[str] = set()
    paths = [_walk(task, stuck, seen) for task in stuck]
    return [Cycle(path) for path in paths if path]


def downstream(dependencies: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Map each task to the tasks that depend on it directly, in the order of the mapping."""
    after: dict[str, list[str]] = {task: [] for task in dependencies}
    for task, upstream in dependencies.items():
        for other in dict.fromkeys(upstream):
            after[other].append(task)
    return after


def ancestors(dependencies: Mapping[str, Sequence[str]], task: str) -> set[str]:
    """Return every task upstream of this one."""
    upstream: set[str] = set()
    to_visit = [*dependencies[task]]
    while to_visit:
        other = to_visit.pop()
        if other not in upstream:
            upstream.add(other)
            to_visit += dependencies[other]
    return upstream


def all_ancestors(dependencies: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return the `ancestors` of every task, in the order of the mapping, in one pass.

    Tasks in a cycle, or downstream of one, have all tasks as ancestors.
    """
    order, stuck = _sort(dependencies)
    names = list(dependencies)
    bit = {task: 1 << index for index, task in enumerate(names)}
    upstream = dict.fromkeys(stuck, (1 << len(names)) - 1)
    for task in order:
        upstream[task] = 0
        for other in dependencies[task]:
            upstream[task] |= upstream[other] | bit[other]
    return {task: [name for name in names if upstream[task] & bit[name]] for task in names}


def _sort(
    dependencies: Mapping[str, Sequence[str]],
) -> tuple[list[str], dict[str, list[str]]]:
    """Return the tasks that can be sorted, and the rest with their dependencies among the rest."""
    names = list(dependencies)
    position = {task: index for index, task in enumerate(names)}
    waits_for = {task: len(set(upstream)) for task, upstream in dependencies.items()}
    after = downstream(dependencies)
    ready = [position[task] for task, count in waits_for.items() if not count]
    order: list[str] = []
    while ready:
        task = names[heapq.heappop(ready)]
        order.append(task)
        for other in after[task]:
            waits_for[other] -= 1
            if not waits_for[other]:
                heapq.heappush(ready, position[other])
    stuck = [task for task in names if waits_for[task]]
    inside = set(stuck)
    return order, {task: [up for up in dependencies[task] if up in inside] for task in stuck}


def _walk(task: str, stuck: Mapping[str, Sequence[str]], seen: set[str]) -> list[str]:
    """Follow dependencies until a task repeats; return [] if an earlier walk came this way."""
    path: dict[str, None] = {}
    while task not in seen:
        seen.add(task)
        path[task] = None
        task = stuck[task][0]
    if task not in path:
        return []
    steps = list(path)
    return [*steps[steps.index(task) :], task]
