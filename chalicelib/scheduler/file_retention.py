"""Removes contents of files that no version refers to, and finds what a crash or a restored
database left behind.

A content is marked in one transaction, deleted from the bucket, and forgotten in another. A version
cannot begin to refer to one that is marked, so nothing that is referred to is ever deleted. The
bucket is listed once a day: what no commit knows about is remembered, and removed a day later;
what is known and not there makes the DAG files that need it be read again. The bucket itself
removes objects some time after the retention of runs, at the earliest after a month; so what is
still referred to is stored again in time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chalicelib.dag_files import PREFIX, content_key
from chalicelib.database.queries import files, housekeeping
from chalicelib.scheduler.context import SchedulerContext

UNUSED_FOR = timedelta(days=1)
"""The least age of a content that is removed: longer than any registration takes."""
LISTED_EVERY = timedelta(days=1)
RENEWED_AFTER = timedelta(days=15)
"""Less than half of the time after which the bucket removes an object by itself."""
MAX_RENEWED = 50
"""In one round. Rounds come every few minutes."""
MAX_CONTENTS = 1000
"""That one tick removes; the next one continues."""
LISTING_SIZE = 1000
MAX_LISTINGS = 20
"""Of one tick; the next one continues."""
_LISTED_AT = "files_listed"
_LISTED_UNTIL = "files_listed_until"
_LAST_KEY = f"{PREFIX}~"
"""After all SHA-256."""


@dataclass
class _Listing:
    """A stretch of the bucket; `end` is where the next tick continues, or empty."""

    start: str
    end: str = ""
    contents: list[str] = field(default_factory=list)


def remove_unused(scheduler: SchedulerContext) -> int:
    """Remove contents that no version refers to. Returns how many."""
    now = scheduler.now()
    with scheduler.database.read() as tx:
        if not files.has_contents(tx):
            return 0
    with scheduler.database.write() as tx:
        unused = files.mark_unused(tx, now - UNUSED_FOR, MAX_CONTENTS)
    if not unused:
        return 0
    scheduler.runs.delete([content_key(sha256) for sha256 in unused])
    with scheduler.database.write() as tx:
        files.forget_contents(tx, unused)
    return len(unused)


def renew(scheduler: SchedulerContext) -> int:
    """Store contents again before the bucket removes them for their age. Returns how many."""
    now = scheduler.now()
    with scheduler.database.read() as tx:
        old = files.old(tx, now - RENEWED_AFTER, MAX_RENEWED)
    renewed = [sha256 for sha256 in old if _renew(scheduler, content_key(sha256))]
    if renewed:
        with scheduler.database.write() as tx:
            files.set_stored(tx, renewed, now)
    return len(renewed)


def _renew(scheduler: SchedulerContext, key: str) -> bool:
    stored = scheduler.runs.get(key)
    if stored is None:  # `compare_bucket` sees to it
        return False
    scheduler.runs.put(key, stored.body)
    return True


def compare_bucket(scheduler: SchedulerContext) -> int:
    """Once a day, compare the bucket with the database. Returns how many differences there were."""
    now = scheduler.now()
    with scheduler.database.read() as tx:
        start = housekeeping.stored_text(tx, _LISTED_UNTIL)
        listed_at = housekeeping.stored_time(tx, _LISTED_AT)
    is_due = listed_at is None or not listed_at <= now < listed_at + LISTED_EVERY
    if not start and not is_due:
        return 0
    return _compare(scheduler, _list(scheduler, start), now)


def _list(scheduler: SchedulerContext, start: str) -> _Listing:
    listing = _Listing(start)
    last = start
    for _ in range(MAX_LISTINGS):
        page = scheduler.runs.list(PREFIX, start_after=last, limit=LISTING_SIZE)
        listing.contents += [info.key.removeprefix(PREFIX) for info in page]
        if len(page) < LISTING_SIZE:
            return listing
        last = page[-1].key
    listing.end = last
    return listing


def _compare(scheduler: SchedulerContext, listing: _Listing, now: datetime) -> int:
    after = listing.start.removeprefix(PREFIX)
    until = (listing.end or _LAST_KEY).removeprefix(PREFIX)
    present = set(listing.contents)
    with scheduler.database.write() as tx:
        unknown = present - files.stored(tx, present).keys()
        files.adopt(tx, sorted(unknown), now)
        # What was stored lately may not have been there yet when the bucket was listed.
        lost = sorted(set(files.between(tx, after, until, now - UNUSED_FOR)) - present)
        files.renew(tx, lost)
        files.forget_contents(tx, lost)
        housekeeping.set_text(tx, _LISTED_UNTIL, listing.end)
        if not listing.end:
            housekeeping.set_time(tx, _LISTED_AT, now)
    return len(unknown) + len(lost)
