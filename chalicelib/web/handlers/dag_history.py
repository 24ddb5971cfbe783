"""The past of one DAG: grid, calendar, durations."""

from __future__ import annotations

from chalicelib.database.reads import dag_history, dags
from chalicelib.web.handlers.list_pages import list_response
from chalicelib.web.handlers.not_found import not_found, require
from chalicelib.web.handlers.read_transaction import read_transaction
from chalicelib.web.handlers.wait_reasons import explained_runs
from chalicelib.web.list_responses import DagDays, DagGrid
from chalicelib.web.param_types import Cursor
from chalicelib.web.request_parsing import Call
from chalicelib.web.response_models import DagDurations

_LIST = "/api/dags"


def get_grid(call: Call) -> DagGrid:
    dag_id, query = call.path["dag_id"], call.query
    with read_transaction() as tx:
        if not dags.exists(tx, dag_id):
            raise not_found("DAG", dag_id, _LIST)
        page, cells = dag_history.grid(tx, dag_id, limit=query["limit"], before=query["cursor"])
        items = explained_runs(tx, page).items
    return DagGrid(items, cells, Cursor("grid").encode(page.next_key))


def list_days(call: Call) -> DagDays:
    dag_id = call.path["dag_id"]
    with read_transaction() as tx:
        timezone = require(dags.timezone(tx, dag_id), "DAG", dag_id, _LIST)
        page = dag_history.days(tx, dag_id, timezone, before=call.query["cursor"])
    return list_response(DagDays, page, Cursor("days"))


def get_durations(call: Call) -> DagDurations:
    dag_id = call.path["dag_id"]
    with read_transaction() as tx:
        if not dags.exists(tx, dag_id):
            raise not_found("DAG", dag_id, _LIST)
        return DagDurations(dag_history.durations(tx, dag_id, limit=call.query["limit"]))
