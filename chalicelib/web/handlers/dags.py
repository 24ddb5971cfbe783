"""DAGs: lists, definitions, pause."""

from __future__ import annotations

from typing import Any

from chalicelib import bootstrap
from chalicelib.database.reads import costs, dags
from chalicelib.database.reads.values import DagSource
from chalicelib.errors import NotFound
from chalicelib.scheduler.commands import dags as dag_commands
from chalicelib.web import prices
from chalicelib.web.handlers.common import found, listed, no_such, reading
from chalicelib.web.param_types import Cursor
from chalicelib.web.request_parsing import Call
from chalicelib.web.response_models import ChangedDags, NextFireTimes
from chalicelib.web.responses import jsonable

_LIST = "/api/dags"


def list_dags(call: Call) -> dict[str, Any]:
    query = call.query
    with reading() as tx:
        page = dags.list_dags(
            tx,
            limit=query["limit"],
            after=query["cursor"],
            tag=query["tag"],
            is_paused=query["paused"],
            search=query["search"],
        )
    return listed("dags", page, Cursor("dags", is_text=True))


def list_upcoming(call: Call) -> dict[str, Any]:
    with reading() as tx:
        return {"dags": dags.upcoming(tx, limit=call.query["limit"])}


def list_tags(call: Call) -> dict[str, Any]:
    with reading() as tx:
        page = dags.tags(tx, limit=call.query["limit"], after=call.query["cursor"])
    return listed("tags", page, Cursor("tags", is_text=True))


def get_dag(call: Call) -> dict[str, Any]:
    dag_id = call.path["dag_id"]
    with reading() as tx:
        dag = found(dags.dag(tx, dag_id), "DAG", dag_id, _LIST)
        usage = costs.of_dag(tx, dag_id)
    return {**jsonable(dag), "cost": prices.cost(usage)}


def patch_dag(call: Call) -> dict[str, Any]:
    dag_id, is_paused = call.path["dag_id"], call.body["is_paused"]
    dag_commands.set_paused(bootstrap.scheduler(), dag_id, is_paused, who=call.who)
    return get_dag(call)


def pause_by_tag(call: Call) -> ChangedDags:
    tag, is_paused = call.body["tag"], call.body["is_paused"]
    changed = dag_commands.set_paused_by_tag(bootstrap.scheduler(), tag, is_paused, who=call.who)
    return ChangedDags(tuple(changed))


def get_source(call: Call) -> DagSource:
    dag_id, version = call.path["dag_id"], call.query["version"]
    with reading() as tx:
        source = dags.source(tx, dag_id, version)
        exists = source is not None or dags.exists(tx, dag_id)
    if source is None and exists:
        raise NotFound(
            f"DAG {dag_id!r} has no version {version}, or not any more; "
            f"GET /api/dags/{dag_id}/versions lists those that are kept"
        )
    return found(source, "DAG", dag_id, _LIST)


def list_versions(call: Call) -> dict[str, Any]:
    dag_id, query = call.path["dag_id"], call.query
    with reading() as tx:
        if not dags.exists(tx, dag_id):
            raise no_such("DAG", dag_id, _LIST)
        page = dags.versions(tx, dag_id, limit=query["limit"], before=query["cursor"])
    return listed("versions", page, Cursor("versions"))


def get_next_fire_times(call: Call) -> NextFireTimes:
    dag_id = call.path["dag_id"]
    with reading() as tx:
        dag = found(dags.definition(tx, dag_id), "DAG", dag_id, _LIST)
    moments = dag_commands.upcoming(dag, bootstrap.ports().now(), call.query["count"])
    return NextFireTimes(dag_id, dag.timezone, tuple(moments))
