"""Registers a file of the dags bucket as a DAG, or records an import error.

A file's `files` are part of it: an object that one of its patterns stands for leads to it being
read again, and a change of one makes a new version.

Events arrive twice, late, out of order, or never. So an event only says where to look: what counts
is the object as it is now, and its ETag says whether it was read before. After the commit the
object is read once more, because a slower registration of older content may have been committed
last. And the tick compares the whole bucket every few minutes.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from chalicelib.dag.excerpts import excerpt
from chalicelib.dag.file_patterns import folder_of
from chalicelib.dag.model import Dag
from chalicelib.dag.problems import DagWarning, Problem
from chalicelib.dag.states import RunState
from chalicelib.dag_files import is_defaults_file, is_registered
from chalicelib.database import Transaction
from chalicelib.database.connection.transaction import DOOMS_TRANSACTION
from chalicelib.database.queries import dags, files, housekeeping, run_slots
from chalicelib.database.queries import shared_defaults as queries
from chalicelib.database.queries.dags import DagFile, RegisteredDag
from chalicelib.database.queries.runs import Run
from chalicelib.enums import WarningCode
from chalicelib.errors import OrchestratorError
from chalicelib.scheduler import file_comparison, problem_notifications, shared_defaults
from chalicelib.scheduler.clock import first_fire_time
from chalicelib.scheduler.context import SchedulerContext
from chalicelib.scheduler.dag_reading import Reading, pin_files, read_dag_file
from chalicelib.scheduler.shared_defaults import SharedReading, read_shared, unknown_pool
from chalicelib.scheduler.stopping import stop_run
from chalicelib.scheduler.transaction import in_one_transaction, unit_of_work
from chalicelib.scheduler.unit_of_work import UnitOfWork
from chalicelib.utils.errors import in_words

log = logging.getLogger("orchestrator.scheduler")

MAX_FILES_PER_ROUND = 100
"""Each may take a quarter of a second, and the tick has a minute for everything."""
MAX_FILES_AT_ONCE = 50
MAX_BYTES_AT_ONCE = 1_000_000
"""Of changed files, which one transaction registers: what EFS writes well within its time."""
MAX_LISTINGS = 20
MAX_STOPPED = 100
"""Waiting runs, each of up to a thousand tasks, that one transaction ends."""
_LISTED_AT_ONCE = 1000
MAX_READS = 5
_PLACES = "places"
"""Under which the places of the latest comparison are stored."""
MAX_BESIDE = 100
"""Files without a DAG that are looked at again when a DAG file wants other files."""


def register(scheduler: SchedulerContext, keys: Iterable[str]) -> int:
    """Register what these objects are about: DAG files, and the files beside some. Returns how many
    had changed."""
    named = list(dict.fromkeys(keys))
    return register_files(scheduler, _files_about(scheduler, named), frozenset(named))


def register_files(
    scheduler: SchedulerContext, keys: list[str], named: frozenset[str] = frozenset()
) -> int:
    """Register these DAG files; `named` are the objects that events were about. Returns how many
    had changed."""
    files_read = _Registration(scheduler, keys, named)
    while changes := files_read.read_some():
        files_read.commit(changes)
    if files_read.failure is not None:
        raise files_read.failure
    return len(files_read.changed)


@dataclass(frozen=True, slots=True)
class _Change:
    """A file that is not as it is known; `known` is what was known of it when it was read."""

    reading: Reading | SharedReading
    known: DagFile | None


class _Registration:
    """Reads files, some at a time, and registers those that have changed, in one transaction."""

    def __init__(self, scheduler: SchedulerContext, keys: list[str], named: frozenset[str]) -> None:
        self.changed: set[str] = set()
        self.failure: Exception | None = None
        self._scheduler = scheduler
        self._waiting = deque(keys)
        self._named = named
        self._looks: dict[str, int] = {}
        self._readings: dict[str, Reading] = {}

    def read_some(self) -> list[_Change]:
        """Read until enough for one transaction has changed, or nothing is left to read."""
        changes: list[_Change] = []
        size = 0
        while self._waiting and len(changes) < MAX_FILES_AT_ONCE and size < MAX_BYTES_AT_ONCE:
            if change := self._read(self._waiting.popleft()):
                changes.append(change)
                size += len(change.reading.stored.body) if change.reading.stored else 0
                if isinstance(change.reading, SharedReading):
                    break  # what is read after it takes from it
        return changes

    def _read(self, key: str) -> _Change | None:
        self._looks[key] = self._looks.get(key, 0) + 1
        if self._looks[key] > MAX_READS:
            log.warning("%s changes faster than it can be read; it is left to the next tick", key)
            return None
        try:
            if is_defaults_file(key):
                return _compare_shared(self._scheduler, key)
            reading = read_dag_file(self._scheduler, key, self._readings.pop(key, None))
            unread = self._named if self._looks[key] == 1 else frozenset[str]()
            return _compare(self._scheduler, reading, unread)
        except DOOMS_TRANSACTION:
            raise
        except Exception as error:  # must not stop the other files
            self._fail(key, error)
            return None

    def commit(self, changes: list[_Change]) -> None:
        """Register the changed files, together or, if that raises, one by one."""
        try:
            self._commit(changes)
        except DOOMS_TRANSACTION:
            raise
        except Exception as error:
            if len(changes) == 1:
                self._fail(changes[0].reading.key, error)
                return
            for change in changes:
                self.commit([change])

    def _commit(self, changes: list[_Change]) -> None:
        freed = in_one_transaction(
            self._scheduler, lambda work: [_commit(work, change) for change in changes]
        )
        for change, keys in zip(changes, freed, strict=True):
            if keys is not None:
                self.changed.add(change.reading.key)
                if isinstance(change.reading, Reading):
                    self._readings[change.reading.key] = change.reading
                self._waiting.append(change.reading.key)  # look again: see the module's docstring
                self._waiting.extend(keys)

    def _fail(self, key: str, error: Exception) -> None:
        failed = _record_failure(self._scheduler, key, error)
        self.failure = self.failure or failed


def _files_about(scheduler: SchedulerContext, keys: list[str]) -> list[str]:
    """The DAG files that objects with these keys are, or lie beside and are wanted by."""
    files_to_read = sorted(filter(is_registered, keys), key=_order)
    with scheduler.database.read() as tx:
        for key in keys:
            files_to_read += files.wanted_by(tx, key)
    return list(dict.fromkeys(files_to_read))


def _order(key: str) -> tuple[bool, int]:
    """Shared defaults come first, and of these the outermost."""
    return not is_defaults_file(key), key.count("/") if is_defaults_file(key) else 0


def _record_failure(scheduler: SchedulerContext, key: str, error: Exception) -> Exception | None:
    """Record what registering the file raised as an import error. Returns an error from outside,
    for the event to be delivered again."""
    if isinstance(error, OrchestratorError):
        log.error("%s was not registered: %s", key, error.message)
        return error
    log.error("%s was not registered", key, exc_info=error, extra={"file_key": key})
    message = f"the file cannot be registered: internal error: {in_words(error)}"
    problem = Problem(line=1, column=1, path="", message=message)
    with unit_of_work(scheduler) as work:
        known = dags.file(work.tx, key)
        # Without its ETag, so that the tick tries it again.
        dags.save_file(work.tx, key, "", known.dag_id if known else None, work.now)
        dags.set_import_error(work.tx, key, [asdict(problem)], [], None, work.now)
    return None


def reconcile(scheduler: SchedulerContext) -> int:
    """Compare the bucket with the database and register the differences. Returns how many objects
    had changed."""
    _read_again_if_places_changed(scheduler)
    objects, last = _list_objects(scheduler)
    listed = {key: etag for key, etag in objects.items() if is_registered(key)}
    with scheduler.database.read() as tx:
        known = dags.files(tx)
        wanting = files.patterns(tx)
        fingerprints = files.fingerprints(tx)
    changed = [key for key, etag in listed.items() if known.get(key) != etag]
    beside = file_comparison.changed(objects, last, wanting, fingerprints)
    changed += [key for key in beside if key in listed and key not in changed]
    # Files that failed last time come last.
    changed.sort(key=lambda key: (_order(key), known.get(key) == ""))
    gone = [key for key in known if key not in listed and (last is None or key <= last)]
    gone.sort(key=_order)
    return register_files(scheduler, (changed + gone)[:MAX_FILES_PER_ROUND])


def _read_again_if_places_changed(scheduler: SchedulerContext) -> None:
    """Have every file read again when the installation has other places than before: what had no
    place may have one now, and what has lost its place says so in an import error."""
    now = scheduler.places.fingerprint
    with scheduler.database.read() as tx:
        before = housekeeping.stored_text(tx, _PLACES)
    if before == now:
        return
    with unit_of_work(scheduler) as work:
        housekeeping.set_text(work.tx, _PLACES, now)
        if before:
            dags.forget_etags(work.tx)


def _list_objects(scheduler: SchedulerContext) -> tuple[dict[str, str], str | None]:
    """List the bucket, as key to ETag. Also returns the last key that was listed, or None if the
    listing is complete."""
    listed: dict[str, str] = {}
    last = ""
    for _ in range(MAX_LISTINGS):
        page = scheduler.dags.list("", start_after=last, limit=_LISTED_AT_ONCE)
        listed.update((info.key, info.etag) for info in page)
        if len(page) < _LISTED_AT_ONCE:
            return listed, None
        last = page[-1].key
    most = MAX_LISTINGS * _LISTED_AT_ONCE
    log.error("the dags bucket holds %d objects or more; the rest is ignored", most)
    return listed, last


def _compare_shared(scheduler: SchedulerContext, key: str) -> _Change | None:
    """Read a `_defaults.yaml`, and compare it with what is known. Returns None if nothing has
    changed."""
    reading = read_shared(scheduler, key)
    with scheduler.database.read() as tx:
        known = dags.file(tx, key)
    return None if reading.is_known_as(known) else _Change(reading, known)


def _compare(
    scheduler: SchedulerContext, reading: Reading, unread: frozenset[str]
) -> _Change | None:
    """Compare a reading with what is known; `unread` are the keys of files beside it that may have
    changed with the same ETag. Returns None if nothing has changed."""
    with scheduler.database.read() as tx:
        known = dags.file(tx, reading.key)
    is_same = reading.is_known_as(known) and unread.isdisjoint(f.key for f in reading.match.files)
    if is_same and not _is_treated_otherwise_now(scheduler, reading, known):
        return None
    reading = pin_files(scheduler, reading, unread)
    if known is not None and reading.is_known_as(known) and _is_pinned(scheduler, reading):
        return None  # an event about a file that is as it was
    return _Change(reading, known)


def _commit(work: UnitOfWork, change: _Change) -> list[str] | None:
    """Register a changed file. Returns None if it changes nothing after all, else the keys to
    register because of it."""
    before = dags.recorded_problems(work.tx, change.reading.key)
    keys = _registered(work, change)
    _notify(work, change.reading.key, before, dags.recorded_problems(work.tx, change.reading.key))
    return keys


def _notify(
    work: UnitOfWork,
    key: str,
    before: list[dict[str, Any]] | None,
    now: list[dict[str, Any]] | None,
) -> None:
    """Notify that a file is broken, in a new way, or no longer."""
    if now and now != before:
        first = now[0]
        at = f"line {first['line']}, column {first['column']}: {first['message']}"
        more = f" (and {len(now) - 1} more)" if len(now) > 1 else ""
        problem_notifications.file_broken(work, key, at + more)
    elif before and not now:
        problem_notifications.file_mended(work, key)


def _registered(work: UnitOfWork, change: _Change) -> list[str] | None:
    """Register what was read. Returns as `_commit` does."""
    reading, known = change.reading, dags.file(work.tx, change.reading.key)
    if isinstance(reading, SharedReading):
        return shared_defaults.commit(work, reading, known)
    if known != change.known and reading.is_known_as(known):
        return None  # the same event, delivered twice at once
    if reading.stored is None:
        return _remove_file(work, known) if known else None
    if _belongs_to_another(work.tx, reading, known):
        return _leave(work, reading)
    if shared_defaults.in_force(work.tx, reading.key)[1] != reading.shared:
        return []  # they have changed since it was read: it is read again
    if reading.dag is None or reading.problems:
        return _reject(work, reading, known, reading.problems, None)
    holder = dags.file_of(work.tx, reading.dag.dag_id)
    if holder is not None and holder.file_key != reading.key:
        return _reject(
            work, reading, known, (_dag_id_taken(reading.dag, holder),), reading.dag.dag_id
        )
    return _accept(work, reading, reading.dag, known)


def _is_pinned(scheduler: SchedulerContext, reading: Reading) -> bool:
    """Whether the active version has exactly these files."""
    if reading.dag is None or not reading.dag.files_sha256:
        return False
    with scheduler.database.read() as tx:
        active = files.active_list_sha256(tx, reading.dag.dag_id)
        return active == reading.dag.files_sha256 and not dags.is_rejected(tx, reading.key)


def _is_treated_otherwise_now(
    scheduler: SchedulerContext, reading: Reading, known: DagFile | None
) -> bool:
    """Whether an unchanged file was rejected for a dag_id that is free now, or another DAG has come
    or gone that wants it beside it."""
    if known is None or (reading.dag is not None and known.dag_id == reading.dag.dag_id):
        return False
    with scheduler.database.read() as tx:
        if reading.dag is not None:
            return dags.file_of(tx, reading.dag.dag_id) is None
        return _belongs_to_another(tx, reading, known) == dags.is_rejected(tx, reading.key)


def _belongs_to_another(tx: Transaction, reading: Reading, known: DagFile | None) -> bool:
    """Whether the file is no DAG file but lies there for another one, such as the YAML of a tool
    that a command runs."""
    was_dag = known is not None and known.dag_id is not None
    if was_dag or reading.dag is not None or reading.stored is None:
        return False
    return not reading.looks_like_a_dag and bool(files.wanted_by(tx, reading.key))


def _leave(work: UnitOfWork, reading: Reading) -> list[str]:
    """Take the file for no DAG file."""
    _save_file(work, reading, None)
    dags.clear_import_error(work.tx, reading.key)
    return []


def _dag_id_taken(dag: Dag, holder: DagFile) -> Problem:
    return Problem(
        line=1,
        column=1,
        path="dag_id",
        message=f"the dag_id {dag.dag_id!r} is already used by {holder.file_key!r}; give one of"
        " the two files another dag_id (or name), or remove one",
    )


def _reject(
    work: UnitOfWork,
    reading: Reading,
    known: DagFile | None,
    problems: tuple[Problem, ...],
    wanted_dag_id: str | None,
) -> list[str]:
    """Record the import error. A DAG that this file registered before stays as it was, unless the
    file now claims another DAG's dag_id: then it has given up its own."""
    assert reading.stored is not None
    kept = known.dag_id if known else None
    freed: list[str] = []
    if wanted_dag_id is not None and kept is not None:
        freed = _release(work, kept)
        kept = None
    freed += _save_file(work, reading, kept)
    lines = excerpt(reading.stored.body, problems)
    rows = [asdict(problem) for problem in problems], [asdict(line) for line in lines]
    dags.set_import_error(work.tx, reading.key, *rows, wanted_dag_id, work.now)
    log.warning(
        "%s was rejected: %s", reading.key, problems[0].message, extra={"file_key": reading.key}
    )
    return freed


def _accept(work: UnitOfWork, reading: Reading, dag: Dag, known: DagFile | None) -> list[str]:
    assert reading.stored is not None
    freed: list[str] = []
    if known is not None and known.dag_id not in (None, dag.dag_id):
        freed = _release(work, str(known.dag_id))
    freed += _save_file(work, reading, dag.dag_id)
    reading.pins.save(work)
    dags.clear_import_error(work.tx, reading.key)
    source = reading.stored.body.decode()
    before = dags.find(work.tx, dag.dag_id)
    version_id = _version(work, dag, reading, before, source)
    is_paused = before.is_paused if before else dag.is_paused_upon_creation
    next_fire_at = _next_fire_at(work, dag, before, is_paused)
    warnings = [asdict(warning) for warning in (*reading.warnings, *_unknown_pools(work, reading))]
    dags.activate(
        work.tx, dag, version_id, reading.key, is_paused, next_fire_at, work.now, warnings
    )
    work.outbox.wake(next_fire_at)
    work.dags_to_admit.add(dag.dag_id)  # a limit may have been raised
    work.dags_to_dispatch.add(dag.dag_id)
    log.info("registered from %s", reading.key, extra={"dag_id": dag.dag_id})
    return freed


def _unknown_pools(work: UnitOfWork, reading: Reading) -> list[DagWarning]:
    """Warn about pools that do not exist."""
    places = reading.parsed.pool_places if reading.parsed else {}
    return [
        DagWarning(at.line, at.column, at.path, WarningCode.UNKNOWN_POOL, unknown_pool(name))
        for name, at in places.items()
        if name in queries.unknown_pools(work.tx, places.keys())
    ]


def _save_file(work: UnitOfWork, reading: Reading, dag_id: str | None) -> list[str]:
    """Remember what was read, and what its DAG wants beside it, be it there or not. Returns the
    keys of files that may now lie there for it, or no longer do."""
    assert reading.stored is not None
    dags.save_file(
        work.tx,
        reading.key,
        reading.stored.etag,
        dag_id,
        work.now,
        reading.match.fingerprint,
    )
    wanted = sorted(reading.dag.files) if reading.dag else []
    if wanted == files.patterns_of(work.tx, reading.key):
        return []
    files.save_patterns(work.tx, reading.key, wanted)
    return _without_dag(work, reading.key)


def _without_dag(work: UnitOfWork, key: str) -> list[str]:
    return files.without_dag(work.tx, folder_of(key), MAX_BESIDE)


def _version(
    work: UnitOfWork, dag: Dag, reading: Reading, before: RegisteredDag | None, source: str
) -> int:
    """Return the active version if source and compiled form are the same, else add a new one."""
    assert reading.stored is not None
    if before is not None and dags.is_active(work.tx, dag, source):
        return before.version_id
    return dags.add_version(work.tx, dag, reading.key, reading.stored.etag, source, work.now)


def _next_fire_at(
    work: UnitOfWork, dag: Dag, before: RegisteredDag | None, is_paused: bool
) -> datetime | None:
    """Return the next fire time. A new DAG and a changed schedule start with the next one; any
    other change keeps the present one, so that a fire time that is due just now is not lost."""
    if is_paused:
        return None
    had_clock = before is not None and not before.is_removed and not before.is_paused
    if before is not None and had_clock and _has_same_schedule(work, before, dag):
        return before.next_fire_at
    return first_fire_time(work, dag.dag_id, dag)


def _has_same_schedule(work: UnitOfWork, before: RegisteredDag, dag: Dag) -> bool:
    """Whether the schedule is unchanged. False if the earlier definition cannot be read: then the
    schedule starts afresh."""
    is_same = False
    with work.isolate("the definition before a new one", dag_id=dag.dag_id):
        is_same = _schedule_of(work.definition(before.version_id)) == _schedule_of(dag)
    return is_same


def _schedule_of(dag: Dag) -> tuple[object, ...]:
    return dag.schedule, dag.timezone, dag.start_date, dag.end_date, dag.catchup


def _remove_file(work: UnitOfWork, known: DagFile) -> list[str]:
    had_files = bool(files.patterns_of(work.tx, known.file_key))
    dags.forget_file(work.tx, known.file_key)
    log.info("%s was removed", known.file_key, extra={"file_key": known.file_key})
    freed = _release(work, known.dag_id) if known.dag_id else []
    return freed + (_without_dag(work, known.file_key) if had_files else [])


def _release(work: UnitOfWork, dag_id: str) -> list[str]:
    """Mark the DAG as removed: no more of its runs start, and those that run continue. Returns the
    keys of files that want its dag_id."""
    dags.set_removed(work.tx, dag_id, work.now)
    _stop_all(work, run_slots.waiting_of(work.tx, dag_id, MAX_STOPPED))
    return dags.files_wanting(work.tx, dag_id)


def stop_removed(work: UnitOfWork) -> int:
    """Stop the waiting runs of removed DAGs that were too many for one transaction."""
    return _stop_all(work, run_slots.waiting_in_removed(work.tx, MAX_STOPPED))


def _stop_all(work: UnitOfWork, waiting: list[Run]) -> int:
    for run in waiting:
        with work.isolate("a waiting run of a removed DAG", **run.ids()):
            stop_run(work, run, RunState.CANCELLED, "the DAG's file was removed")
    return len(waiting)
