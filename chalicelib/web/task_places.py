"""Where the tasks of a DAG run in this installation, and what an hour of it costs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from chalicelib.config import Settings
from chalicelib.dag.model import Task
from chalicelib.enums import PlaceKind
from chalicelib.places import NoPlace, Place, installed


@dataclass(frozen=True, slots=True)
class TaskPlace:
    """Where a task's commands run, in the installation as it is now.

    Attributes:
        task_id: The task; tasks that run no command have no place.
        place: Name of the place; null if no place has what the task needs any more.
        kind: What runs the tasks of that place.
        image: Container image that the commands run in.
        memory_mb: Memory that a command gets; null where the machine decides.
        vcpu: Number of vCPUs that a command gets; null where the place decides.
        usd_per_hour: Price of an hour at AWS's list prices; null on machines of your own.
        problem: Why no place can run it, and what to deploy; null otherwise.
    """

    task_id: str
    place: str | None
    kind: PlaceKind | None
    image: str | None
    memory_mb: int | None
    vcpu: float | None
    usd_per_hour: float | None
    problem: str | None


def task_places(tasks: Iterable[Task], settings: Settings) -> list[TaskPlace]:
    """Returns the places of the tasks that run commands."""
    return [task_place(task, settings) for task in tasks if task.trigger_dag_id is None]


def task_place(task: Task, settings: Settings) -> TaskPlace:
    try:
        place = installed(settings).choose(task.needs, before=task.place)
    except NoPlace as error:
        return TaskPlace(task.id, None, None, task.image, task.memory, task.cpu, None, str(error))
    return _described(task, place)


def _described(task: Task, place: Place) -> TaskPlace:
    size = place.size(task.needs)
    per_second = place.usd_per_second(task.needs)
    is_lambda = place.kind is PlaceKind.LAMBDA
    return TaskPlace(
        task_id=task.id,
        place=place.name,
        kind=place.kind,
        image=task.image,
        memory_mb=size.memory_mb if size else place.memory_mb if is_lambda else task.memory,
        vcpu=size.vcpu if size else task.cpu,
        usd_per_hour=None if per_second is None else round(per_second * 3600, 6),
        problem=None,
    )
