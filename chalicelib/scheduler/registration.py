"""Registers a file of the dags bucket as a DAG, or records an import error.

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

from chalicelib.dag.excerpts import excerpt
from chalicelib.dag.language.parser import parse_file
from chalicelib.dag.language.yaml_nodes import MAX_BYTES
from chalicelib.dag.model import Dag
from chalicelib.dag.problems import DagFileError, DagWarning, Problem
from chalicelib.dag.states import RunState
from chalicelib.database.connection.transaction import DOOMS_TRANSACTION
from chalicelib.database.queries import dags, run_slots
from chalicelib.database.queries.dags import DagFile, RegisteredDag
from chalicelib.database.queries.runs import Run
from chalicelib.errors import OrchestratorError, UnreadableObject
from chalicelib.ports import StoredObject
from chalicelib.scheduler.clock import first_fire_time
from chalicelib.scheduler.context import SchedulerContext
from chalicelib.scheduler.stopping import stop_run
from chalicelib.scheduler.transaction import unit_of_work
from chalicelib.scheduler.unit_of_work import UnitOfWork
from chalicelib.utils.errors import in_words

log = logging.getLogger("orchestrator.scheduler")

SUFFIXES = (".yaml", ".yml")
MAX_FILES_PER_ROUND = 100
"""Each may take a quarter of a second, and the tick has a minute for everything."""
MAX_LISTINGS = 20
MAX_STOPPED = 100
"""Waiting runs, each of up to a thousand tasks, that one transaction ends."""
_LISTED_AT_ONCE = 1000
MAX_READS = 5


@dataclass(frozen=True)
class _Reading:
    """One object as it was read: missing, valid or invalid."""

    key: str
    stored: StoredObject | None
    dag: Dag | None = None
    warnings: tuple[DagWarning, ...] = ()
    problems: tuple[Problem, ...] = ()


def register(scheduler: SchedulerContext, keys: Iterable[str]) -> int:
    """Register these objects. Returns how many had changed. Keys that are not of YAML files are
    ignored."""
    waiting = deque(dict.fromkeys(key for key in keys if key.endswith(SUFFIXES)))
    changed: set[str] = set()
    looks: dict[str, int] = {}
    failure: Exception | None = None
    while waiting:
        key = waiting.popleft()
        looks[key] = looks.get(key, 0) + 1
        if looks[key] > MAX_READS:
            log.warning("%s changes faster than it can be read; it is left to the next tick", key)
            continue
        try:
            freed = _register(scheduler, _read(scheduler, key))
        except DOOMS_TRANSACTION:
            raise
        except Exception as error:  # must not stop the other files
            failed = _record_failure(scheduler, key, error)
            failure = failure or failed
            continue
        if freed is not None:
            changed.add(key)
            waiting.append(key)  # look again: see the module's docstring
            waiting.extend(freed)
    if failure is not None:
        raise failure
    return len(changed)


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
    listed, last = _list_files(scheduler)
    with scheduler.database.read() as tx:
        known = dags.files(tx)
    changed = [key for key, etag in listed.items() if known.get(key) != etag]
    changed.sort(key=lambda key: known.get(key) == "")  # files that failed last time come last
    gone = [key for key in known if key not in listed and (last is None or key <= last)]
    return register(scheduler, (changed + gone)[:MAX_FILES_PER_ROUND])


def _list_files(scheduler: SchedulerContext) -> tuple[dict[str, str], str | None]:
    """List the YAML files of the bucket, as key to ETag. Also returns the last key that was listed,
    or None if the listing is complete."""
    listed: dict[str, str] = {}
    last = ""
    for _ in range(MAX_LISTINGS):
        page = scheduler.dags.list("", start_after=last, limit=_LISTED_AT_ONCE)
        listed.update((info.key, info.etag) for info in page if info.key.endswith(SUFFIXES))
        if len(page) < _LISTED_AT_ONCE:
            return listed, None
        last = page[-1].key
    most = MAX_LISTINGS * _LISTED_AT_ONCE
    log.error("the dags bucket holds %d objects or more; the rest is ignored", most)
    return listed, last


def _read(scheduler: SchedulerContext, key: str) -> _Reading:
    try:
        stored = scheduler.dags.get(key, limit=MAX_BYTES + 1)
    except UnreadableObject as error:
        unread = StoredObject(key, error.etag, b"")
        return _Reading(key, unread, problems=(Problem(1, 1, "", error.message),))
    if stored is None:
        return _Reading(key, None)
    try:
        parsed = parse_file(stored.body, file_name=key, places=scheduler.places)
    except DagFileError as error:
        return _Reading(key, stored, problems=error.problems)
    return _Reading(key, stored, dag=parsed.dag, warnings=parsed.warnings)


def _register(scheduler: SchedulerContext, reading: _Reading) -> list[str] | None:
    """Commit one reading. Returns None if it changes nothing, else the keys to register because of
    it."""
    with scheduler.database.read() as tx:
        known = dags.file(tx, reading.key)
    etag = reading.stored.etag if reading.stored else None
    if (known.etag if known else None) == etag and not _is_dag_id_free_now(
        scheduler, reading, known
    ):
        return None
    with unit_of_work(scheduler) as work:
        known, before = dags.file(work.tx, reading.key), known
        if known != before and known is not None and known.etag == etag:
            return None  # the same event, delivered twice at once
        if reading.stored is None:
            return _remove_file(work, known) if known else None
        if reading.dag is None:
            return _reject(work, reading, known, reading.problems, None)
        holder = dags.file_of(work.tx, reading.dag.dag_id)
        if holder is not None and holder.file_key != reading.key:
            return _reject(
                work, reading, known, (_dag_id_taken(reading.dag, holder),), reading.dag.dag_id
            )
        return _accept(work, reading, reading.dag, known)


def _is_dag_id_free_now(
    scheduler: SchedulerContext, reading: _Reading, known: DagFile | None
) -> bool:
    """Whether an unchanged file was rejected for a dag_id that is free now."""
    if reading.dag is None or known is None or known.dag_id == reading.dag.dag_id:
        return False
    with scheduler.database.read() as tx:
        return dags.file_of(tx, reading.dag.dag_id) is None


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
    reading: _Reading,
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
    dags.save_file(work.tx, reading.key, reading.stored.etag, kept, work.now)
    lines = excerpt(reading.stored.body, problems)
    rows = [asdict(problem) for problem in problems], [asdict(line) for line in lines]
    dags.set_import_error(work.tx, reading.key, *rows, wanted_dag_id, work.now)
    log.warning(
        "%s was rejected: %s", reading.key, problems[0].message, extra={"file_key": reading.key}
    )
    return freed


def _accept(work: UnitOfWork, reading: _Reading, dag: Dag, known: DagFile | None) -> list[str]:
    assert reading.stored is not None
    freed: list[str] = []
    if known is not None and known.dag_id not in (None, dag.dag_id):
        freed = _release(work, str(known.dag_id))
    dags.save_file(work.tx, reading.key, reading.stored.etag, dag.dag_id, work.now)
    dags.clear_import_error(work.tx, reading.key)
    source = reading.stored.body.decode()
    before = dags.find(work.tx, dag.dag_id)
    version_id = _version(work, dag, reading, before, source)
    is_paused = before.is_paused if before else dag.is_paused_upon_creation
    next_fire_at = _next_fire_at(work, dag, before, is_paused)
    warnings = [asdict(warning) for warning in reading.warnings]
    dags.activate(
        work.tx, dag, version_id, reading.key, is_paused, next_fire_at, work.now, warnings
    )
    work.outbox.wake(next_fire_at)
    work.dags_to_admit.add(dag.dag_id)  # a limit may have been raised
    work.dags_to_dispatch.add(dag.dag_id)
    log.info("registered from %s", reading.key, extra={"dag_id": dag.dag_id})
    return freed


def _version(
    work: UnitOfWork, dag: Dag, reading: _Reading, before: RegisteredDag | None, source: str
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
    dags.forget_file(work.tx, known.file_key)
    log.info("%s was removed", known.file_key, extra={"file_key": known.file_key})
    return _release(work, known.dag_id) if known.dag_id else []


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
