"""DAGs: reads, and pausing their schedules."""

from __future__ import annotations

from chalicelib import bootstrap
from chalicelib.database.reads import activity, costs, dags
from chalicelib.database.reads.dag_values import DagSource, DagVersionWithTasks
from chalicelib.errors import NotFound
from chalicelib.scheduler.commands import dags as dag_commands
from chalicelib.web.costs import cost
from chalicelib.web.handlers.list_pages import list_response
from chalicelib.web.handlers.not_found import not_found, require
from chalicelib.web.handlers.read_transaction import read_transaction
from chalicelib.web.list_responses import DagList, DagVersionList, TagList
from chalicelib.web.param_types import Cursor, Integer
from chalicelib.web.request_parsing import Call
from chalicelib.web.response_models import (
    ChangedDags,
    DagDetail,
    NextFireTimes,
    UpcomingDags,
    extend,
)
from chalicelib.web.task_places import task_places

_LIST = "/api/dags"
_VERSION = Integer(1, 2**31)


def list_dags(call: Call) -> DagList:
    query = call.query
    with read_transaction() as tx:
        page = dags.list_dags(
            tx,
            limit=query["limit"],
            after=query["cursor"],
            tag=query["tag"],
            is_paused=query["paused"],
            search=query["search"],
            is_failing=query["failing"],
        )
        ids = [dag.dag_id for dag in page.items] if query["recent"] else []
        found = activity.of_dags(tx, ids, recent=query["recent"])
    return DagList(page.items, Cursor("dags", is_text=True).encode(page.next_key), found)


def list_upcoming(call: Call) -> UpcomingDags:
    with read_transaction() as tx:
        return UpcomingDags(dags.upcoming(tx, limit=call.query["limit"]))


def list_tags(call: Call) -> TagList:
    with read_transaction() as tx:
        page = dags.tags(tx, limit=call.query["limit"], after=call.query["cursor"])
    return list_response(TagList, page, Cursor("tags", is_text=True))


def get_dag(call: Call) -> DagDetail:
    dag_id = call.path["dag_id"]
    with read_transaction() as tx:
        dag = require(dags.dag(tx, dag_id), "DAG", dag_id, _LIST)
        usage = costs.of_dag(tx, dag_id)
    settings = bootstrap.ports().settings
    return extend(
        DagDetail,
        dag,
        cost=cost(usage, settings.architecture),
        task_places=task_places(dag.tasks, settings),
    )


def patch_dag(call: Call) -> DagDetail:
    dag_id, is_paused = call.path["dag_id"], call.body["is_paused"]
    dag_commands.set_paused(bootstrap.scheduler(), dag_id, is_paused, who=call.who)
    return get_dag(call)


def pause_by_tag(call: Call) -> ChangedDags:
    tag, is_paused = call.body["tag"], call.body["is_paused"]
    changed = dag_commands.set_paused_by_tag(bootstrap.scheduler(), tag, is_paused, who=call.who)
    return ChangedDags(tuple(changed))


def get_source(call: Call) -> DagSource:
    dag_id, version = call.path["dag_id"], call.query["version"]
    with read_transaction() as tx:
        source = dags.source(tx, dag_id, version)
        exists = source is not None or dags.exists(tx, dag_id)
    if source is None and exists:
        raise _no_version(dag_id, version)
    return require(source, "DAG", dag_id, _LIST)


def get_version(call: Call) -> DagVersionWithTasks:
    dag_id, version = call.path["dag_id"], call.path["version"]
    with read_transaction() as tx:
        exists = dags.exists(tx, dag_id)
        dag = dags.version(tx, dag_id, _number(dag_id, version)) if exists else None
    if dag is None and exists:
        raise _no_version(dag_id, version)
    return require(dag, "DAG", dag_id, _LIST)


def _number(dag_id: str, version: str) -> int:
    """Raises NotFound for anything but a number: no version has such a name."""
    try:
        return _VERSION.from_text(version)
    except ValueError:
        raise _no_version(dag_id, version) from None


def _no_version(dag_id: str, version: object) -> NotFound:
    return NotFound(
        f"DAG {dag_id!r} has no version {version}, or it was deleted; "
        f"GET /api/dags/{dag_id}/versions lists those that are kept"
    )


def list_versions(call: Call) -> DagVersionList:
    dag_id, query = call.path["dag_id"], call.query
    with read_transaction() as tx:
        if not dags.exists(tx, dag_id):
            raise not_found("DAG", dag_id, _LIST)
        page = dags.versions(tx, dag_id, limit=query["limit"], before=query["cursor"])
    return list_response(DagVersionList, page, Cursor("versions"))


def get_next_fire_times(call: Call) -> NextFireTimes:
    dag_id = call.path["dag_id"]
    with read_transaction() as tx:
        dag = require(dags.definition(tx, dag_id), "DAG", dag_id, _LIST)
    fire_times = dag_commands.upcoming(dag, bootstrap.ports().now(), call.query["count"])
    return NextFireTimes(dag_id, dag.timezone, tuple(fire_times))
