"""Corrects times that lie farther ahead than anything decided now could, because a clock was set
back.

That a clock was set back cannot be observed, only that a time is impossible: an attempt ends in the
future, a message is to be resent in three hours and not in 15 minutes. Such times are set to what
they would be if they were decided now, so that nothing waits for the clock to catch up.
"""

from __future__ import annotations

from datetime import timedelta

from chalicelib.dag.schedule.fire_times import next_fire_time
from chalicelib.database.queries import clock_repair as queries
from chalicelib.database.queries import dags, skipped
from chalicelib.database.queries.dags import RegisteredDag
from chalicelib.scheduler import notifications
from chalicelib.scheduler.dispatch import LONGEST_RESEND
from chalicelib.scheduler.unit_of_work import LEAD_TIME, UnitOfWork

TOLERANCE = timedelta(minutes=1)
"""How much the clocks of two hosts may differ."""
MAX_DAGS = 500
_SKIPPED_KEPT = timedelta(days=1)
_MAX_FORGOTTEN = 1000


def correct_future_times(work: UnitOfWork) -> int:
    """Correct all such times. Returns how many. Called once per round, which bounds the wait."""
    now, tx = work.now, work.tx
    soon, latest = now + LEAD_TIME, now + TOLERANCE
    silence = timedelta(seconds=work.scheduler.settings.silence_seconds)
    skipped.forget_old(tx, now - _SKIPPED_KEPT, now + _SKIPPED_KEPT, _MAX_FORGOTTEN)
    return (
        queries.pull_queued(tx, soon, soon + LONGEST_RESEND)
        + queries.pull_running(tx, now + silence)
        + queries.shift_retries(tx, now, latest)
        + queries.shift_timeouts(tx, now, latest)
        + queries.pull_notifications(tx, now, now + notifications.LONGEST_RESEND)
        + _correct_fire_times(work)
    )


def _correct_fire_times(work: UnitOfWork) -> int:
    dags_to_correct = queries.dags_set_after(work.tx, work.now, work.now + TOLERANCE, MAX_DAGS)
    for dag in dags_to_correct:
        with work.isolate("a fire time from before the clock was set back", dag_id=dag.dag_id):
            _recompute_fire_time(work, dag)
    return len(dags_to_correct)


def _recompute_fire_time(work: UnitOfWork, dag: RegisteredDag) -> None:
    """Set the next fire time. Fire times that already have a run create no other."""
    fire_time = next_fire_time(work.definition(dag.version_id), work.now)
    dags.set_next_fire(work.tx, dag.dag_id, fire_time, work.now)
    work.outbox.wake(fire_time)
