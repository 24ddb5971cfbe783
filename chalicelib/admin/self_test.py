"""Send one task through every part of the installation: queue, executor, results queue, database,
and its log through the bucket. It belongs to no DAG and leaves nothing behind.

That each part responds by itself proves little: a function may be denied a system call, a queue,
an endpoint or a role only when it does real work.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum

from chalicelib.database import Transaction
from chalicelib.database.queries import self_tests
from chalicelib.enums import Outcome
from chalicelib.errors import OrchestratorError
from chalicelib.messages import SELF_TEST_DAG_ID, Attempt, Result, TaskMessage, decode_report
from chalicelib.places import DEFAULT_PLACE
from chalicelib.ports import Bucket, OutgoingMessage
from chalicelib.scheduler.context import SchedulerContext

LIMIT_SECONDS = 120.0
POLL_SECONDS = 0.5
LOG_LINES = 400

COMMAND = f"""
i=0; while [ $i -lt {LOG_LINES} ]; do i=$((i + 1)); echo "self-test line $i"; done
"""
"""Prints more than a result message may carry."""

_LAST_LINE = f"self-test line {LOG_LINES}"


class Missing(StrEnum):
    """The first step that did not happen; "" if all did."""

    NOTHING = ""
    CLAIM = "claim"
    RESULT = "result"
    SUCCESS = "success"
    LOG = "log"


@dataclass(frozen=True, slots=True)
class SelfTest:
    """The outcome. Times are in seconds since the message was sent: when the command started, when
    it ended, and when its result was in the database; None for a step that was not reached.
    `reason` is the executor's, if the command did not succeed."""

    missing: Missing
    began_after: float | None = None
    ended_after: float | None = None
    applied_after: float | None = None
    reason: str = ""

    def as_json(self) -> dict[str, object]:
        """Return the fields in JSON's types."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Waiting:
    """How to wait for the result; `limit` is in seconds."""

    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    limit: float = LIMIT_SECONDS


def run(scheduler: SchedulerContext, waiting: Waiting | None = None) -> SelfTest:
    """Send a task and wait up to two minutes for its result. Raises Unavailable if a queue, the
    bucket or the database does not respond."""
    waiting = waiting or Waiting()
    attempt = Attempt(SELF_TEST_DAG_ID, uuid.uuid4().hex, "echo", -1, 1)
    with scheduler.database.write() as tx:
        self_tests.begin(tx, attempt.run_id, scheduler.now())
    sent_at = scheduler.now().timestamp()
    message = TaskMessage(attempt, COMMAND, timeout=30.0)
    scheduler.task_queues[DEFAULT_PLACE].send(
        [OutgoingMessage(message.encode(), group=SELF_TEST_DAG_ID)]
    )
    try:
        result = _wait(scheduler, attempt, waiting)
        if result is None:
            is_taken = scheduler.claims.is_taken(attempt)
            return SelfTest(Missing.RESULT if is_taken else Missing.CLAIM)
        return _judge(scheduler, result, sent_at)
    finally:
        scheduler.runs.delete(info.key for info in scheduler.runs.list(attempt.prefix))


def _wait(scheduler: SchedulerContext, attempt: Attempt, waiting: Waiting) -> Result | None:
    deadline = waiting.clock() + waiting.limit
    while True:
        with scheduler.database.read() as tx:
            result = _result(tx, attempt.run_id)
        if result is not None or waiting.clock() >= deadline:
            return result
        waiting.sleep(POLL_SECONDS)


def _result(tx: Transaction, run_id: str) -> Result | None:
    body = self_tests.result_of(tx, run_id)
    report = None if body is None else decode_report(body)
    return report if isinstance(report, Result) else None


def _judge(scheduler: SchedulerContext, result: Result, sent_at: float) -> SelfTest:
    missing, reason = _verdict(scheduler, result)
    return SelfTest(
        missing,
        began_after=_after(sent_at, result.started_at),
        ended_after=_after(sent_at, result.ended_at),
        applied_after=_after(sent_at, scheduler.now().timestamp()),
        reason=reason,
    )


def _verdict(scheduler: SchedulerContext, result: Result) -> tuple[Missing, str]:
    if result.outcome != Outcome.SUCCESS:
        return Missing.SUCCESS, result.reason or f"exit code {result.exit_code}"
    try:
        has_log = _has_log(scheduler.runs, result.attempt)
    except OrchestratorError as error:
        return Missing.LOG, error.message
    return (Missing.NOTHING if has_log else Missing.LOG), ""


def _has_log(runs: Bucket, attempt: Attempt) -> bool:
    """Whether the bucket holds the log to its last line."""
    chunks = [runs.get(info.key) for info in runs.list(attempt.log_prefix)]
    return _LAST_LINE.encode() in b"".join(chunk.body for chunk in chunks if chunk)


def _after(sent_at: float, time: float | None) -> float | None:
    return None if time is None else round(max(0.0, time - sent_at), 3)
