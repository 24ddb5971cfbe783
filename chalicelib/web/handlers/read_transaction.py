"""The read transaction of a handler."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from chalicelib import bootstrap


@contextmanager
def read_transaction() -> Iterator[Any]:
    """A read transaction on the scheduler's database."""
    with bootstrap.scheduler().database.read() as tx:
        yield tx
