"""Task instances, their attempts and logs, and what people do to one."""

from __future__ import annotations

from typing import Any

from chalicelib import bootstrap
from chalicelib.database.reads import task_instances
from chalicelib.database.reads.task_instances import LogSource
from chalicelib.database.reads.values import RunItem
from chalicelib.errors import NotFound
from chalicelib.messages import Attempt
from chalicelib.scheduler.commands import runs
from chalicelib.scheduler.commands import task_instances as task_commands
from chalicelib.web.handlers.common import cleared, found, listed, reading
from chalicelib.web.handlers.runs import as_it_is
from chalicelib.web.handlers.wait_reasons import explained_task, explained_tasks
from chalicelib.web.logs import read_source
from chalicelib.web.param_types import Cursor
from chalicelib.web.request_parsing import Call
from chalicelib.web.response_models import ClearedTasks, LogPart
from chalicelib.web.responses import jsonable

ATTEMPTS_SHOWN = 100
LOG_BYTES_AT_ONCE = 256 * 1024


def list_task_instances(call: Call) -> dict[str, Any]:
    query = call.query
    with reading() as tx:
        page = task_instances.list_task_instances(
            tx,
            limit=query["limit"],
            before=query["cursor"],
            dag_id=query["dag_id"],
            run_id=query["run_id"],
            task_id=query["task_id"],
            state=query["state"],
        )
        page = explained_tasks(tx, page)
    return listed("task_instances", page, Cursor("task_instances"))


def get_task_instance(call: Call) -> dict[str, Any]:
    run_id, task_id = call.path["run_id"], call.path["task_id"]
    with reading() as tx:
        task = task_instances.task_instance(
            tx, run_id, task_id, call.query["map_index"], limit=ATTEMPTS_SHOWN
        )
        task = (explained_task(tx, task[0]), task[1]) if task else None
        copies = 0 if task else task_instances.copies(tx, run_id, task_id)
    _refuse_other_copies(call, copies)
    item, attempts = found(task, "task", task_id, f"/api/runs/{run_id}")
    return {**jsonable(item), "attempts": attempts}


def _refuse_other_copies(call: Call, copies: int) -> None:
    """The task is there, but not the copy that was asked for."""
    if copies:
        task, wanted = call.path["task_id"], call.query["map_index"]
        said = f"no copy {wanted}" if wanted >= 0 else f"{copies} copies: name one with map_index"
        run_id = call.path["run_id"]
        raise NotFound(f"task {task!r} of run {run_id!r} has {said}; GET /api/runs/{run_id}")


def get_log(call: Call) -> LogPart:
    run_id, task_id = call.path["run_id"], call.path["task_id"]
    query = call.query
    with reading() as tx:
        source = task_instances.log_source(
            tx, run_id, task_id, query["map_index"], query["try_number"], query["poke"]
        )
        copies = 0 if source else task_instances.copies(tx, run_id, task_id)
    _refuse_other_copies(call, copies)
    source = found(source, "task", task_id, f"/api/runs/{run_id}")
    if source.attempt is not None:
        return _part(source, source.attempt, query["offset"])
    _refuse_what_never_was(call, source)
    return LogPart("", query["offset"], complete=source.has_ended, try_number=None, poke=None)


def _refuse_what_never_was(call: Call, source: LogSource) -> None:
    task = f"task {call.path['task_id']!r} of run {call.path['run_id']!r}"
    number, poke = call.query["try_number"], call.query["poke"]
    if number is not None and not 0 < number <= source.tries:
        raise NotFound(f"{task} has no attempt {number}; it has had {source.tries}")
    if poke is not None and poke > source.last_poke:
        raise NotFound(f"{task} has no poke {poke} in that attempt; the last is {source.last_poke}")


def _part(source: LogSource, attempt: Attempt, offset: int) -> LogPart:
    """Whether the attempt has ended was read before its log is: so nothing can come in between."""
    page = read_source(bootstrap.scheduler().runs, source, offset, LOG_BYTES_AT_ONCE)
    is_end = page.content == "" or page.next_offset == source.log_bytes
    return LogPart(
        content=page.content,
        next_offset=page.next_offset,
        complete=source.has_ended and is_end,
        try_number=attempt.try_number,
        poke=attempt.poke,
    )


def cancel_task(call: Call) -> RunItem:
    run_id, task_id = call.path["run_id"], call.path["task_id"]
    scheduler = bootstrap.scheduler()
    task_commands.cancel_task(scheduler, run_id, task_id, call.body["map_index"], who=call.who)
    return as_it_is(run_id)


def clear_task(call: Call) -> ClearedTasks:
    run_id, task_id = call.path["run_id"], call.path["task_id"]
    body = call.body
    result = runs.clear(bootstrap.scheduler(), run_id, who=call.who, task_ids=[task_id], **body)
    return cleared(result, dry_run=body["dry_run"])


def mark_task(call: Call) -> RunItem:
    run_id, task_id, body = call.path["run_id"], call.path["task_id"], call.body
    task_commands.mark(
        bootstrap.scheduler(), run_id, task_id, body["map_index"], body["state"], who=call.who
    )
    return as_it_is(run_id)
