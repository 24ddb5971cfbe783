"""Task instances: reads, logs and commands."""

from __future__ import annotations

from chalicelib import bootstrap
from chalicelib.dag.model import Dag
from chalicelib.database.reads import artifacts, dags, task_instances
from chalicelib.database.reads.run_values import Run
from chalicelib.database.reads.task_instances import LogSource
from chalicelib.errors import NotFound
from chalicelib.messages import Attempt
from chalicelib.scheduler.commands import runs
from chalicelib.scheduler.commands import task_instances as task_commands
from chalicelib.web.handlers.clearing import cleared_tasks
from chalicelib.web.handlers.list_pages import list_response
from chalicelib.web.handlers.not_found import require
from chalicelib.web.handlers.read_transaction import read_transaction
from chalicelib.web.handlers.runs import current_run
from chalicelib.web.handlers.wait_reasons import explained_task, explained_tasks
from chalicelib.web.list_responses import TaskInstanceList
from chalicelib.web.logs import read_source
from chalicelib.web.param_types import Cursor
from chalicelib.web.request_parsing import Call
from chalicelib.web.response_models import ClearedTasks, LogPart, TaskInstanceDetail, extend
from chalicelib.web.task_places import TaskPlace, task_place

ATTEMPTS_SHOWN = 100
ARTIFACTS_SHOWN = 100
LOG_BYTES_AT_ONCE = 256 * 1024


def list_task_instances(call: Call) -> TaskInstanceList:
    query = call.query
    with read_transaction() as tx:
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
    return list_response(TaskInstanceList, page, Cursor("task_instances"))


def get_task_instance(call: Call) -> TaskInstanceDetail:
    run_id, task_id = call.path["run_id"], call.path["task_id"]
    with read_transaction() as tx:
        task = task_instances.task_instance(
            tx, run_id, task_id, call.query["map_index"], limit=ATTEMPTS_SHOWN
        )
        task = (explained_task(tx, task[0]), task[1]) if task else None
        left = artifacts.of_instance(
            tx, run_id, task_id, call.query["map_index"], limit=ARTIFACTS_SHOWN
        )
        dag = dags.definition(tx, task[0].dag_id) if task else None
        instances = 0 if task else task_instances.instance_count(tx, run_id, task_id)
    _refuse_other_map_index(call, instances)
    item, attempts = require(task, "task", task_id, f"/api/runs/{run_id}")
    return extend(
        TaskInstanceDetail,
        item,
        attempts=attempts,
        artifacts=left,
        place=_place(dag, task_id),
    )


def _place(dag: Dag | None, task_id: str) -> TaskPlace | None:
    tasks = [task for task in dag.tasks if task.id == task_id] if dag else []
    if not tasks or tasks[0].trigger_dag_id is not None:
        return None
    return task_place(tasks[0], bootstrap.ports().settings)


def _refuse_other_map_index(call: Call, instances: int) -> None:
    """Raises NotFound if the task has `instances`, but none with the given map_index."""
    if instances:
        task_id, map_index = call.path["task_id"], call.query["map_index"]
        problem = (
            f"no mapped instance {map_index}"
            if map_index >= 0
            else f"{instances} mapped instances; choose one with map_index"
        )
        run_id = call.path["run_id"]
        raise NotFound(f"task {task_id!r} of run {run_id!r} has {problem}: GET /api/runs/{run_id}")


def get_log(call: Call) -> LogPart:
    run_id, task_id = call.path["run_id"], call.path["task_id"]
    query = call.query
    with read_transaction() as tx:
        source = task_instances.log_source(
            tx, run_id, task_id, query["map_index"], query["try_number"], query["poke"]
        )
        instances = 0 if source else task_instances.instance_count(tx, run_id, task_id)
    _refuse_other_map_index(call, instances)
    source = require(source, "task", task_id, f"/api/runs/{run_id}")
    if source.attempt is not None:
        return _part(source, source.attempt, query["offset"])
    _refuse_unknown_attempt(call, source)
    return LogPart("", query["offset"], complete=source.has_ended, try_number=None, poke=None)


def _refuse_unknown_attempt(call: Call, source: LogSource) -> None:
    task = f"task {call.path['task_id']!r} of run {call.path['run_id']!r}"
    number, poke = call.query["try_number"], call.query["poke"]
    if number is not None and not 0 < number <= source.tries:
        raise NotFound(f"{task} has no attempt {number}; the last is {source.tries}")
    if poke is not None and poke > source.last_poke:
        raise NotFound(f"{task} has no poke {poke} in that attempt; the last is {source.last_poke}")


def _part(source: LogSource, attempt: Attempt, offset: int) -> LogPart:
    """`source.has_ended` was read before the log, so nothing can be added to it afterwards."""
    page = read_source(bootstrap.scheduler().runs, source, offset, LOG_BYTES_AT_ONCE)
    is_end = page.content == "" or page.next_offset == source.log_bytes
    return LogPart(
        content=page.content,
        next_offset=page.next_offset,
        complete=source.has_ended and is_end,
        try_number=attempt.try_number,
        poke=attempt.poke,
    )


def cancel_task(call: Call) -> Run:
    run_id, task_id = call.path["run_id"], call.path["task_id"]
    scheduler = bootstrap.scheduler()
    task_commands.cancel_task(scheduler, run_id, task_id, call.body["map_index"], who=call.who)
    return current_run(run_id)


def clear_task(call: Call) -> ClearedTasks:
    run_id, task_id = call.path["run_id"], call.path["task_id"]
    body = call.body
    result = runs.clear(bootstrap.scheduler(), run_id, who=call.who, task_ids=[task_id], **body)
    return cleared_tasks(result, dry_run=body["dry_run"])


def mark_task(call: Call) -> Run:
    run_id, task_id, body = call.path["run_id"], call.path["task_id"], call.body
    task_commands.mark(
        bootstrap.scheduler(), run_id, task_id, body["map_index"], body["state"], who=call.who
    )
    return current_run(run_id)
