"""The compiled form of DAGs: written once per version, never changed, read by almost every
transaction.

It is hundreds of kilobytes for a DAG of a thousand tasks, and other hosts' commits empty SQLite's
cache all the time; so what has been parsed is kept by the digest of its text. Not by the version's
id: ids begin again in a restored database, and a digest cannot lie.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict

from chalicelib.dag.model import Dag
from chalicelib.database.connection.transaction import Transaction
from chalicelib.errors import OrchestratorError
from chalicelib.utils.errors import in_words

MAX_KEPT_CHARACTERS = 4_000_000
"""Of compiled text. What is parsed of it takes some ten times as much memory."""


class Kept:
    """What was parsed last, by digest; safe to use from many threads."""

    def __init__(self, most_characters: int = MAX_KEPT_CHARACTERS) -> None:
        self._most = most_characters
        self._dags: OrderedDict[str, tuple[Dag, int]] = OrderedDict()
        self._characters = 0
        self._lock = threading.Lock()

    def get(self, digest: str) -> Dag | None:
        with self._lock:
            if digest not in self._dags:
                return None
            self._dags.move_to_end(digest)
            return self._dags[digest][0]

    def add(self, digest: str, dag: Dag, characters: int) -> None:
        """Keep the DAG of a text of so many characters, and drop those that were used longest
        ago."""
        with self._lock:
            if digest in self._dags:
                return
            self._dags[digest] = dag, characters
            self._characters += characters
            while self._characters > self._most and len(self._dags) > 1:
                _, (_, dropped) = self._dags.popitem(last=False)
                self._characters -= dropped


_kept = Kept()


class DefinitionUnusable(OrchestratorError):
    """The stored form of a DAG cannot be read or used, though its file could be."""

    code = "definition_unusable"

    def __init__(self, what: str, error: Exception) -> None:
        super().__init__(
            f"the stored definition of {what} cannot be used ({in_words(error)}): upload its file"
            " again; if that does not help, the program that stored it was another"
        )


def compiled(dag: Dag) -> tuple[str, str]:
    """The text that stands for the DAG, and its digest."""
    text = json.dumps(dag.to_json(), separators=(",", ":"))
    return text, hashlib.sha256(text.encode()).hexdigest()


def definition(tx: Transaction, version_id: int) -> Dag:
    """The DAG as that version says. Raises LookupError, DefinitionUnusable."""
    digest = tx.value("SELECT digest FROM dag_versions WHERE id = ?", (version_id,))
    if digest is None:
        raise LookupError(f"DAG version {version_id} is missing")
    return _kept.get(digest) or _read(tx, version_id, digest)


def key_of(tx: Transaction, dag_id: str, version: int | None) -> int:
    """The key of a DAG's version by its number. Raises LookupError."""
    row = tx.one("SELECT id FROM dag_versions WHERE dag_id = ? AND version = ?", (dag_id, version))
    if row is None:
        raise LookupError(f"version {version} of DAG {dag_id!r} is missing")
    return int(row["id"])


def number_of(tx: Transaction, version_id: int) -> int:
    """The version's number, counted from 1 for each DAG. Raises LookupError."""
    row = tx.one("SELECT version FROM dag_versions WHERE id = ?", (version_id,))
    if row is None:
        raise LookupError(f"DAG version {version_id} is missing")
    return int(row["version"])


def _read(tx: Transaction, version_id: int, digest: str) -> Dag:
    text: str = tx.value("SELECT compiled FROM dag_versions WHERE id = ?", (version_id,)) or ""
    try:
        dag = Dag.from_json(json.loads(text))
    except Exception as error:
        raise DefinitionUnusable(f"version {version_id}", error) from error
    _kept.add(digest, dag, len(text))
    return dag
