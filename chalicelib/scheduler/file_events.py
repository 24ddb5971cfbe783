"""Registers what S3 reports about, once it has settled.

A sync of a folder reports each file, and each report may come to a process of its own. Where files
beside a DAG file are still arriving, only the report of the last one leads to a registration, and
of several at once only one: otherwise a thousand files would make hundreds of versions. A report
that is lost, or whose process dies, is made up for by the tick.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import unquote_plus

from chalicelib.dag_files import is_registered
from chalicelib.database.queries import files, housekeeping
from chalicelib.scheduler import registration
from chalicelib.scheduler.context import SchedulerContext
from chalicelib.scheduler.dag_reading import read_dag_file
from chalicelib.utils.lambda_env import is_lambda

SETTLING_SECONDS = 1.5
"""Two files of one upload are closer together than this."""
LEASE = timedelta(seconds=60)
"""For which one process reads the files beside a DAG file, and the others need not; the function's
own timeout."""


def keys_of(event: Mapping[str, Any]) -> list[str]:
    """The keys of an S3 event, which encodes them as in HTML forms."""
    return [unquote_plus(record["s3"]["object"]["key"]) for record in event["Records"]]


def register(scheduler: SchedulerContext, keys: Iterable[str]) -> int:
    """Register what these objects are about. On Lambda, where each report comes alone, wait until
    the files beside a DAG file have settled. Returns how many DAG files had changed."""
    wait = time.sleep if is_lambda(os.environ) else None
    return register_settled(scheduler, list(keys), wait)


def register_settled(
    scheduler: SchedulerContext, keys: list[str], wait: Callable[[float], None] | None
) -> int:
    """Register what has settled. Without `wait`, take all events as settled."""
    is_alone = len(keys) == 1 and not is_registered(keys[0])
    if wait is None or not is_alone:
        return registration.register(scheduler, keys)
    with scheduler.database.read() as tx:
        wanting = files.wanted_by(tx, keys[0])
    before = {key: _fingerprint(scheduler, key) for key in wanting}
    if not before:
        return 0
    wait(SETTLING_SECONDS)
    settled = [key for key in wanting if _fingerprint(scheduler, key) == before[key]]
    return _register_alone(scheduler, settled, keys[0])


def _fingerprint(scheduler: SchedulerContext, key: str) -> str:
    return read_dag_file(scheduler, key).match.fingerprint


def _register_alone(scheduler: SchedulerContext, dag_files: list[str], about: str) -> int:
    """Register those DAG files that no other process registers at the moment. Where one does, it
    looks at the files once more after it has given its lease back."""
    count = 0
    for key in dag_files:
        if _take_lease(scheduler, key):
            try:
                count += registration.register_files(scheduler, [key], frozenset({about}))
            finally:
                _give_back(scheduler, key)
            count += registration.register_files(scheduler, [key])
    return count


def _take_lease(scheduler: SchedulerContext, key: str) -> bool:
    name, now = _lease(key), scheduler.now()
    with scheduler.database.write() as tx:
        taken_at = housekeeping.stored_time(tx, name)
        if taken_at is not None and taken_at <= now < taken_at + LEASE:
            return False
        housekeeping.set_time(tx, name, now)
    return True


def _give_back(scheduler: SchedulerContext, key: str) -> None:
    with scheduler.database.write() as tx:
        housekeeping.delete_metadata(tx, _lease(key))


def _lease(key: str) -> str:
    return f"files_read:{key}"
