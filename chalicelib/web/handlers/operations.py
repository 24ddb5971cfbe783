"""Operations: health, ticks, import errors, warnings, audit, notifications, session."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from chalicelib import bootstrap
from chalicelib.database.reads import journal, operations
from chalicelib.database.reads.operation_values import Notification
from chalicelib.enums import AuthMode, HealthStatus, Role
from chalicelib.errors import Unavailable
from chalicelib.ports import Queue, QueueDepth
from chalicelib.scheduler.commands import notifications as notification_commands
from chalicelib.scheduler.context import SchedulerContext
from chalicelib.web import openapi
from chalicelib.web.handlers.list_pages import list_response
from chalicelib.web.handlers.not_found import require
from chalicelib.web.handlers.read_transaction import read_transaction
from chalicelib.web.list_responses import (
    AuditList,
    DagWarningsList,
    ImportErrorList,
    NotificationList,
    TickList,
)
from chalicelib.web.param_types import Cursor
from chalicelib.web.request_parsing import Call
from chalicelib.web.response_models import DatabaseHealth, Health, LastTick, Queues, Session

TICK_OVERDUE_SECONDS = 180.0


def list_import_errors(call: Call) -> ImportErrorList:
    with read_transaction() as tx:
        page = operations.import_errors(tx, limit=call.query["limit"], after=call.query["cursor"])
    return list_response(ImportErrorList, page, Cursor("import_errors", is_text=True))


def list_dag_warnings(call: Call) -> DagWarningsList:
    with read_transaction() as tx:
        page = operations.dag_warnings(tx, limit=call.query["limit"], after=call.query["cursor"])
    return list_response(DagWarningsList, page, Cursor("dag_warnings", is_text=True))


def list_ticks(call: Call) -> TickList:
    with read_transaction() as tx:
        page = operations.ticks(tx, limit=call.query["limit"], before=call.query["cursor"])
    return list_response(TickList, page, Cursor("ticks"))


def list_audit(call: Call) -> AuditList:
    query = call.query
    with read_transaction() as tx:
        page = journal.audit(
            tx,
            limit=query["limit"],
            before=query["cursor"],
            who=query["who"],
            action=query["action"],
            target=query["target"],
        )
    return list_response(AuditList, page, Cursor("audit"))


def list_notifications(call: Call) -> NotificationList:
    query = call.query
    with read_transaction() as tx:
        page = journal.notifications(
            tx,
            limit=query["limit"],
            before=query["cursor"],
            run_id=query["run_id"],
            state=query["state"],
        )
    return list_response(NotificationList, page, Cursor("notifications"))


def resend_notification(call: Call) -> Notification:
    key = call.path["notification_id"]
    number = int(key) if key.isascii() and key.isdecimal() and len(key) < 19 else 0
    notification_commands.resend(bootstrap.scheduler(), number, who=call.who)
    with read_transaction() as tx:
        notification = journal.notification(tx, number)
    return require(notification, "notification", key, "/api/notifications")


def get_health(call: Call) -> Health | dict[str, str]:
    health = _health()
    return health if call.who else {"status": health.status}


def _health() -> Health:
    scheduler = bootstrap.scheduler()
    with read_transaction() as tx:
        signs = operations.vital_signs(tx)
    tick = _last_tick(signs.last_tick_at, scheduler.now())
    # At once: each may take as long as API Gateway waits for all of this.
    with ThreadPoolExecutor() as pool:
        asked = (scheduler.results, scheduler.dead_letters, *_task_queues(scheduler))
        results, dead_letters, *tasks = pool.map(_depth, asked)
    depths = (_sum(tasks), results, dead_letters)
    is_ok = tick is not None and tick.age_seconds <= TICK_OVERDUE_SECONDS
    return Health(
        status=HealthStatus.OK if is_ok and None not in depths else HealthStatus.DEGRADED,
        database=DatabaseHealth(reachable=True, commit_seq=signs.commit_seq),
        last_tick=tick,
        queues=Queues(*depths),
        set_aside=signs.dead_letters,
        import_errors=signs.import_errors,
    )


def _task_queues(scheduler: SchedulerContext) -> list[Queue]:
    """The queues of all places; several places may share one."""
    return list({id(queue): queue for queue in scheduler.task_queues.values()}.values())


def get_session(call: Call) -> Session:
    ports = bootstrap.ports()
    return Session(
        name=call.who,
        role=Role(call.role),
        auth=AuthMode(ports.settings.auth),
        dags=call.dags,
        expires_at=call.token_expires_at,
        dags_bucket=ports.settings.dags_bucket,
        dags_folder=None if ports.dags_folder is None else str(ports.dags_folder),
        s3_endpoint=ports.s3_endpoint,
        can_edit=call.role == Role.OPERATOR
        and ports.editable_dags is not None
        and call.dags is None,
    )


def get_openapi(call: Call) -> dict[str, Any]:
    return openapi.document(call.base, bootstrap.ports().settings.auth)


def _last_tick(started_at: datetime | None, now: datetime) -> LastTick | None:
    if started_at is None:
        return None
    # A tick in the future was recorded before the clock was set back, so its age is unknown.
    return LastTick(started_at, abs((now - started_at).total_seconds()))


def _sum(depths: list[QueueDepth | None]) -> QueueDepth | None:
    """The depth of all queues together; None where one of them does not answer."""
    known = [depth for depth in depths if depth is not None]
    if len(known) < len(depths):
        return None
    return QueueDepth(
        visible=sum(depth.visible for depth in known),
        delayed=sum(depth.delayed for depth in known),
        in_flight=sum(depth.in_flight for depth in known),
    )


def _depth(queue: Queue) -> QueueDepth | None:
    try:
        return queue.depth()
    except Unavailable:
        return None
