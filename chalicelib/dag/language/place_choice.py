"""Chooses the place of each task, and reports tasks that no place of the installation can run."""

from __future__ import annotations

from chalicelib.dag.language.mappings import FieldMapping
from chalicelib.enums import PlaceKind, WarningCode
from chalicelib.fargate_sizes import FargateSize, memory_text
from chalicelib.places import Needs, NoPlace, Places


def choose_places(tasks: list[FieldMapping], places: Places) -> None:
    """Set the `place` of each task that runs a command."""
    for task in tasks:
        if not task.values["command"]:
            continue
        needs = _needs(task)
        try:
            place = places.choose(needs)
        except NoPlace as error:
            task.problem(error.key, str(error))
            continue
        task.values["place"] = place.name
        size = place.size(needs)
        if place.kind is PlaceKind.FARGATE and size is not None:
            _warn_of_rounding(task, needs, size)


def _needs(task: FieldMapping) -> Needs:
    values = task.values
    return Needs(
        values["memory"],
        values["cpu"],
        values["image"],
        values["queue"],
        values["execution_timeout"],
    )


def _warn_of_rounding(task: FieldMapping, needs: Needs, size: FargateSize) -> None:
    for name, wanted, sold in (
        ("memory", needs.memory_mb, size.memory_mb),
        ("cpu", needs.vcpu, size.vcpu),
    ):
        if wanted is not None and wanted != sold and (value := task.written.get(name)):
            text = memory_text(int(wanted)) if name == "memory" else f"{wanted:g} vCPU"
            message = f"{text} is rounded up: Fargate's next size has {size}"
            task.report.warn(value.node, value.path, WarningCode.ROUNDED_UP, message)
