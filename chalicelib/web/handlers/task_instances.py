"""Task instances, their attempts and logs."""

from __future__ import annotations

from typing import Any

from chalicelib import bootstrap
from chalicelib.database.reads import task_instances
from chalicelib.database.reads.task_instances import LogSource
from chalicelib.errors import NotFound
from chalicelib.messages import Attempt
from chalicelib.scheduler.logs import read_log
from chalicelib.web.answers import jsonable
from chalicelib.web.handlers.common import found, listed, reading
from chalicelib.web.kinds import Cursor
from chalicelib.web.requests import Call
from chalicelib.web.views import LogPart

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
    return listed("task_instances", page, Cursor("task_instances"))


def get_task_instance(call: Call) -> dict[str, Any]:
    run_id, task_id = call.path["run_id"], call.path["task_id"]
    with reading() as tx:
        task = task_instances.task_instance(
            tx, run_id, task_id, call.query["map_index"], limit=ATTEMPTS_SHOWN
        )
    item, attempts = found(task, "task", task_id, f"/api/runs/{run_id}")
    return {**jsonable(item), "attempts": attempts}


def get_log(call: Call) -> LogPart:
    run_id, task_id = call.path["run_id"], call.path["task_id"]
    query = call.query
    with reading() as tx:
        source = task_instances.log_source(
            tx, run_id, task_id, query["map_index"], query["try_number"]
        )
    source = found(source, "task", task_id, f"/api/runs/{run_id}")
    if source.attempt is not None:
        return _part(source, source.attempt, query["offset"])
    if query["try_number"] is not None:
        raise NotFound(
            f"task {task_id!r} of run {run_id!r} has no attempt {query['try_number']}; "
            f"it has had {source.tries}"
        )
    return LogPart("", query["offset"], complete=source.has_ended, try_number=None)


def _part(source: LogSource, attempt: Attempt, offset: int) -> LogPart:
    """Whether the attempt has ended was read before its log is: so nothing can come in between."""
    page = read_log(bootstrap.scheduler().runs, attempt, offset, LOG_BYTES_AT_ONCE)
    is_end = page.content == "" or page.next_offset == source.log_bytes
    return LogPart(page.content, page.next_offset, source.has_ended and is_end, attempt.try_number)
