"""What the first view shows, and whether anything has changed since somebody looked."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from chalicelib import bootstrap
from chalicelib.database.reads import activity, changes, dags, failures, operations
from chalicelib.database.reads.page import Page
from chalicelib.web.handlers.list_pages import list_response
from chalicelib.web.handlers.read_transaction import read_transaction
from chalicelib.web.handlers.wait_reasons import explained_runs
from chalicelib.web.list_responses import OpenFailureList
from chalicelib.web.param_types import Cursor
from chalicelib.web.request_parsing import Call
from chalicelib.web.response_models import Changes, Overview

MOST_RUNS = 50
MOST_FAILURES = 50
MOST_DAGS = 20
MOST_RUNS_OF_DAG = 120
MOST_IMPORT_ERRORS = 20
RECHECK_SECONDS = 1.0
"""Another process may commit too, and its commits wake nobody here."""


def get_overview(call: Call) -> Overview:
    since = bootstrap.ports().now() - timedelta(hours=call.query["hours"])
    with read_transaction() as tx:
        number = activity.counts(tx)
        failing = failures.list_failures(tx, limit=MOST_FAILURES).items
        running = activity.active_runs(tx, "running", limit=MOST_RUNS)
        waiting = activity.active_runs(tx, "queued", limit=MOST_RUNS)
        active = explained_runs(tx, Page([*running, *waiting], None)).items
        ids = [failure.dag_id for failure in failing] + [run.dag_id for run in active]
        return Overview(
            has_dags=dags.has_any(tx),
            running_runs=number["running"],
            waiting_runs=number["queued"],
            failing_dags=failures.count_dags(tx),
            failures=failing,
            runs=active,
            backfills=activity.active_backfills(tx),
            dags=activity.of_dags(
                tx, _dags_of_timeline(tx, ids), recent=MOST_RUNS_OF_DAG, since=since
            ),
            import_errors=operations.import_errors(tx, limit=MOST_IMPORT_ERRORS).items,
            warning_count=operations.count_warnings(tx),
        )


def _dags_of_timeline(tx: Any, first: list[str]) -> list[str]:
    """These DAGs, those that are due soon, and those that ran last; MOST_DAGS at most."""
    due = [dag.dag_id for dag in dags.upcoming(tx, limit=MOST_DAGS)]
    return list(dict.fromkeys([*first, *due, *activity.newest_dags(tx)]))[:MOST_DAGS]


def list_failures(call: Call) -> OpenFailureList:
    with read_transaction() as tx:
        page = failures.list_failures(tx, limit=call.query["limit"], before=call.query["cursor"])
    return list_response(OpenFailureList, page, Cursor("failures"))


def get_changes(call: Call) -> Changes:
    """Answers at once if something has changed. If not, waits for a change in the local cloud; on
    Lambda, where waiting costs what work costs, never."""
    since, ports = call.query["since"], bootstrap.ports()
    commits = ports.commits
    deadline = time.monotonic() + (call.query["wait"] if commits else 0)
    while True:
        seen = commits.count if commits else 0
        with read_transaction() as tx:
            number = changes.latest(tx)
        left = deadline - time.monotonic()
        if number > since or left <= 0 or commits is None:
            return Changes(number, has_changed=number > since)
        commits.wait_beyond(seen, min(left, RECHECK_SECONDS))
