"""Reads a DAG file from the bucket, and what lies beside it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from chalicelib.dag.language.parser import ParsedFile, parse_file
from chalicelib.dag.language.yaml_nodes import MAX_BYTES
from chalicelib.dag.model import Dag
from chalicelib.dag.problems import DagFileError, DagWarning, Problem
from chalicelib.database.queries.dags import DagFile
from chalicelib.errors import UnreadableObject
from chalicelib.ports import StoredObject
from chalicelib.scheduler import shared_defaults
from chalicelib.scheduler.context import SchedulerContext
from chalicelib.scheduler.file_match import Match, match_files
from chalicelib.scheduler.file_pins import Pins, pin

_TASKS = re.compile(rb"""^['"]?tasks['"]?\s*:""", re.MULTILINE)
"""Tells a broken DAG file from another program's YAML."""


@dataclass(frozen=True)
class Reading:
    """One object as it was read: missing, valid or invalid; and the files beside it. `shared`
    stands for what was in force of the folders' shared defaults."""

    key: str
    stored: StoredObject | None
    dag: Dag | None = None
    warnings: tuple[DagWarning, ...] = ()
    problems: tuple[Problem, ...] = ()
    match: Match = field(default_factory=Match)
    pins: Pins = field(default_factory=Pins)
    parsed: ParsedFile | None = None
    shared: str = ""

    def is_known_as(self, known: DagFile | None) -> bool:
        """Whether nothing of it has changed since it was registered."""
        if self.stored is None or known is None:
            return self.stored is None and known is None
        read = self.stored.etag, self.match.fingerprint
        return read == (known.etag, known.files_fingerprint)

    @property
    def looks_like_a_dag(self) -> bool:
        """Whether it has tasks, however broken it may be."""
        return self.stored is not None and _TASKS.search(self.stored.body) is not None


def read_dag_file(scheduler: SchedulerContext, key: str, before: Reading | None = None) -> Reading:
    """Read the object, and list what lies beside it. What has not changed since the reading
    `before` is not parsed again. Raises OrchestratorError."""
    try:
        stored = scheduler.dags.get(key, limit=MAX_BYTES + 1)
    except UnreadableObject as error:
        unread = StoredObject(key, error.etag, b"")
        return Reading(key, unread, problems=(Problem(1, 1, "", error.message),))
    if stored is None:
        return Reading(key, None)
    with scheduler.database.read() as tx:
        shared, token = shared_defaults.in_force(tx, key)
    try:
        if before is not None and _is_parsed(before, stored, token):
            parsed = before.parsed
        else:
            parsed = parse_file(stored.body, file_name=key, places=scheduler.places, shared=shared)
    except DagFileError as error:
        return Reading(key, stored, problems=error.problems, shared=token)
    assert parsed is not None
    match = match_files(scheduler.dags, key, parsed.file_places)
    return Reading(
        key,
        stored,
        dag=parsed.dag,
        warnings=parsed.warnings,
        problems=match.problems,
        match=match,
        parsed=parsed,
        shared=token,
    )


def _is_parsed(before: Reading, stored: StoredObject, shared: str) -> bool:
    return (before.parsed is not None, before.stored, before.shared) == (True, stored, shared)


def pin_files(scheduler: SchedulerContext, reading: Reading, unread: frozenset[str]) -> Reading:
    """Store what lies beside the file, and pin its DAG to it; `unread` are the keys of objects that
    are read again although their ETag is known. Raises OrchestratorError."""
    if reading.dag is None or reading.problems or not reading.match.files:
        return reading
    pins = pin(scheduler, reading.dag.dag_id, reading.match, unread)
    dag = replace(reading.dag, files_sha256=pins.list_sha256)
    return replace(reading, dag=dag, pins=pins, problems=pins.problems)
