"""Runs: reads and commands."""

from __future__ import annotations

from chalicelib import bootstrap
from chalicelib.database.reads import costs, dags, runs, task_instances
from chalicelib.database.reads.run_values import Run
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

_CURSOR = Cursor("runs")


def list_runs(call: Call) -> RunList:
    query = call.query
    with read_transaction() as tx:
        page = runs.list_runs(
            tx,
            limit=query["limit"],
            before=query["cursor"],
            dag_id=query["dag_id"],
            state=query["state"],
            acknowledged=query["acknowledged"],
            backfill_id=query["backfill_id"],
        )
        page = explained_runs(tx, page)
    return list_response(RunList, page, _CURSOR)


def list_runs_of_dag(call: Call) -> RunList:
    dag_id, query = call.path["dag_id"], call.query
    with read_transaction() as tx:
        if not dags.exists(tx, dag_id):
            raise not_found("DAG", dag_id, "/api/dags")
        page = runs.list_runs(
            tx,
            limit=query["limit"],
            before=query["cursor"],
            dag_id=dag_id,
            state=query["state"],
            acknowledged=query["acknowledged"],
        )
        page = explained_runs(tx, page)
    return list_response(RunList, page, _CURSOR)


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
