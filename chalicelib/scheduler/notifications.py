"""Notifications of users: `on_success`, `on_partial_success`, `on_failure` and `on_retry` of a DAG
and of its tasks.

A notification is a row, inserted in the transaction of the event, and a message to an executor,
because the functions with a database cannot reach the internet. A notification that is not
delivered or not confirmed is resent for about a day. Nothing here can delay or fail a run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
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
from chalicelib.notification_kinds import KINDS, KindName
from chalicelib.scheduler import notification_text
from chalicelib.scheduler.unit_of_work import IMMEDIATELY, UnitOfWork

Listeners = tuple[NotificationTarget, ...]

CONFIRM_WITHIN = timedelta(minutes=5)
"""How long an executor's confirmation may take: executors may be busy."""
LONGEST_RESEND = timedelta(hours=2)
MAX_SENDS = 20
"""With these delays about a day."""
MAX_DUE = 100


def notify_run(
    work: UnitOfWork, dag: Dag, run: Run, state: RunState, reason: str, failed_tasks: int = 0
) -> None:
    """Notify that the run has ended in `state`; `failed_tasks` of its tasks have failed."""
    details = {"state": state, "reason": reason}
    for event, listeners in _listeners_of_run(dag, state, failed_tasks):
        if not listeners and not _resolving(event, dag.on_failure):
            continue
        with work.isolate("the notifications of a run", **run.ids()):
            told = (*listeners, *(dag.on_partial_success if failed_tasks else ()))
            resolved = _incidents(work, event, dag.on_failure, told, run.dag_id, None, -1)
            if listeners or resolved:
                facts = notification_text.run_facts(work, dag, run, event, details)
                _notify(work, (*listeners, *resolved), event, dag, run, None, facts)


def _listeners_of_run(
    dag: Dag, state: RunState, failed_tasks: int
) -> Iterator[tuple[NotificationEvent, Listeners]]:
    if state is RunState.SUCCESS:
        if failed_tasks:
            yield NotificationEvent.PARTIAL_SUCCESS, dag.on_partial_success
        # What has just been opened for the failed task stays open.
        opened = dag.on_partial_success if failed_tasks else ()
        still = {(one.kind, one.target) for one in _resolving(NotificationEvent.SUCCESS, opened)}
        listeners = tuple(one for one in dag.on_success if (one.kind, one.target) not in still)
        yield NotificationEvent.SUCCESS, listeners
    elif state is RunState.FAILED:
        yield NotificationEvent.FAILURE, dag.on_failure


def notify_task(
    work: UnitOfWork, task: Task, run: Run, instance: TaskInstance, ended: End, target: TaskState
) -> None:
    """Notify that an attempt has ended, and that its task is now in `target`."""
    listeners, event = {
        TaskState.SUCCESS: (task.on_success, NotificationEvent.SUCCESS),
        TaskState.FAILED: (task.on_failure, NotificationEvent.FAILURE),
        TaskState.UP_FOR_RETRY: (task.on_retry, NotificationEvent.RETRY),
    }.get(target, ((), None))
    openers = (*task.on_failure, *task.on_retry)
    if not event or not (listeners or _resolving(event, openers)):
        return
    attempt = instance.attempt
    details = {
        "task_id": attempt.task_id,
        "state": target,
        "reason": ended.reason,
        "try_number": instance.try_number,
        "map_index": attempt.map_index,
        "exit_code": ended.exit_code,
    }
    with work.isolate("the notifications of a task", **attempt.ids()):
        key = run.dag_id, attempt.task_id, attempt.map_index
        resolved = _incidents(work, event, openers, listeners, *key)
        if listeners or resolved:
            dag = work.definition(run.version_id)
            facts = notification_text.task_facts(work, dag, run, event, details, ended.cause)
            _notify(work, (*listeners, *resolved), event, dag, run, attempt.task_id, facts)


def _resolving(event: NotificationEvent, openers: Listeners) -> Listeners:
    """Those of `openers` at which an earlier failure may be open, which this event resolves."""
    if event is not NotificationEvent.SUCCESS:
        return ()
    kinds = ((opener, KINDS.get(opener.kind)) for opener in openers)
    return tuple(opener for opener, kind in kinds if kind is not None and kind.resolves)


def _incidents(
    work: UnitOfWork,
    event: NotificationEvent,
    openers: Listeners,
    told: Listeners,
    dag_id: str,
    task_id: str | None,
    map_index: int,
) -> Listeners:
    """Those of `openers` where a failure is still open, besides those that are `told` anyway."""
    targets = {(listener.kind, listener.target) for listener in told}
    return tuple(
        {
            (opener.kind, opener.target): opener
            for opener in _resolving(event, openers)
            if (opener.kind, opener.target) not in targets
            and notifications.is_open(
                work.tx, dag_id, opener.kind, opener.target, task_id, map_index
            )
        }.values()
    )


def _notify(
    work: UnitOfWork,
    listeners: Listeners,
    event: NotificationEvent,
    dag: Dag,
    run: Run,
    task_id: str | None,
    facts: dict[str, Any],
) -> None:
    for listener in listeners:
        ids: dict[str, Any] = {**run.ids(), "task_id": task_id, "kind": listener.kind}
        about = About(run.dag_id, run.run_id, task_id, event)
        insert_failed = partial(insert, work, about, listener, facts)
        with work.isolate("a notification", fallback=insert_failed, patience=IMMEDIATELY, **ids):
            texts = notification_text.words(
                listener, facts, lambda: notification_text.run_names(dag, run)
            )
            send_new(work, about, listener, {**facts, **texts})


@dataclass(frozen=True, slots=True)
class About:
    """What a notification is about; `dag_id` and `run_id` are empty for the installation itself."""

    dag_id: str
    run_id: str
    task_id: str | None
    event: NotificationEvent


def send_new(
    work: UnitOfWork, about: About, listener: NotificationTarget, payload: dict[str, Any]
) -> None:
    """Insert a notification, and send it after the commit."""
    key = insert(work, about, listener, payload)
    send(work, key, about.dag_id, listener.kind, listener.target, payload)


def insert(
    work: UnitOfWork,
    about: About,
    listener: NotificationTarget,
    payload: dict[str, Any],
    failure: str | None = None,
) -> int:
    """Insert the notification; with `failure`, as one that failed for this reason."""
    key = notifications.insert(
        work.tx,
        dag_id=about.dag_id,
        run_id=about.run_id,
        task_id=about.task_id,
        event=about.event,
        kind=KindName(listener.kind),
        target=listener.target,
        payload=payload,
        due_at=work.now + CONFIRM_WITHIN,
        now=work.now,
    )
    if failure is not None:
        notifications.end(work.tx, key, False, failure)
    return key


def send(
    work: UnitOfWork, key: int, dag_id: str, kind: str, target: str, payload: dict[str, Any]
) -> None:
    """Send a notification after the commit."""
    env = {name.upper(): _text(value) for name, value in payload.items() if value is not None}
    what = f"{dag_id}.{payload['task_id']}" if payload.get("task_id") else dag_id
    subject = f"{what or 'orchestrator'}: {payload['event']}"
    work.outbox.notifications.append(
        (NotificationMessage(key, kind, target, subject, payload, env), dag_id)
    )


def _text(value: Any) -> str:
    """A fact as a command's variable, which cannot hold a NUL."""
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text.replace("\0", "")


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
    send(
        work,
        notification.id,
        notification.dag_id,
        notification.kind,
        notification.target,
        notification.payload,
    )
