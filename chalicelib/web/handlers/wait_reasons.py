"""Adds to runs and task instances what they wait for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

from chalicelib import bootstrap
from chalicelib.database.reads.page import Page
from chalicelib.database.reads.run_values import Run, TaskInstance
from chalicelib.scheduler.wait_reasons import MAY_WAIT, Explainer

EXPLAINED = 100
"""Items explained in a list over many runs: each may need a run and a definition of its own."""

AnyRun = TypeVar("AnyRun", bound=Run)
AnyTask = TypeVar("AnyTask", bound=TaskInstance)
Key = TypeVar("Key", int, str)


def explained_run(tx: Any, run: AnyRun) -> AnyRun:
    """The run with its wait reasons."""
    return replace(run, waiting_for=_explainer(tx).run(run.run_id))


def explained_runs(tx: Any, page: Page[Run, Key]) -> Page[Run, Key]:
    """A page of runs, of which the first hundred that are queued have wait reasons."""
    explainer, items, left = _explainer(tx), [], EXPLAINED
    for run in page.items:
        waits = run.state == "queued"
        reasons = explainer.run(run.run_id) if waits and left else None if waits else ()
        left -= waits and left > 0
        items.append(replace(run, waiting_for=reasons))
    return Page(items, page.next_key)


def explained_tasks(
    tx: Any, page: Page[TaskInstance, Key], most: int = EXPLAINED
) -> Page[TaskInstance, Key]:
    """A page of task instances, of which the first `most` that wait have wait reasons."""
    waiting = [task for task in page.items if task.state in MAY_WAIT]
    reasons = _explainer(tx).tasks(map(_name, waiting[:most])) if waiting else {}
    beyond = {_name(task) for task in waiting[most:]}
    items = [
        replace(task, waiting_for=None if _name(task) in beyond else reasons.get(_name(task), ()))
        for task in page.items
    ]
    return Page(items, page.next_key)


def explained_task(tx: Any, task: AnyTask) -> AnyTask:
    """The task instance with its wait reasons."""
    return replace(task, waiting_for=_explainer(tx).tasks([_name(task)]).get(_name(task), ()))


def _name(task: TaskInstance) -> tuple[str, str, int]:
    return task.run_id, task.task_id, task.map_index


def _explainer(tx: Any) -> Explainer:
    return Explainer(bootstrap.scheduler(), tx)
