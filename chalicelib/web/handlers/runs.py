"""Runs: lists, one of them, asking for one, and what people do to one."""

from __future__ import annotations

from typing import Any

from chalicelib import bootstrap
from chalicelib.database.reads import costs, dags, runs, task_instances
from chalicelib.database.reads.values import RunItem
from chalicelib.scheduler.commands import acknowledgements
from chalicelib.scheduler.commands import runs as run_commands
from chalicelib.web import prices
from chalicelib.web.handlers.common import cleared, found, listed, no_such, reading
from chalicelib.web.handlers.wait_reasons import explained_run, explained_runs, explained_tasks
from chalicelib.web.param_types import Cursor
from chalicelib.web.request_parsing import Call
from chalicelib.web.response_models import ChangedRuns, ClearedTasks
from chalicelib.web.responses import Answer, jsonable

_CURSOR = Cursor("runs")


def list_runs(call: Call) -> dict[str, Any]:
    query = call.query
    with reading() as tx:
        page = runs.list_runs(
            tx,
            limit=query["limit"],
            before=query["cursor"],
            dag_id=query["dag_id"],
            state=query["state"],
            acknowledged=query["acknowledged"],
        )
        page = explained_runs(tx, page)
    return listed("runs", page, _CURSOR)


def list_runs_of_dag(call: Call) -> dict[str, Any]:
    dag_id, query = call.path["dag_id"], call.query
    with reading() as tx:
        if not dags.exists(tx, dag_id):
            raise no_such("DAG", dag_id, "/api/dags")
        page = runs.list_runs(
            tx,
            limit=query["limit"],
            before=query["cursor"],
            dag_id=dag_id,
            state=query["state"],
            acknowledged=query["acknowledged"],
        )
        page = explained_runs(tx, page)
    return listed("runs", page, _CURSOR)


def get_run(call: Call) -> dict[str, Any]:
    run_id, query = call.path["run_id"], call.query
    with reading() as tx:
        run = explained_run(tx, found(runs.detail(tx, run_id), "run", run_id, "/api/runs"))
        page = task_instances.of_run(tx, run_id, limit=query["limit"], after=query["cursor"])
        page = explained_tasks(tx, page, most=query["limit"])
        usage = costs.of_run(tx, run_id)
    tasks = listed("task_instances", page, Cursor("tasks_of_run"))
    return {**jsonable(run), "cost": prices.cost(usage), **tasks}


def request_run(call: Call) -> Answer:
    dag_id = call.path["dag_id"]
    run_id, is_new = run_commands.request_run(
        bootstrap.scheduler(), dag_id, who=call.who, **call.body
    )
    return Answer(as_it_is(run_id), 201 if is_new else 200)


def patch_run(call: Call) -> RunItem:
    run_id = call.path["run_id"]
    run_commands.set_note(bootstrap.scheduler(), run_id, call.body["note"], who=call.who)
    return as_it_is(run_id)


def acknowledge_runs(call: Call) -> ChangedRuns:
    run_ids, note = call.body["run_ids"], call.body["note"]
    changed = acknowledgements.acknowledge(bootstrap.scheduler(), run_ids, note, who=call.who)
    return ChangedRuns(tuple(changed))


def acknowledge_run(call: Call) -> RunItem:
    run_id = call.path["run_id"]
    acknowledgements.acknowledge(bootstrap.scheduler(), [run_id], call.body["note"], who=call.who)
    return as_it_is(run_id)


def unacknowledge_run(call: Call) -> RunItem:
    run_id = call.path["run_id"]
    acknowledgements.take_back(bootstrap.scheduler(), run_id, who=call.who)
    return as_it_is(run_id)


def cancel_run(call: Call) -> RunItem:
    run_id = call.path["run_id"]
    run_commands.cancel_run(bootstrap.scheduler(), run_id, who=call.who)
    return as_it_is(run_id)


def clear_run(call: Call) -> ClearedTasks:
    run_id, body = call.path["run_id"], call.body
    result = run_commands.clear(bootstrap.scheduler(), run_id, who=call.who, **body)
    return cleared(result, dry_run=body["dry_run"])


def retry_run(call: Call) -> ClearedTasks:
    run_id, body = call.path["run_id"], call.body
    result = run_commands.retry_run(bootstrap.scheduler(), run_id, who=call.who, **body)
    return cleared(result, dry_run=body["dry_run"])


def rerun(call: Call) -> Answer:
    made = run_commands.rerun(bootstrap.scheduler(), call.path["run_id"], who=call.who)
    return Answer(as_it_is(made), 201)


def as_it_is(run_id: str) -> RunItem:
    """The run after what was done to it, as lists show it."""
    with reading() as tx:
        return explained_run(tx, found(runs.run(tx, run_id), "run", run_id, "/api/runs"))
