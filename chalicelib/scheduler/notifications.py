"""Notifications of users: `on_success`, `on_failure` and `on_retry` of a DAG and of its tasks.

A notification is a row, inserted in the transaction of the event, and a message to an executor,
because the functions with a database cannot reach the internet. A notification that is not
delivered or not confirmed is resent for about a day. Nothing here can delay or fail a run.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from typing import Any

from chalicelib.dag.model import Dag, NotificationTarget, Task
from chalicelib.dag.states import RunState, TaskState
from chalicelib.database.queries import notifications
from chalicelib.database.queries.runs import Run
from chalicelib.database.queries.task_instances import End, TaskInstance
from chalicelib.enums import NotificationEvent
from chalicelib.messages import NotificationMessage, NotificationResult
from chalicelib.notification_kinds import KindName
from chalicelib.scheduler.unit_of_work import IMMEDIATELY, UnitOfWork
from chalicelib.utils.time import iso

CONFIRM_WITHIN = timedelta(minutes=5)
"""How long an executor's confirmation may take: executors may be busy."""
LONGEST_RESEND = timedelta(hours=2)
MAX_SENDS = 20
"""With these delays about a day."""
MAX_DUE = 100


def notify_run(work: UnitOfWork, dag: Dag, run: Run, state: RunState, reason: str) -> None:
    """Notify that the run has ended in `state`."""
    listeners, event = {
        RunState.SUCCESS: (dag.on_success, NotificationEvent.SUCCESS),
        RunState.FAILED: (dag.on_failure, NotificationEvent.FAILURE),
    }.get(state, ((), None))
    if listeners and event:
        with work.isolate("the notifications of a run", **run.ids()):
            _notify(work, listeners, event, run, None, {"state": state, "reason": reason})


def notify_task(
    work: UnitOfWork, task: Task, run: Run, instance: TaskInstance, ended: End, target: TaskState
) -> None:
    """Notify that an attempt has ended, and that its task is now in `target`."""
    listeners, event = {
        TaskState.SUCCESS: (task.on_success, NotificationEvent.SUCCESS),
        TaskState.FAILED: (task.on_failure, NotificationEvent.FAILURE),
        TaskState.UP_FOR_RETRY: (task.on_retry, NotificationEvent.RETRY),
    }.get(target, ((), None))
    if not listeners or not event:
        return
    details = {
        "state": target,
        "reason": ended.reason,
        "try_number": instance.try_number,
        "map_index": instance.attempt.map_index,
        "exit_code": ended.exit_code,
    }
    with work.isolate("the notifications of a task", **instance.attempt.ids()):
        _notify(work, listeners, event, run, instance, details)


def _notify(
    work: UnitOfWork,
    listeners: Iterable[NotificationTarget],
    event: NotificationEvent,
    run: Run,
    instance: TaskInstance | None,
    details: dict[str, Any],
) -> None:
    task_id = instance.task_id if instance else None
    payload = {
        "event": event,
        "dag_id": run.dag_id,
        "run_id": run.run_id,
        "task_id": task_id,
        "run_type": run.run_type,
        "logical_date": iso(run.logical_date),
        "at": iso(work.now),
        **details,
    }
    for listener in listeners:
        insert_failed = partial(_insert, work, run, task_id, event, listener, payload)
        ids: dict[str, Any] = {**run.ids(), "task_id": task_id, "kind": listener.kind}
        with work.isolate("a notification", fallback=insert_failed, patience=IMMEDIATELY, **ids):
            key = _insert(work, run, task_id, event, listener, payload)
            _send(work, key, run.dag_id, listener.kind, listener.target, payload)


def _insert(
    work: UnitOfWork,
    run: Run,
    task_id: str | None,
    event: NotificationEvent,
    listener: NotificationTarget,
    payload: dict[str, Any],
    failure: str | None = None,
) -> int:
    """Insert the notification; with `failure`, as one that failed for this reason."""
    key = notifications.insert(
        work.tx,
        dag_id=run.dag_id,
        run_id=run.run_id,
        task_id=task_id,
        event=event,
        kind=KindName(listener.kind),
        target=listener.target,
        payload=payload,
        due_at=work.now + CONFIRM_WITHIN,
        now=work.now,
    )
    if failure is not None:
        notifications.end(work.tx, key, False, failure)
    return key


def _send(
    work: UnitOfWork, key: int, dag_id: str, kind: str, target: str, payload: dict[str, Any]
) -> None:
    what = f"{payload['dag_id']}.{payload['task_id']}" if payload.get("task_id") else dag_id
    env = {name.upper(): str(value) for name, value in payload.items() if value is not None}
    subject = f"{what}: {payload['event']}"
    work.outbox.notifications.append(
        (NotificationMessage(key, kind, target, subject, payload, env), dag_id)
    )


def apply_result(work: UnitOfWork, report: NotificationResult) -> None:
    """Record that an executor delivered a notification or could not. Resend it later if the failure
    is transient."""
    if report.is_delivered or not report.is_transient:
        notifications.end(work.tx, report.id, report.is_delivered, report.reason)
        return
    notification = notifications.pending(work.tx, report.id)
    if notification is None:
        return
    if notification.sends >= MAX_SENDS:
        reason = f"{report.reason}; gave up after {notification.sends} attempts"
        notifications.end(work.tx, report.id, False, reason)
    else:
        due_at = work.now + resend_delay(notification.sends)
        notifications.wait(work.tx, report.id, due_at, report.reason)


def resend_delay(sends: int) -> timedelta:
    """Return the delay after a failed send, before the next; `sends` counts from 1."""
    return min(timedelta(minutes=2.0 ** (sends - 1)), LONGEST_RESEND)


def resend(work: UnitOfWork) -> int:
    """Resend notifications that were not delivered or not confirmed. Give up after about a day."""
    due = notifications.due(work.tx, work.now, MAX_DUE)
    for notification in due:
        fallback = partial(notifications.end, work.tx, notification.id, False)
        ids: dict[str, Any] = {"dag_id": notification.dag_id, "notification_id": notification.id}
        with work.isolate("a notification to be sent again", fallback=fallback, **ids):
            _resend(work, notification)
    return len(due)


def _resend(work: UnitOfWork, notification: notifications.Notification) -> None:
    if notification.sends >= MAX_SENDS:
        reason = f"not confirmed after {notification.sends} attempts"
        notifications.end(work.tx, notification.id, False, reason)
        return
    due_at = work.now + max(CONFIRM_WITHIN, resend_delay(notification.sends + 1))
    notifications.postpone(work.tx, notification.id, due_at)
    _send(
        work,
        notification.id,
        notification.dag_id,
        notification.kind,
        notification.target,
        notification.payload,
    )
