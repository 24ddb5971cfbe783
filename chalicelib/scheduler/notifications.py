"""What people want to be told: `on_success`, `on_failure`, `on_retry` of a DAG and of its tasks.

A notification is a row, made in the transaction that it tells of, and a message to an executor,
because the functions with a database have no way out to the internet. What could not be delivered,
and what is not heard of, is sent again for a day. Nothing here can hold up or fail a run.
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
"""How long a report may take: the executors may have much to do."""
LONGEST_RESEND = timedelta(hours=2)
MAX_SENDS = 20
"""With these pauses about a day."""
MAX_DUE = 100


def notify_run(work: UnitOfWork, dag: Dag, run: Run, state: RunState, reason: str) -> None:
    """The run has ended."""
    with work.isolate("the notifications of a run", **run.ids()):
        if state is RunState.SUCCESS:
            _notify(
                work,
                dag.on_success,
                NotificationEvent.SUCCESS,
                run,
                None,
                {"state": state, "reason": reason},
            )
        elif state is RunState.FAILED:
            _notify(
                work,
                dag.on_failure,
                NotificationEvent.FAILURE,
                run,
                None,
                {"state": state, "reason": reason},
            )


def notify_task(
    work: UnitOfWork, task: Task, run: Run, instance: TaskInstance, ended: End, target: TaskState
) -> None:
    """An attempt has ended, and its task is in `target` now."""
    if target not in _EVENTS:
        return
    said = {
        "state": target,
        "reason": ended.reason,
        "try_number": instance.try_number,
        "map_index": instance.attempt.map_index,
        "exit_code": ended.exit_code,
    }
    with work.isolate("the notifications of a task", **instance.attempt.ids()):
        listeners = {
            TaskState.SUCCESS: task.on_success,
            TaskState.FAILED: task.on_failure,
            TaskState.UP_FOR_RETRY: task.on_retry,
        }
        _notify(work, listeners[target], _EVENTS[target], run, instance, said)


_EVENTS = {
    TaskState.SUCCESS: NotificationEvent.SUCCESS,
    TaskState.FAILED: NotificationEvent.FAILURE,
    TaskState.UP_FOR_RETRY: NotificationEvent.RETRY,
}


def _notify(
    work: UnitOfWork,
    listeners: Iterable[NotificationTarget],
    event: NotificationEvent,
    run: Run,
    instance: TaskInstance | None,
    said: dict[str, Any],
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
        **said,
    }
    for listener in listeners:
        refuse = partial(_insert, work, run, task_id, event, listener, payload)
        ids: dict[str, Any] = {**run.ids(), "task_id": task_id, "kind": listener.kind}
        with work.isolate("a notification", fallback=refuse, patience=IMMEDIATELY, **ids):
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
    """Keep the notification; with `failure` as one that failed for this reason."""
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
    work.outbox.notices.append(
        (NotificationMessage(key, kind, target, subject, payload, env), dag_id)
    )


def apply_result(work: UnitOfWork, report: NotificationResult) -> None:
    """An executor has delivered it, or could not; then it is sent again where that may help."""
    if report.is_delivered or not report.is_transient:
        notifications.end(work.tx, report.id, report.is_delivered, report.reason)
        return
    notification = notifications.pending(work.tx, report.id)
    if notification is None:
        return
    if notification.sends >= MAX_SENDS:
        reason = f"{report.reason}; given up after it was sent {notification.sends} times"
        notifications.end(work.tx, report.id, False, reason)
    else:
        due_at = work.now + resend_delay(notification.sends)
        notifications.wait(work.tx, report.id, due_at, report.reason)


def resend_delay(sends: int) -> timedelta:
    """Between a send that came to nothing and the next; `sends` counts from 1."""
    return min(timedelta(minutes=2.0 ** (sends - 1)), LONGEST_RESEND)


def resend(work: UnitOfWork) -> int:
    """Send again what could not be delivered and what nobody has confirmed; give up after about a
    day."""
    due = notifications.due(work.tx, work.now, MAX_DUE)
    for found in due:
        fallback = partial(notifications.end, work.tx, found.id, False)
        ids: dict[str, Any] = {"dag_id": found.dag_id, "notification_id": found.id}
        with work.isolate("a notification to be sent again", fallback=fallback, **ids):
            _resend(work, found)
    return len(due)


def _resend(work: UnitOfWork, found: notifications.Notification) -> None:
    if found.sends >= MAX_SENDS:
        reason = f"not confirmed after it was sent {found.sends} times"
        notifications.end(work.tx, found.id, False, reason)
        return
    due_at = work.now + max(CONFIRM_WITHIN, resend_delay(found.sends + 1))
    notifications.postpone(work.tx, found.id, due_at)
    _send(work, found.id, found.dag_id, found.kind, found.target, found.payload)
