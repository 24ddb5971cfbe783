"""What changed from one version of a DAG to another, by the names that the file has for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.dag.model import Dag


@dataclass(frozen=True, slots=True)
class TaskChange:
    """A task that differs between two versions.

    Attributes:
        fields: Keys that differ.
    """

    task_id: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VersionDiff:
    """Differences between two versions of a DAG.

    Attributes:
        added: Ids of added tasks.
        removed: Ids of removed tasks.
        changed: Tasks that differ.
        dag_fields: Keys of the DAG itself that differ.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[TaskChange, ...] = ()
    dag_fields: tuple[str, ...] = ()


def compare(old: Dag, new: Dag) -> VersionDiff:
    """Return all differences, tasks in the order of the version that has them."""
    before, after = old.to_json(), new.to_json()
    tasks_before = {task["id"]: task for task in before.pop("tasks")}
    tasks_after = {task["id"]: task for task in after.pop("tasks")}
    changes = [
        TaskChange(task_id, fields)
        for task_id, task in tasks_after.items()
        if task_id in tasks_before and (fields := _fields(tasks_before[task_id], task))
    ]
    return VersionDiff(
        added=tuple(task_id for task_id in tasks_after if task_id not in tasks_before),
        removed=tuple(task_id for task_id in tasks_before if task_id not in tasks_after),
        changed=tuple(changes),
        dag_fields=_fields(before, after),
    )


def _fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    names = dict.fromkeys((*before, *after))
    return tuple(name for name in names if _text(before, name) != _text(after, name))


def _text(values: Mapping[str, Any], name: str) -> str:
    # As text, because in Python 1, 1.0 and true are equal, and a command is given other words.
    return json.dumps(values[name]) if name in values else ""
