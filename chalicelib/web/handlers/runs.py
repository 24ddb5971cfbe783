"""Runs: reads and commands."""

from __future__ import annotations

from typing import Any

from chalicelib import bootstrap
from chalicelib.database.reads import costs, dags, runs, task_instances
from chalicelib.database.reads.run_filters import Key, RunFilter, parse_key
from chalicelib.database.reads.run_values import Run
from chalicelib.errors import InvalidRequest
from chalicelib.scheduler.commands import acknowledgements
from chalicelib.scheduler.commands import runs as run_commands
from chalicelib.web.costs import cost
from chalicelib.web.handlers.clearing import cleared_tasks
from chalicelib.web.handlers.list_pages import list_response
from chalicelib.web.handlers.not_found import not_found, require
from chalicelib.web.handlers.read_transaction import read_transaction
from chalicelib.web.handlers.wait_reasons import explained_run, explained_runs, explained_tasks
from chalicelib.web.list_responses import RunList
from chalicelib.web.param_types import Cursor
from chalicelib.web.request_parsing import Call
from chalicelib.web.response_models import (
    ChangedRuns,
    ClearedTasks,
    EarlierAttempts,
    RunDetail,
    extend,
)
from chalicelib.web.responses import ResponseWithStatus

_CURSOR = Cursor("runs", is_text=True)


def list_runs(call: Call) -> RunList:
    with read_transaction() as tx:
        return _list(call, tx, call.query["dag_id"])


def list_runs_of_dag(call: Call) -> RunList:
    dag_id = call.path["dag_id"]
    with read_transaction() as tx:
        if not dags.exists(tx, dag_id):
            raise not_found("DAG", dag_id, "/api/dags")
        return _list(call, tx, dag_id)


def _list(call: Call, tx: Any, dag_id: str | None) -> RunList:
    query = call.query
    wanted = RunFilter(
        dag_id=dag_id,
        name=query.get("name"),
        tag=query.get("tag"),
        state=query["state"],
        run_type=query["run_type"],
        acknowledged=query["acknowledged"],
        from_date=query["from"],
        to_date=query["to"],
        cause=query["cause"],
        backfill_id=query.get("backfill_id"),
    )
    before = None if query["cursor"] is None else _key(query["cursor"], wanted)
    page = runs.list_runs(tx, wanted, limit=query["limit"], before=before)
    return list_response(RunList, explained_runs(tx, page), _CURSOR)


def _key(text: str, wanted: RunFilter) -> Key:
    try:
        return parse_key(text, wanted)
    except ValueError:
        raise InvalidRequest(
            "query parameter 'cursor' must be the next_cursor of the previous page of this list,"
            " with the same filters; omit it to start at the beginning",
            parameter="cursor",
        ) from None


def get_run(call: Call) -> RunDetail:
    run_id, query = call.path["run_id"], call.query
    with read_transaction() as tx:
        run = explained_run(tx, require(runs.detail(tx, run_id), "run", run_id, "/api/runs"))
        page = task_instances.of_run(tx, run_id, limit=query["limit"], after=query["cursor"])
        page = explained_tasks(tx, page, most=query["limit"])
        usage = costs.of_run(tx, run_id)
    return extend(
        RunDetail,
        run,
        cost=cost(usage, bootstrap.ports().settings.architecture),
        task_instances=page.items,
        next_cursor=Cursor("tasks_of_run").encode(page.next_key),
    )


def list_earlier_attempts(call: Call) -> EarlierAttempts:
    run_id = call.path["run_id"]
    with read_transaction() as tx:
        require(runs.run(tx, run_id), "run", run_id, "/api/runs")
        attempts = task_instances.earlier_attempts(tx, run_id, limit=call.query["limit"])
    return EarlierAttempts(attempts)


def trigger_run(call: Call) -> ResponseWithStatus:
    dag_id = call.path["dag_id"]
    run_id, is_new = run_commands.trigger_run(
        bootstrap.scheduler(), dag_id, who=call.who, **call.body
    )
    return ResponseWithStatus(current_run(run_id), 201 if is_new else 200)


def patch_run(call: Call) -> Run:
    run_id = call.path["run_id"]
    run_commands.set_note(bootstrap.scheduler(), run_id, call.body["note"], who=call.who)
    return current_run(run_id)


def acknowledge_runs(call: Call) -> ChangedRuns:
    run_ids, note = call.body["run_ids"], call.body["note"]
    changed = acknowledgements.acknowledge(bootstrap.scheduler(), run_ids, note, who=call.who)
    return ChangedRuns(tuple(changed))


def acknowledge_run(call: Call) -> Run:
    run_id = call.path["run_id"]
    acknowledgements.acknowledge(bootstrap.scheduler(), [run_id], call.body["note"], who=call.who)
    return current_run(run_id)


def unacknowledge_run(call: Call) -> Run:
    run_id = call.path["run_id"]
    acknowledgements.unacknowledge(bootstrap.scheduler(), run_id, who=call.who)
    return current_run(run_id)


def cancel_run(call: Call) -> Run:
    run_id = call.path["run_id"]
    run_commands.cancel_run(bootstrap.scheduler(), run_id, who=call.who)
    return current_run(run_id)


def clear_run(call: Call) -> ClearedTasks:
    run_id, body = call.path["run_id"], call.body
    result = run_commands.clear(bootstrap.scheduler(), run_id, who=call.who, **body)
    return cleared_tasks(result, dry_run=body["dry_run"])


def retry_run(call: Call) -> ClearedTasks:
    run_id, body = call.path["run_id"], call.body
    result = run_commands.retry_run(bootstrap.scheduler(), run_id, who=call.who, **body)
    return cleared_tasks(result, dry_run=body["dry_run"])


def rerun(call: Call) -> ResponseWithStatus:
    new_run_id = run_commands.rerun(bootstrap.scheduler(), call.path["run_id"], who=call.who)
    return ResponseWithStatus(current_run(new_run_id), 201)


def current_run(run_id: str) -> Run:
    """The run after a command, as lists show it."""
    with read_transaction() as tx:
        return explained_run(tx, require(runs.run(tx, run_id), "run", run_id, "/api/runs"))
