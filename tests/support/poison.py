"""Definitions that raise where they are used, in place of those that the database holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

from chalicelib.dag.model import Dag
from chalicelib.database import Transaction
from chalicelib.database.queries import definitions
from tests.support.world import World

Raise = Callable[[], BaseException]


class _Poisoned:
    """Another object, of which some attributes raise."""

    def __init__(self, of: Any, names: frozenset[str], make: Raise) -> None:
        self._of, self._names, self._make = of, names, make

    def __getattr__(self, name: str) -> Any:
        if name in self._names:
            raise self._make()
        return getattr(self._of, name)


class _PoisonedDag(_Poisoned):
    """A DAG of whose tasks some attributes raise."""

    def __init__(self, of: Dag, names: frozenset[str], of_tasks: frozenset[str], make: Raise):
        super().__init__(of, names, make)
        self._of_tasks = of_tasks

    @property
    def tasks(self) -> tuple[Any, ...]:
        if "tasks" in self._names:
            raise self._make()
        return tuple(_Poisoned(task, self._of_tasks, self._make) for task in self._of.tasks)

    def task(self, task_id: str) -> Any:
        if "tasks" in self._names:
            raise self._make()
        return _Poisoned(self._of.task(task_id), self._of_tasks, self._make)


def poison(world: World, dag_id: str, attribute: str, make: Raise) -> None:
    """Make `attribute` of that DAG (`schedule`), or of its tasks (`task.retries`), raise what
    `make` makes; with "" the DAG cannot be read at all."""
    place, _, name = attribute.rpartition(".")
    of_dag, of_tasks = (frozenset[str](), frozenset({name}))
    if place != "task":
        of_dag, of_tasks = of_tasks, of_dag

    def read(tx: Transaction, version_id: int) -> Dag:
        dag = definitions.definition(tx, version_id)
        if dag.dag_id != dag_id:
            return dag
        if not attribute:
            raise make()
        return cast(Dag, _PoisonedDag(dag, of_dag, of_tasks, make))

    world.scheduler = replace(world.scheduler, definitions=read)
