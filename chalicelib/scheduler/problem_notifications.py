"""Notifications about the installation itself: a broken file, a failing tick, a message set aside.

They go to `on_problem` of the shared defaults: those of the file's folder, or of the top folder.
One is sent for each change, not for each time that a problem is seen again, and at most
MAX_PER_HOUR.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from chalicelib.database.queries import notifications as queries
from chalicelib.enums import NotificationEvent
from chalicelib.scheduler import notification_text, shared_defaults
from chalicelib.scheduler.notifications import About, send_new
from chalicelib.scheduler.unit_of_work import IMMEDIATELY, UnitOfWork
from chalicelib.utils.time import iso

log = logging.getLogger("orchestrator.scheduler")

MAX_PER_HOUR = 20
_LAST_OF_THE_HOUR = "\n(No more of these are sent within this hour: the page has the others.)"
_TOP = "_"
"""Stands for any file of the top folder."""


def file_broken(work: UnitOfWork, key: str, problem: str) -> None:
    """Notify that a file cannot be registered."""
    headline = f"{key} cannot be registered"
    _notify(work, key, NotificationEvent.BROKEN_FILE, f"file {key}", headline, problem, "#/errors")


def file_mended(work: UnitOfWork, key: str) -> None:
    """Notify that a broken file is registered, or gone."""
    headline = f"{key} is no longer broken"
    _notify(work, key, NotificationEvent.RESOLVED, f"file {key}", headline, "", "#/errors")


def tick_ended(work: UnitOfWork, before: Sequence[str], now: Sequence[str]) -> None:
    """Notify of errors of a tick that the one before had not, and that there are none any more."""
    known = {_without_numbers(error) for error in before}
    new = [error for error in now if _without_numbers(error) not in known]
    if new:
        event, headline = NotificationEvent.FAILING_TICK, "The scheduler's tick has errors"
        _notify(work, _TOP, event, "tick", headline, "\n".join(new[:5]), "#/ticks")
    elif before and not now:
        headline = "The scheduler's tick works again"
        _notify(work, _TOP, NotificationEvent.RESOLVED, "tick", headline, "", "#/ticks")


def messages_set_aside(work: UnitOfWork, reasons: Sequence[str]) -> None:
    """Notify of messages that could not be applied."""
    if reasons:
        count = "A message was" if len(reasons) == 1 else f"{len(reasons)} messages were"
        event, headline = NotificationEvent.DEAD_LETTER, f"{count} set aside"
        _notify(work, _TOP, event, "dead letter", headline, "\n".join(reasons[:5]), "")


def _without_numbers(error: str) -> str:
    return re.sub(r"\d+", "#", error)


def _notify(
    work: UnitOfWork,
    key: str,
    event: NotificationEvent,
    problem: str,
    headline: str,
    cause: str,
    view: str,
) -> None:
    with work.isolate("a notification of a problem", patience=IMMEDIATELY, problem=problem):
        listeners = shared_defaults.in_force(work.tx, key)[0].on_problem
        settings = work.scheduler.settings
        facts: dict[str, Any] = {
            "event": event,
            "installation": settings.dags_bucket,
            "problem": problem,
            "at": iso(work.now),
            "headline": headline,
            "reason": cause,
            "cause": cause,
            "url": f"{settings.page_url}{view}" if settings.page_url else "",
        }
        for listener in listeners:
            sent = queries.sent_about_installation(work.tx, work.now - timedelta(hours=1))
            if sent >= MAX_PER_HOUR:
                log.warning("no notification was sent: there were %d within an hour", sent)
                return
            words = notification_text.words(listener, facts, dict)
            if sent == MAX_PER_HOUR - 1:
                words["text"] += _LAST_OF_THE_HOUR
            send_new(work, About("", "", None, event), listener, {**facts, **words})
