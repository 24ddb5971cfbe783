"""The graph of a DAG: which task waits for which. Names in, names out."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence


class Cycle(ValueError):
    """Tasks wait for each other: each of `path` for the next, the last of them being the first."""

    def __init__(self, path: Sequence[str]) -> None:
        self.path = tuple(path)
        super().__init__(" -> ".join(path))


def topological_order(dependencies: Mapping[str, Sequence[str]]) -> list[str]:
    """Every task behind all that it waits for; otherwise in the order of the mapping.

    `dependencies` names, for each task, the tasks it waits for, all of which must be keys.
    Raises Cycle.
    """
    order, stuck = _sort(dependencies)
    if stuck:
        raise Cycle(_walk(next(iter(stuck)), stuck, set()))
    return order


def cycles(dependencies: Mapping[str, Sequence[str]]) -> list[Cycle]:
    """Cycles that share no task, at least one if there is any: enough to say what to mend."""
    _, stuck = _sort(dependencies)
    seen: set[str] = set()
    found = [_walk(task, stuck, seen) for task in stuck]
    return [Cycle(path) for path in found if path]


def downstream(dependencies: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """For each task, the tasks that wait for it directly, in the order of the mapping."""
    after: dict[str, list[str]] = {task: [] for task in dependencies}
    for task, upstream in dependencies.items():
        for other in dict.fromkeys(upstream):
            after[other].append(task)
    return after


def ancestors(dependencies: Mapping[str, Sequence[str]], task: str) -> set[str]:
    """Every task that must end before this one may begin."""
    found: set[str] = set()
    waiting = [*dependencies[task]]
    while waiting:
        other = waiting.pop()
        if other not in found:
            found.add(other)
            waiting += dependencies[other]
    return found


def all_ancestors(dependencies: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """`ancestors` of every task, in the order of the mapping, with one look at each dependency. Of
    tasks in or behind a cycle it is all tasks."""
    order, stuck = _sort(dependencies)
    names = list(dependencies)
    bit = {task: 1 << place for place, task in enumerate(names)}
    above = dict.fromkeys(stuck, (1 << len(names)) - 1)
    for task in order:
        found = 0
        for other in dependencies[task]:
            found |= above[other] | bit[other]
        above[task] = found
    return {task: [name for name in names if above[task] & bit[name]] for task in names}


def _sort(
    dependencies: Mapping[str, Sequence[str]],
) -> tuple[list[str], dict[str, list[str]]]:
    """What can be put in order, and the rest: tasks with those of the rest that they wait for."""
    names = list(dependencies)
    place = {task: index for index, task in enumerate(names)}
    waits_for = {task: len(set(upstream)) for task, upstream in dependencies.items()}
    after = downstream(dependencies)
    ready = [place[task] for task, count in waits_for.items() if not count]
    order: list[str] = []
    while ready:
        task = names[heapq.heappop(ready)]
        order.append(task)
        for other in after[task]:
            waits_for[other] -= 1
            if not waits_for[other]:
                heapq.heappush(ready, place[other])
    stuck = [task for task in names if waits_for[task]]
    inside = set(stuck)
    return order, {task: [up for up in dependencies[task] if up in inside] for task in stuck}


def _walk(task: str, stuck: Mapping[str, Sequence[str]], seen: set[str]) -> list[str]:
    """Follow what each task waits for until one comes again; [] where an earlier walk was."""
    path: dict[str, None] = {}
    while task not in seen:
        seen.add(task)
        path[task] = None
        task = stuck[task][0]
    if task not in path:
        return []
    steps = list(path)
    return [*steps[steps.index(task) :], task]
