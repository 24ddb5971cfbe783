"""404: errors that say where to find the ids that exist."""

from __future__ import annotations

from typing import TypeVar

from chalicelib.errors import NotFound

T = TypeVar("T")


def require(value: T | None, what: str, name: str, list_path: str) -> T:
    """`value`, unless it is None. Raises NotFound, which names the route that lists what exists."""
    if value is None:
        raise not_found(what, name, list_path)
    return value


def not_found(what: str, name: str, list_path: str) -> NotFound:
    return NotFound(f"there is no {what} {name!r}; GET {list_path} lists those that exist")
