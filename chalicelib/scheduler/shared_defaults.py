"""Registers `_defaults.yaml`: what the DAGs of a folder share, and the pools that files define.

Only what is valid counts: of a broken file, its last valid content stays in force. When it changes,
every file in its folder and below is read again, and a DAG that takes something else now gets a new
version. That they are to be read again is committed with the change itself, so that a tick finds
those which a process that died has left.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache

from chalicelib.dag.excerpts import excerpt
from chalicelib.dag.language.shared_file import NOTHING, Shared, merged, parse_shared
from chalicelib.dag.language.yaml_nodes import MAX_BYTES
from chalicelib.dag.model import SharedPool
from chalicelib.dag.problems import DagFileError, Problem
from chalicelib.dag_files import DEFAULTS_NAME
from chalicelib.database import Transaction
from chalicelib.database.queries import dags
from chalicelib.database.queries import shared_defaults as queries
from chalicelib.database.queries.dags import DagFile
from chalicelib.enums import WarningCode
from chalicelib.errors import UnreadableObject
from chalicelib.ports import StoredObject
from chalicelib.scheduler.context import SchedulerContext
from chalicelib.scheduler.transaction import unit_of_work
from chalicelib.scheduler.unit_of_work import UnitOfWork

log = logging.getLogger("orchestrator.scheduler")

MAX_READ_AGAIN = 1000
"""Files that one change has read again at once; the tick reads the others."""


@dataclass(frozen=True, slots=True)
class SharedReading:
    """One `_defaults.yaml` as it was read: missing, valid or invalid."""

    key: str
    stored: StoredObject | None
    shared: Shared | None = None
    problems: tuple[Problem, ...] = ()

    def is_known_as(self, known: DagFile | None) -> bool:
        """Whether nothing of it has changed since it was registered."""
        if self.stored is None or known is None:
            return self.stored is None and known is None
        return self.stored.etag == known.etag


@lru_cache(maxsize=64)
def _parsed(source: str) -> Shared:
    try:
        return parse_shared(source.encode())
    except DagFileError:
        return NOTHING  # an earlier version of the program found it valid


def in_force(tx: Transaction, key: str) -> tuple[Shared, str]:
    """Return what a DAG file with this key shares with others, and a text that stands for it."""
    return merge_sources(queries.above(tx, key))


def merge_sources(sources: Mapping[str, str]) -> tuple[Shared, str]:
    """Merge sources, the outermost first."""
    if not sources:
        return NOTHING, ""
    digest = hashlib.sha256(json.dumps(list(sources.items())).encode()).hexdigest()
    return merged([_parsed(source) for source in sources.values()]), digest


def read_shared(scheduler: SchedulerContext, key: str) -> SharedReading:
    """Read the object. Raises OrchestratorError."""
    try:
        stored = scheduler.dags.get(key, limit=MAX_BYTES + 1)
    except UnreadableObject as error:
        unread = StoredObject(key, error.etag, b"")
        return SharedReading(key, unread, problems=(Problem(1, 1, "", error.message),))
    if stored is None:
        return SharedReading(key, None)
    if key.rpartition("/")[2] != DEFAULTS_NAME:
        problem = Problem(1, 1, "", f"shared defaults are read from {DEFAULTS_NAME}: rename it")
        return SharedReading(key, stored, problems=(problem,))
    try:
        return SharedReading(key, stored, parse_shared(stored.body, file_name=key))
    except DagFileError as error:
        return SharedReading(key, stored, problems=error.problems)


def commit(work: UnitOfWork, reading: SharedReading, known: DagFile | None) -> list[str] | None:
    """Register a changed file. Returns None if it changes nothing, else the keys of the files to
    read again."""
    if reading.stored is None:
        return _remove(work, reading.key) if known else None
    dags.save_file(work.tx, reading.key, reading.stored.etag, None, work.now)
    if reading.shared is None:
        lines = excerpt(reading.stored.body, reading.problems)
        rows = [asdict(problem) for problem in reading.problems], [asdict(line) for line in lines]
        dags.set_import_error(work.tx, reading.key, *rows, None, work.now)
        log.warning("%s was rejected: %s", reading.key, reading.problems[0].message)
        return []
    dags.clear_import_error(work.tx, reading.key)
    text = reading.stored.body.decode("utf-8-sig")
    if queries.source(work.tx, reading.key) == text:
        return []
    queries.save(work.tx, reading.key, text, work.now)
    log.info("shared defaults registered from %s", reading.key)
    return _changed(work, reading.key)


def _remove(work: UnitOfWork, key: str) -> list[str]:
    dags.forget_file(work.tx, key)
    log.info("%s was removed", key)
    return _changed(work, key) if queries.forget(work.tx, key) else []


def _changed(work: UnitOfWork, key: str) -> list[str]:
    """Apply the pools of all files, and have every file below the folder read again."""
    pools: dict[str, tuple[str, SharedPool]] = {}
    for file_key, source in queries.sources(work.tx).items():
        for name, pool in _parsed(source).pools.items():
            pools.setdefault(name, (file_key, pool))  # the outermost folder's counts
    for name in queries.save_pools(work.tx, pools, work.now):
        work.pools_to_dispatch.add(name)
    forget_warnings(work.tx, pools)
    return queries.forget_etags_below(work.tx, key, MAX_READ_AGAIN)


def unknown_pool(name: str) -> str:
    """Return the warning about a pool that does not exist."""
    return (
        f"there is no pool {name!r}, so its tasks wait: define it under pools in {DEFAULTS_NAME},"
        f" or by `orchestrator pools set {name} SLOTS`"
    )


def forget_warnings(tx: Transaction, names: Mapping[str, object]) -> None:
    """Remove warnings about pools that exist now."""
    if not names:
        return
    over = {unknown_pool(name) for name in names}
    for dag_id, text in queries.dags_with_warning(tx, WarningCode.UNKNOWN_POOL).items():
        warnings = json.loads(text)
        left = [warning for warning in warnings if warning["message"] not in over]
        if len(left) < len(warnings):
            queries.set_warnings(tx, dag_id, json.dumps(left))


def seed(scheduler: SchedulerContext, sources: Mapping[str, str]) -> None:
    """Put these in force without a bucket: text by key. For runs outside an installation."""
    with unit_of_work(scheduler) as work:
        for key, text in sources.items():
            if queries.source(work.tx, key) != text:
                queries.save(work.tx, key, text, work.now)
                _changed(work, key)
