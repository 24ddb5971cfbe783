"""All logs of a run."""

from __future__ import annotations

from chalicelib import bootstrap
from chalicelib.database.reads import run_logs, runs
from chalicelib.errors import InvalidRequest
from chalicelib.web.handlers.not_found import require
from chalicelib.web.handlers.read_transaction import read_transaction
from chalicelib.web.list_responses import LogLine, LogLines, RunLogs
from chalicelib.web.param_types import Cursor
from chalicelib.web.request_parsing import Call
from chalicelib.web.run_logs import LOGS_AT_ONCE, Lines, Position, parse_position, read_lines

_CURSOR = Cursor("run_logs", is_text=True)


def get_run_logs(call: Call) -> RunLogs:
    """Whether the run has ended was read before its logs, so nothing can be added to them then."""
    run_id = call.path["run_id"]
    start = _position(call.query["cursor"])
    with read_transaction() as tx:
        run = require(runs.run(tx, run_id), "run", run_id, "/api/runs")
        logs = run_logs.attempt_logs(
            tx, run_id, key=start.key, try_number=start.try_number, limit=LOGS_AT_ONCE
        )
    parts, end = read_lines(bootstrap.scheduler().runs, logs, start, call.query["search"])
    if end is None and len(logs) == LOGS_AT_ONCE:
        end = Position(logs[-1].key, logs[-1].attempt.try_number + 1)
    return RunLogs(
        parts=[_part(part) for part in parts],
        complete=end is None and run.ended_at is not None,
        next_cursor=_CURSOR.encode(None if end is None else end.text()),
    )


def _position(cursor: str | None) -> Position:
    try:
        return Position() if cursor is None else parse_position(cursor)
    except ValueError:
        raise InvalidRequest(
            "query parameter 'cursor' must be the next_cursor of the previous page of this list;"
            " omit it to start at the beginning",
            parameter="cursor",
        ) from None


def _part(part: Lines) -> LogLines:
    attempt = part.log.attempt
    return LogLines(
        task_id=attempt.task_id,
        map_index=attempt.map_index,
        try_number=attempt.try_number,
        poke=attempt.poke,
        lines=[LogLine(number, text) for number, text in part.lines],
    )
