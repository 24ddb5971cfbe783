"""Send a notification again."""

from __future__ import annotations

from chalicelib.database.queries import notifications
from chalicelib.errors import NotFound
from chalicelib.scheduler.commands.audit import audit
from chalicelib.scheduler.context import SchedulerContext
from chalicelib.scheduler.notifications import CONFIRM_WITHIN, send
from chalicelib.scheduler.transaction import unit_of_work


def resend(scheduler: SchedulerContext, notification_id: int, *, who: str) -> None:
    """Send a notification once more, now, to the target that it had, whatever became of it before;
    if it does not arrive, it is tried again for a day. Raises NotFound."""
    with unit_of_work(scheduler) as work:
        notification = notifications.find(work.tx, notification_id)
        if notification is None:
            raise NotFound(
                f"there is no notification {notification_id}; GET /api/notifications lists those"
                " that are kept"
            )
        notifications.reopen(work.tx, notification_id, work.now + CONFIRM_WITHIN)
        send(
            work,
            notification.id,
            notification.dag_id,
            notification.kind,
            notification.target,
            notification.payload,
        )
        audit(work, who, "resend notification", str(notification_id))
