"""Applies what executors report, a whole backlog in one transaction.

A report that is late, doubled or from an old attempt changes nothing. One that cannot be applied is
set aside where users can see it, and its neighbours are committed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from chalicelib.dag.evaluate.expand import is_compatible
from chalicelib.dag.evaluate.retries import retry_at
from chalicelib.dag.model import Task
from chalicelib.dag.states import IN_FLIGHT, TaskState
from chalicelib.database.connection.times import from_epoch
from chalicelib.database.queries import (
    artifacts,
    attempts,
    housekeeping,
    outputs,
    self_tests,
    stop_requests,
    task_instances,
    workers,
)
from chalicelib.database.queries.attempts import MAX_CAUSE_LENGTH
from chalicelib.database.queries.task_instances import End, TaskInstance
from chalicelib.enums import Outcome
from chalicelib.messages import (
    SELF_TEST_DAG_ID,
    Heartbeat,
    NotificationResult,
    Report,
    Result,
    Wake,
    WorkerSeen,
    decode_report,
)
from chalicelib.ports import ReceivedMessage
from chalicelib.scheduler import forced_end, notifications, problem_notifications
from chalicelib.scheduler.clock import process_due
from chalicelib.scheduler.context import SchedulerContext
from chalicelib.scheduler.forced_end import STATE_OF_OUTCOME
from chalicelib.scheduler.transaction import in_one_transaction
from chalicelib.scheduler.unit_of_work import UnitOfWork
from chalicelib.utils.errors import in_words

log = logging.getLogger("orchestrator.scheduler")

FULL_BATCH = 10
MAX_EXTRA_MESSAGES = 490
START_RETRY_DELAYS = tuple(timedelta(seconds=seconds) for seconds in (15, 60, 240))
"""Delays before a command that could not be started is tried again."""


TasksByName = dict[tuple[str, str, int], TaskInstance]
"""By run_id, task_id and map_index."""


@dataclass(frozen=True, slots=True)
class Applied:
    """How many reports were read, and how many of those were set aside."""

    reports: int
    set_aside: int


def apply_backlog(scheduler: SchedulerContext, bodies: Sequence[str]) -> Applied:
    """Apply the messages of an invocation and, if those were a full batch, those after them in the
    queue: a commit costs the same for one report as for hundreds. Lambda itself collects more than
    ten messages only by waiting a second for them."""
    pulled = _receive_more(scheduler) if len(bodies) >= FULL_BATCH else []
    applied = apply(scheduler, [*bodies, *(message.body for message in pulled)])
    try:
        scheduler.results.delete(pulled)
    except Exception:  # committed; delivered again, they change nothing
        log.exception("applied reports were not deleted from the queue")
    return applied


def _receive_more(scheduler: SchedulerContext) -> list[ReceivedMessage]:
    pulled: list[ReceivedMessage] = []
    try:
        while len(pulled) < MAX_EXTRA_MESSAGES:
            batch = scheduler.results.receive(FULL_BATCH)
            pulled += batch
            if len(batch) < FULL_BATCH:
                break
    except Exception:  # the invocation's own messages do not depend on it
        log.exception("no more reports could be received from the queue")
    return pulled


def apply(scheduler: SchedulerContext, bodies: Sequence[str]) -> Applied:
    """Apply messages of the results queue. Raises only if none of them was committed."""
    return in_one_transaction(scheduler, partial(_apply, bodies))


def _apply(bodies: Sequence[str], work: UnitOfWork) -> Applied:
    reports, unreadable = _decoded(bodies)
    tasks = {} if work.has_savepoints else _read_together(work, reports.values())
    for body, reason in unreadable:
        _set_aside(work, body, reason)
    set_aside = [reason for _, reason in unreadable]
    for number, report in reports.items():
        try:
            with work.savepoint():
                apply_report(work, report, tasks)
        except Exception as error:
            if work.tx.is_doomed_by(error):
                raise
            set_aside.append(in_words(error))
            _set_aside(work, bodies[number], set_aside[-1])
    problem_notifications.messages_set_aside(work, set_aside)
    if any(isinstance(report, Wake) for report in reports.values()):
        process_due(work)
    return Applied(len(bodies), len(set_aside))


def _decoded(bodies: Sequence[str]) -> tuple[dict[int, Report], list[tuple[str, str]]]:
    """Return the reports by their numbers, and the bodies that are none, with the reasons."""
    reports: dict[int, Report] = {}
    unreadable: list[tuple[str, str]] = []
    for number, body in enumerate(bodies):
        try:
            reports[number] = decode_report(body)
        except Exception as error:
            unreadable.append((body, in_words(error)))
    return reports, unreadable


def _read_together(work: UnitOfWork, reports: Iterable[Report]) -> TasksByName:
    """Read the tasks of the reports with one statement, and their runs with another. Each task is
    good for the first report about it only."""
    attempts = [report.attempt for report in reports if isinstance(report, Heartbeat | Result)]
    names = {(attempt.run_id, attempt.task_id, attempt.map_index) for attempt in attempts}
    with work.savepoint():
        tasks = task_instances.find_all(work.tx, sorted(names))
        work.read_runs({task.attempt.run_id for task in tasks})
    return {(t.attempt.run_id, t.task_id, t.attempt.map_index): t for t in tasks}


def _set_aside(work: UnitOfWork, body: str, reason: str) -> None:
    log.error("report set aside: %s", reason, extra={"body": body[:500]})
    queue = work.scheduler.settings.results_queue
    housekeeping.set_aside(work.tx, queue, body, reason, work.now)


def apply_report(work: UnitOfWork, report: Report, tasks: TasksByName) -> None:
    """Record one report. What follows from it is propagated before the commit. Its task is taken
    out of `tasks`, or else read."""
    if isinstance(report, Wake):
        return
    if isinstance(report, NotificationResult):
        notifications.apply_result(work, report)
        return
    if isinstance(report, WorkerSeen):
        workers.seen(work.tx, report, work.now)
        return
    if report.attempt.dag_id == SELF_TEST_DAG_ID:
        if isinstance(report, Result):
            self_tests.record(work.tx, report.attempt.run_id, report.encode(), work.now)
        return
    name = (report.attempt.run_id, report.attempt.task_id, report.attempt.map_index)
    task = tasks.pop(name, None) or task_instances.find(work.tx, report.attempt)
    if task is None:
        log.warning("report of an unknown task was ignored", extra=report.attempt.ids())
    elif task.state not in IN_FLIGHT or task.attempt != report.attempt:
        log.info("late or doubled report was ignored", extra=report.attempt.ids())
    elif isinstance(report, Heartbeat):
        _heartbeat(work, task, report)
    else:
        _result(work, task, report)


def _heartbeat(work: UnitOfWork, task: TaskInstance, beat: Heartbeat) -> None:
    """Record a heartbeat. An executor that reports about itself is alive now, whatever its clock
    says. The loser of a claim only knows when the winner claimed it."""
    started_at = min(from_epoch(beat.started_at), work.now)
    at = min(from_epoch(beat.at), work.now) if beat.claimed else work.now
    silence = timedelta(seconds=work.scheduler.settings.silence_seconds)
    last = min(max(at, task.heartbeat_at or at), work.now)
    if beat.claimed and last + silence <= work.now:
        end(work, task, End(Outcome.LOST, work.now, started_at, reason=_lost(last)))
    elif attempts.beat(work.tx, task, started_at, at, at + silence, work.now):
        work.begin_run(task.run_key, started_at)


def _lost(last: datetime) -> str:
    return f"the executor was last heard from at {last:%H:%M:%S} UTC and did not report a result"


def _result(work: UnitOfWork, task: TaskInstance, result: Result) -> None:
    started_at, ended_at = _clamped_times(result, work.now)
    ended = End(
        outcome=result.outcome,
        ended_at=ended_at,
        started_at=started_at,
        exit_code=result.exit_code,
        signal=result.signal,
        max_rss_bytes=result.max_rss,
        log_bytes=result.log_bytes,
        log=result.log,
        reason=result.reason,
        cause=result.cause[:MAX_CAUSE_LENGTH],
        billed_ms=result.billed_ms,
        memory_mb=result.memory_mb,
        vcpu=result.vcpu,
        is_transient=result.is_transient,
        is_permanent=result.is_permanent,
    )
    is_wanted = result.outcome == Outcome.SUCCESS and not task.is_removed
    if end(work, task, ended) and is_wanted:
        _keep(work, task, result)


def _keep(work: UnitOfWork, task: TaskInstance, result: Result) -> None:
    """Keep what a successful attempt hands on."""
    if result.outputs:
        outputs.save(work.tx, task.key, result.outputs)
    if result.artifacts:
        artifacts.save(work.tx, task, result.artifacts, work.now)
    if result.outputs or result.artifacts:
        work.forget_outputs(task.run_key, task.task_id)


def _clamped_times(result: Result, now: datetime) -> tuple[datetime | None, datetime]:
    """Return when the attempt started and ended, shifted so that it ended no later than now,
    because its executor's clock may be ahead."""
    started_at, ended_at = from_epoch(result.started_at), from_epoch(result.ended_at) or now
    ahead = max(ended_at - now, timedelta(0))
    return (started_at - ahead if started_at else None), ended_at - ahead


def end(work: UnitOfWork, task: TaskInstance, ended: End) -> bool:
    """Record how an attempt in flight ended and, if it is retried, when. Returns False if it
    already has a result."""
    if not forced_end.end_by_definition(work, task, ended, partial(_end, work, task, ended)):
        return False
    if ended.started_at is not None:
        work.begin_run(task.run_key, ended.started_at)
    work.forget_stop(task.attempt)
    _touch(work, task, ended)
    return True


def _end(work: UnitOfWork, task: TaskInstance, ended: End) -> bool:
    run = work.run_of(task)
    definition = work.task_definition(run, task)
    if definition is None or not _reschedule(work, definition, task, ended):
        target, due_at = _next_state(work, definition, task, ended)
        if not attempts.end_attempt(work.tx, task, target, ended, due_at):
            return False
        work.outbox.wake(due_at)
        if definition is not None:
            notifications.notify_task(work, definition, run, task, ended, target)
        log.info("attempt ended: %s", ended.outcome, extra={**task.attempt.ids(), "state": target})
    if definition is not None:
        task_instances.follow(work.tx, task, definition)
    return True


def _touch(work: UnitOfWork, task: TaskInstance, ended: End) -> None:
    if ended.outcome == Outcome.SUCCESS:
        work.mark_succeeded(task.attempt.run_id, task.task_id)
    else:
        work.mark_changed(task.attempt.run_id)
    work.dags_to_dispatch.add(task.attempt.dag_id)
    if task.pool is not None:
        work.pools_to_dispatch.add(task.pool)


def _reschedule(work: UnitOfWork, definition: Task, task: TaskInstance, ended: End) -> bool:
    """Reschedule the attempt if it continues later. Returns whether it does."""
    return _reschedule_poke(work, definition, task, ended) or _reschedule_start(
        work, definition, task, ended
    )


def _reschedule_poke(work: UnitOfWork, definition: Task, task: TaskInstance, ended: End) -> bool:
    """Reschedule a sensor whose condition is not met, in the same attempt, until its timeout."""
    sensor = definition.sensor
    has_no_answer = ended.exit_code is None and not ended.is_transient
    if sensor is None or ended.outcome != Outcome.FAILED or has_no_answer:
        return False
    if not _may_retry(work, definition, task):
        return False
    started_at = ended.started_at or task.queued_at or work.now
    timeout = timedelta(seconds=sensor.timeout)
    until = min(task.poke_until or started_at + timeout, ended.ended_at + timeout)
    due_at = ended.ended_at + timedelta(seconds=sensor.poke_interval)
    if due_at > until:
        return False
    work.outbox.wake(due_at)
    return attempts.reschedule(work.tx, task, ended, due_at, until)


def _reschedule_start(work: UnitOfWork, definition: Task, task: TaskInstance, ended: End) -> bool:
    """Reschedule a command that could not be started for now (a service was busy, a disk full), a
    few times, in the same attempt: no command ran that `retries` could count."""
    starts = task.attempt.poke
    if not ended.is_transient or definition.sensor is not None or starts >= len(START_RETRY_DELAYS):
        return False
    if not _may_retry(work, definition, task):
        return False
    due_at = ended.ended_at + START_RETRY_DELAYS[starts]
    work.outbox.wake(due_at)
    return attempts.reschedule(work.tx, task, ended, due_at, None)


def _next_state(
    work: UnitOfWork, definition: Task | None, task: TaskInstance, ended: End
) -> tuple[TaskState, datetime | None]:
    """Return the state that follows, and when the next attempt is due."""
    if ended.outcome in STATE_OF_OUTCOME:
        return STATE_OF_OUTCOME[ended.outcome], None
    if definition is None:
        return TaskState.FAILED, None
    sensor = definition.sensor
    if sensor is not None and ended.outcome == Outcome.FAILED and ended.exit_code is not None:
        return (TaskState.SKIPPED if sensor.soft_fail else TaskState.FAILED), None
    if not ended.is_permanent and _may_retry(work, definition, task):
        due_at = retry_at(definition, task.tries, ended.ended_at, ended.exit_code)
        if due_at is not None:
            return TaskState.UP_FOR_RETRY, due_at
    return TaskState.FAILED, None


def _may_retry(work: UnitOfWork, definition: Task, task: TaskInstance) -> bool:
    """Whether neither the run nor the task is being stopped, and the run has not switched to a
    version that maps the task differently."""
    if not is_compatible(definition, task.attempt.map_index, task.item):
        return False
    run = work.run(task.attempt.run_id)
    is_wanted = run is not None and run.is_active and run.stopping is None
    return is_wanted and not stop_requests.is_asked_for(work.tx, task.attempt)
