"""What every use case of the scheduler is given: database, ports, settings, clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chalicelib.config import Settings
from chalicelib.dag.model import Dag
from chalicelib.database import Database, Transaction
from chalicelib.database.queries import definitions
from chalicelib.places import Places, installed
from chalicelib.ports import Bucket, Claims, Clock, Queue


@dataclass(frozen=True)
class SchedulerContext:
    """Built once in the composition root, or in a test with fakes.

    `definitions` loads the DAG of a stored version by its key, and raises LookupError for one that
    does not exist.
    """

    database: Database
    task_queues: Mapping[str, Queue]
    results: Queue
    dead_letters: Queue
    dags: Bucket
    runs: Bucket
    claims: Claims
    settings: Settings
    now: Clock
    definitions: Callable[[Transaction, int], Dag] = definitions.definition

    @property
    def places(self) -> Places:
        """The places of this installation."""
        return installed(self.settings)
