"""Pools: reads and commands."""

from __future__ import annotations

from chalicelib import bootstrap
from chalicelib.database.reads import pools
from chalicelib.database.reads.operation_values import Pool
from chalicelib.errors import InvalidRequest
from chalicelib.scheduler.commands import pools as pool_commands
from chalicelib.web.handlers.list_pages import list_response
from chalicelib.web.handlers.not_found import require
from chalicelib.web.handlers.read_transaction import read_transaction
from chalicelib.web.list_responses import PoolList
from chalicelib.web.param_types import Cursor
from chalicelib.web.request_parsing import Call
from chalicelib.web.responses import ResponseWithStatus
from chalicelib.web.routes import POOL_NAME

_LIST = "/api/pools"


def list_pools(call: Call) -> PoolList:
    with read_transaction() as tx:
        page = pools.list_pools(tx, limit=call.query["limit"], after=call.query["cursor"])
    return list_response(PoolList, page, Cursor("pools", is_text=True))


def get_pool(call: Call) -> Pool:
    name = call.path["pool"]
    with read_transaction() as tx:
        return require(pools.pool(tx, name), "pool", name, _LIST)


def put_pool(call: Call) -> Pool:
    try:
        name = POOL_NAME.from_text(call.path["pool"])
    except ValueError as error:
        raise InvalidRequest(f"the name of a pool must be {error}") from None
    description = call.body["description"] or ""
    pool_commands.put_pool(
        bootstrap.scheduler(), name, call.body["slots"], description, who=call.who
    )
    return get_pool(call)


def delete_pool(call: Call) -> ResponseWithStatus:
    pool_commands.remove_pool(bootstrap.scheduler(), call.path["pool"], who=call.who)
    return ResponseWithStatus(None, 204)
