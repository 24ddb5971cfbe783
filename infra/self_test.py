"""Whether tasks run: one is sent through everything that was installed.

Each function may answer and the installation still be unable to run a single task: for want of a
permission, a route, or a system call that Lambda refuses.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from infra import admin
from infra.aws import Aws, code_of
from infra.errors import InfraError
from infra.naming import Stage

LOG_LINES = 12
_LINE_LENGTH = 300

SUSPECTS: dict[str, tuple[str, ...]] = {
    "claim": ("execute",),
    "result": ("execute", "apply"),
    "success": ("execute",),
    "log": ("execute",),
}
"""The functions whose logs tell why something is missing, by what is missing."""

TOLD = {
    "claim": "no executor took its message from the queue",
    "result": "an executor took it, but no result came to the database",
    "success": "its command did not succeed",
    "log": "its log is not in the runs bucket",
}


def run(aws: Aws, stage: Stage) -> str:
    """Send a task and wait for its result; what to tell of it. Raises InfraError with the function
    at fault and the first lines of its log."""
    began = time.time()
    answer = admin.ask(aws, stage, "self test")
    missing = str(answer["missing"])
    if missing:
        raise InfraError("\n".join(_accusation(aws, stage, answer, missing, began)))
    began_after, applied_after = answer["began_after"], answer["applied_after"]
    return (
        f"a task went through queue, executor, database and bucket in {applied_after:.1f} s"
        f" (its command began after {began_after:.1f} s); {_sqlite(answer['sqlite'])}"
    )


def _sqlite(versions: Mapping[str, str]) -> str:
    text = f"SQLite {versions['version']}, {versions['source']}"
    if versions["version"] == versions["standard"]:
        return text
    return f"{text} (the standard library has {versions['standard']})"


def _accusation(
    aws: Aws, stage: Stage, answer: Mapping[str, Any], missing: str, began: float
) -> Iterator[str]:
    reason = f": {answer['reason']}" if answer["reason"] else ""
    yield f"a task was sent and {TOLD.get(missing, missing)}{reason}"
    for function in SUSPECTS.get(missing, ("execute", "apply")):
        name = stage.function(function)
        yield f"function {name}, log /aws/lambda/{name}:"
        yield from (f"  {line}" for line in _first_lines(aws, name, began))
    yield "Remove the cause, then run the same command again."


def _first_lines(aws: Aws, function: str, began: float) -> list[str]:
    """What it has logged since; why that is unknown, where it is."""
    try:
        events = aws.client("logs").filter_log_events(
            logGroupName=f"/aws/lambda/{function}",
            startTime=int(began * 1000) - 1000,
            limit=LOG_LINES,
        )["events"]
    except ClientError as error:
        return [f"(cannot be read: {code_of(error)})"]
    lines = [event["message"].strip()[:_LINE_LENGTH] for event in events]
    return lines or ["(nothing; the function was not started)"]
