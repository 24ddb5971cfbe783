"""The read transaction of a handler."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from chalicelib import bootstrap
from chalicelib.database.reads import dag_scope
from chalicelib.web.dag_limits import limits


@contextmanager
def read_transaction() -> Iterator[Any]:
    """A read transaction on the scheduler's database, which sees the caller's DAGs only."""
    with bootstrap.scheduler().database.read() as tx:
        patterns = limits()
        if patterns is not None:
            dag_scope.limit(tx, patterns)
        yield tx
