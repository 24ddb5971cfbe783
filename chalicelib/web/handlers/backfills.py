"""Backfills: reads and commands."""

from __future__ import annotations

from chalicelib import bootstrap
from chalicelib.database.reads import backfills
from chalicelib.database.reads.operation_values import Backfill
from chalicelib.enums import BackfillState, Reprocess
from chalicelib.scheduler.commands import backfills as backfill_commands
from chalicelib.web.handlers.list_pages import list_response
from chalicelib.web.handlers.not_found import not_found, require
from chalicelib.web.handlers.read_transaction import read_transaction
from chalicelib.web.list_responses import BackfillList
from chalicelib.web.param_types import Cursor, Integer
from chalicelib.web.request_parsing import Call
from chalicelib.web.response_models import BackfillPlan
from chalicelib.web.responses import ResponseWithStatus

_LIST = "/api/backfills"
_ID = Integer(1, 2**53)


def create_backfill(call: Call) -> ResponseWithStatus:
    body = call.body
    plan = backfill_commands.create(
        bootstrap.scheduler(),
        call.path["dag_id"],
        who=call.who,
        from_date=body["from"],
        to_date=body["to"],
        dry_run=body["dry_run"],
        reprocess=Reprocess(body["reprocess"]),
        max_active_runs=body["max_active_runs"],
        reverse=body["reverse"],
        run_on_latest_version=body["run_on_latest_version"],
        params=body["params"],
    )
    response = BackfillPlan(plan.id, tuple(plan.dates), plan.total, plan.already)
    return ResponseWithStatus(response, 200 if plan.id is None else 201)


def list_backfills(call: Call) -> BackfillList:
    query = call.query
    with read_transaction() as tx:
        page = backfills.list_backfills(
            tx,
            limit=query["limit"],
            before=query["cursor"],
            dag_id=query["dag_id"],
            state=query["state"],
        )
    return list_response(BackfillList, page, Cursor("backfills"))


def get_backfill(call: Call) -> Backfill:
    key = _key(call)
    with read_transaction() as tx:
        return require(backfills.backfill(tx, key), "backfill", str(key), _LIST)


def pause_backfill(call: Call) -> Backfill:
    return _set_state(call, BackfillState.PAUSED)


def resume_backfill(call: Call) -> Backfill:
    return _set_state(call, BackfillState.RUNNING)


def cancel_backfill(call: Call) -> Backfill:
    stop_running = call.body["stop_running"]
    backfill_commands.cancel(
        bootstrap.scheduler(), _key(call), who=call.who, stop_running=stop_running
    )
    return get_backfill(call)


def _set_state(call: Call, state: BackfillState) -> Backfill:
    backfill_commands.set_state(bootstrap.scheduler(), _key(call), state, who=call.who)
    return get_backfill(call)


def _key(call: Call) -> int:
    """Raises NotFound for anything but a number: no backfill has such an id."""
    text = call.path["backfill_id"]
    try:
        return _ID.from_text(text)
    except ValueError:
        raise not_found("backfill", text, _LIST) from None
