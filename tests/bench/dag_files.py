"""The DAGs that are measured, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def chain(dag_id: str, length: int) -> str:
    """`length` tasks in a row."""
    tasks = {f"t{n}": [f"t{n - 1}"] if n else [] for n in range(length)}
    return dag(dag_id, tasks)


def fan_out(dag_id: str, width: int) -> str:
    """One task, then `width`, then one."""
    middle = [f"t{n}" for n in range(width)]
    tasks = {"first": [], **{task: ["first"] for task in middle}, "last": middle}
    return dag(dag_id, tasks, limit=width)


def five(dag_id: str, *, schedule: str = "") -> str:
    """Five tasks: one, then three, then one."""
    tasks = {"extract": [], "a": ["extract"], "b": ["extract"], "c": ["extract"]}
    return dag(dag_id, {**tasks, "load": ["a", "b", "c"]}, schedule=schedule)


def one(dag_id: str, schedule: str) -> str:
    """One task, on a schedule."""
    return dag(dag_id, {"task": []}, schedule=schedule)


def dag(
    dag_id: str, tasks: Mapping[str, Sequence[str]], *, schedule: str = "", limit: int = 16
) -> str:
    """A DAG of `true`; `tasks` maps each id to those it waits for."""
    head = [f"name: {dag_id}", f"dag_id: {dag_id}", f"max_active_tasks: {limit}"]
    if schedule:
        head.append(f'schedule: "{schedule}"')
    rows = [
        f'  - {{id: {task}, command: "true", dependencies: [{", ".join(waits_for)}]}}'
        for task, waits_for in tasks.items()
    ]
    return "\n".join([*head, "tasks:", *rows, ""])
