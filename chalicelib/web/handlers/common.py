"""What several handlers need."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from chalicelib import bootstrap
from chalicelib.database.reads.values import Page
from chalicelib.errors import NotFound
from chalicelib.scheduler.clearing import Cleared
from chalicelib.web.param_types import Cursor
from chalicelib.web.response_models import ClearedTask, ClearedTasks

T = TypeVar("T")


@contextmanager
def reading() -> Iterator[Any]:
    """A read transaction."""
    with bootstrap.scheduler().database.read() as tx:
        yield tx


def found(value: T | None, what: str, name: str, where: str) -> T:
    """The value. Raises NotFound, which says where to look for those that exist."""
    if value is None:
        raise no_such(what, name, where)
    return value


def no_such(what: str, name: str, where: str) -> NotFound:
    return NotFound(f"there is no {what} {name!r}; GET {where} lists those that exist")


def listed(name: str, page: Page[Any, Any], cursor: Cursor) -> dict[str, Any]:
    """A page as lists answer it, under the name of what it holds."""
    return {name: page.items, "next_cursor": cursor.encode(page.next_key)}


def cleared(result: Cleared, *, dry_run: bool) -> ClearedTasks:
    """As routes that clear answer it."""
    choice = result.choice
    return ClearedTasks(
        dry_run=dry_run,
        run_on_latest_version=choice.is_latest,
        version=choice.version,
        run_version=result.run_version,
        latest_version=choice.latest,
        has_import_error=choice.is_broken,
        changes=choice.changes,
        task_instances=tuple(ClearedTask(*task) for task in result.tasks),
    )
