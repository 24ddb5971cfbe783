"""The self-test: sends one task through everything that was installed.

Every function may be healthy while no task can run, for lack of a permission, a route, or a system
call that Lambda refuses.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.places import DEFAULT_FUNCTION
from infra.aws import Aws, error_code
from infra.commands import admin_function
from infra.errors import InfraError
from infra.names import Stage

EXECUTOR = DEFAULT_FUNCTION
LOG_LINES = 12
MAX_LINE_LENGTH = 300

SUSPECTS: dict[str, tuple[str, ...]] = {
    "claim": (EXECUTOR,),
    "result": (EXECUTOR, "apply"),
    "success": (EXECUTOR,),
    "log": (EXECUTOR,),
}
"""The functions whose logs explain the failure, by what is missing."""

FAILURES = {
    "claim": "no executor received the message",
    "result": "an executor claimed it, but no result reached the database",
    "success": "its command failed",
    "log": "its log is not in the runs bucket",
}


def run(aws: Aws, stage: Stage) -> str:
    """Send a task and wait for its result. Returns a summary. Raises InfraError with the suspected
    function and the first lines of its log."""
    started = time.time()
    report = admin_function.invoke(aws, stage, "self test")
    missing = str(report["missing"])
    if missing:
        raise InfraError("\n".join(_diagnosis(aws, stage, report, missing, started)))
    return (
        "a task went through queue, executor, database and bucket in"
        f" {report['applied_after']:.1f} s (its command started after"
        f" {report['began_after']:.1f} s); {_sqlite(report['sqlite'])}"
    )


def _sqlite(versions: Mapping[str, str]) -> str:
    text = f"SQLite {versions['version']}, {versions['source']}"
    if versions["version"] == versions["standard"]:
        return text
    return f"{text} (the standard library has {versions['standard']})"


def _diagnosis(
    aws: Aws, stage: Stage, report: Mapping[str, Any], missing: str, started: float
) -> Iterator[str]:
    reason = f": {report['reason']}" if report["reason"] else ""
    yield f"the self-test sent a task, but {FAILURES.get(missing, missing)}{reason}"
    for function in SUSPECTS.get(missing, (EXECUTOR, "apply")):
        name = stage.function(function)
        yield f"function {name}, log /aws/lambda/{name}:"
        yield from (f"  {line}" for line in _first_lines(aws, name, started))
    yield "Fix the cause, then run the same command again."


def _first_lines(aws: Aws, function: str, started: float) -> list[str]:
    """Returns what the function has logged since, or why that is unknown."""
    try:
        events = aws.client("logs").filter_log_events(
            logGroupName=f"/aws/lambda/{function}",
            startTime=int(started * 1000) - 1000,
            limit=LOG_LINES,
        )["events"]
    except ClientError as error:
        return [f"(the log cannot be read: {error_code(error)})"]
    lines = [event["message"].strip()[:MAX_LINE_LENGTH] for event in events]
    return lines or ["(empty; the function was not invoked)"]
