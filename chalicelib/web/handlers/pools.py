"""Pools: limits across DAGs."""

from __future__ import annotations

from typing import Any

from chalicelib import bootstrap
from chalicelib.database.reads import pools
from chalicelib.database.reads.values import PoolItem
from chalicelib.errors import InvalidRequest
from chalicelib.scheduler.commands import pools as pool_commands
from chalicelib.web.handlers.common import found, listed, reading
from chalicelib.web.param_types import Cursor
from chalicelib.web.request_parsing import Call
from chalicelib.web.responses import Answer
from chalicelib.web.routes import POOL_NAME

_LIST = "/api/pools"


def list_pools(call: Call) -> dict[str, Any]:
    with reading() as tx:
        page = pools.list_pools(tx, limit=call.query["limit"], after=call.query["cursor"])
    return listed("pools", page, Cursor("pools", is_text=True))


def get_pool(call: Call) -> PoolItem:
    name = call.path["pool"]
    with reading() as tx:
        return found(pools.pool(tx, name), "pool", name, _LIST)


def put_pool(call: Call) -> PoolItem:
    try:
        name = POOL_NAME.from_text(call.path["pool"])
    except ValueError as error:
        raise InvalidRequest(f"the name of a pool must be {error}") from None
    description = call.body["description"] or ""
    pool_commands.put_pool(
        bootstrap.scheduler(), name, call.body["slots"], description, who=call.who
    )
    return get_pool(call)


def delete_pool(call: Call) -> Answer:
    pool_commands.remove_pool(bootstrap.scheduler(), call.path["pool"], who=call.who)
    return Answer(None, 204)
