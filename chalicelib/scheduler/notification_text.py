"""What a notification says: the facts of an event, and its title and text.

The title and the text are templates, those of the DAG file or the defaults: `{{ headline }}` and
`{{ cause }}`. One that cannot be rendered is replaced by its default, and the text says so: nobody
waits in vain for a notification because of a mistake in its words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from chalicelib.dag.evaluate.params import template_values
from chalicelib.dag.model import Dag, NotificationTarget
from chalicelib.dag.templates import render
from chalicelib.dag.templates.compile_budget import compile_at_most
from chalicelib.dag.templates.scope import TemplateError
from chalicelib.database.queries import attempts
from chalicelib.database.queries.runs import Run
from chalicelib.enums import NotificationEvent
from chalicelib.scheduler.task_messages import run_context
from chalicelib.scheduler.unit_of_work import UnitOfWork
from chalicelib.utils.time import iso

MAX_TITLE_LENGTH = 500
MAX_TEXT_LENGTH = 20_000
_EXPRESSIONS = 100
"""More than a title and a text can hold."""


def run_facts(
    work: UnitOfWork, dag: Dag, run: Run, event: NotificationEvent, details: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the facts of a run that has ended."""
    failed = [] if event is NotificationEvent.SUCCESS else attempts.failed_tasks(work.tx, run.key)
    first = failed[0] if failed else None
    count = len({task.task_id for task in failed})
    headline = {
        NotificationEvent.SUCCESS: "succeeded",
        NotificationEvent.FAILURE: "failed",
        NotificationEvent.PARTIAL_SUCCESS: f"succeeded, {_count(count)} failed",
    }.get(event, str(event))
    cause = f"{first.name}: {_joined(first.reason, first.cause)}" if first else ""
    return {
        **_common(work, dag, run, event),
        **details,
        "task_id": None,
        "failed_task": first.name if first else None,
        "failed_tasks": count,
        "headline": f"{dag.name} {headline}",
        "cause": cause or str(details.get("reason") or ""),
        "url": page_link(work, run.run_id, first.task_id if first else None, -1),
    }


def task_facts(
    work: UnitOfWork,
    dag: Dag,
    run: Run,
    event: NotificationEvent,
    details: Mapping[str, Any],
    log_line: str,
) -> dict[str, Any]:
    """Return the facts of an attempt that has ended. `log_line` is the line of its log that tells
    why."""
    task_id, map_index = str(details["task_id"]), int(details["map_index"])
    name = task_name(task_id, map_index)
    headline = {
        NotificationEvent.SUCCESS: "succeeded",
        NotificationEvent.FAILURE: "failed",
        NotificationEvent.RETRY: "failed and will be retried",
    }.get(event, str(event))
    is_failure = event is not NotificationEvent.SUCCESS
    return {
        **_common(work, dag, run, event),
        **details,
        "failed_task": name if is_failure else None,
        "failed_tasks": int(is_failure),
        "headline": f"{name} of {dag.name} {headline}",
        "cause": _joined(str(details["reason"]), log_line),
        "url": page_link(work, run.run_id, task_id, map_index),
    }


def _common(work: UnitOfWork, dag: Dag, run: Run, event: NotificationEvent) -> dict[str, Any]:
    return {
        "event": event,
        "installation": work.scheduler.settings.dags_bucket,
        "dag_id": run.dag_id,
        "dag_name": dag.name,
        "run_id": run.run_id,
        "run_type": run.run_type,
        "logical_date": iso(run.logical_date),
        "at": iso(work.now),
    }


def page_link(work: UnitOfWork, run_id: str, task_id: str | None, map_index: int) -> str:
    """Return the address of the run on the page, with the task selected; empty if the address of
    the page is not known."""
    base = work.scheduler.settings.page_url
    query: dict[str, Any] = {"task": task_id} if task_id else {}
    if map_index >= 0:
        query["map_index"] = map_index
    end = f"?{urlencode(query)}" if query else ""
    return f"{base}#/runs/{quote(run_id, safe='')}{end}" if base else ""


def task_name(task_id: str, map_index: int) -> str:
    """Return how people call a task instance: `load`, or `load [3]`."""
    return f"{task_id} [{map_index}]" if map_index >= 0 else task_id


def _joined(reason: str, cause: str) -> str:
    return ": ".join(filter(None, (reason, cause)))


def _count(number: int) -> str:
    return "1 task" if number == 1 else f"{number} tasks"


def run_names(dag: Dag, run: Run) -> dict[str, Any]:
    """Return what the words of a notification about a run may name besides its facts."""
    return {**run_context(dag, run.run_id, run), "params": template_values(dag, run.params)}


def words(
    listener: NotificationTarget, facts: Mapping[str, Any], names: Callable[[], Mapping[str, Any]]
) -> dict[str, str]:
    """Return the title and the text of a notification; `names` are further names of templates."""
    default = {"title": str(facts["headline"]), "text": str(facts["cause"])}
    if listener.title is None and listener.text is None:
        return default
    known = {name: "" if value is None else value for name, value in facts.items()}
    context = {**names(), **known}
    try:
        with compile_at_most(_EXPRESSIONS):
            title = default["title"] if listener.title is None else _render(listener.title, context)
            text = default["text"] if listener.text is None else _render(listener.text, context)
    except TemplateError as error:
        note = f"(the text in the DAG file could not be rendered: {error})"
        return {"title": default["title"], "text": "\n".join(filter(None, (default["text"], note)))}
    return {
        "title": " ".join(title.split())[:MAX_TITLE_LENGTH] or default["title"],
        "text": text.strip()[:MAX_TEXT_LENGTH],
    }


def _render(template: str, context: Mapping[str, Any]) -> str:
    return render(template, context, for_shell=False)
