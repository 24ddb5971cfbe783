"""Runs: lists, one of them, and asking for one."""

from __future__ import annotations

from typing import Any

from chalicelib import bootstrap
from chalicelib.database.reads import dags, runs, task_instances
from chalicelib.scheduler import control
from chalicelib.web.answers import Answer, jsonable
from chalicelib.web.handlers.common import found, listed, no_such, reading
from chalicelib.web.kinds import Cursor
from chalicelib.web.requests import Call

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
        )
    return listed("runs", page, _CURSOR)


def list_runs_of_dag(call: Call) -> dict[str, Any]:
    dag_id, query = call.path["dag_id"], call.query
    with reading() as tx:
        if not dags.exists(tx, dag_id):
            raise no_such("DAG", dag_id, "/api/dags")
        page = runs.list_runs(
            tx, limit=query["limit"], before=query["cursor"], dag_id=dag_id, state=query["state"]
        )
    return listed("runs", page, _CURSOR)


def get_run(call: Call) -> dict[str, Any]:
    run_id, query = call.path["run_id"], call.query
    with reading() as tx:
        run = found(runs.run(tx, run_id), "run", run_id, "/api/runs")
        page = task_instances.of_run(tx, run_id, limit=query["limit"], after=query["cursor"])
    return {**jsonable(run), **listed("task_instances", page, Cursor("tasks_of_run"))}


def request_run(call: Call) -> Answer:
    dag_id = call.path["dag_id"]
    run_id, is_new = control.request_run(bootstrap.scheduler(), dag_id, **call.body)
    with reading() as tx:
        run = found(runs.run(tx, run_id), "run", run_id, "/api/runs")
    return Answer(run, 201 if is_new else 200)
