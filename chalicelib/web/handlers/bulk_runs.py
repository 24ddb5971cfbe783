"""Commands for many runs."""

from __future__ import annotations

from dataclasses import asdict

from chalicelib import bootstrap
from chalicelib.enums import BulkAction
from chalicelib.scheduler.commands.bulk_runs import BulkRequest
from chalicelib.scheduler.commands.bulk_runs import change_runs as change
from chalicelib.web.request_parsing import Call
from chalicelib.web.response_models import BulkOutcome, BulkOutcomes


def change_runs(call: Call) -> BulkOutcomes:
    body = call.body
    request = BulkRequest(
        action=BulkAction(body["action"]),
        run_on_latest_version=body["run_on_latest_version"],
        note=body["note"],
    )
    outcomes = change(
        bootstrap.scheduler(), body["run_ids"], request, who=call.who, dry_run=body["dry_run"]
    )
    return BulkOutcomes(
        action=request.action,
        dry_run=body["dry_run"],
        changed=sum(outcome.is_change for outcome in outcomes),
        tasks=sum(outcome.tasks for outcome in outcomes),
        runs=tuple(BulkOutcome(**asdict(outcome)) for outcome in outcomes),
    )
