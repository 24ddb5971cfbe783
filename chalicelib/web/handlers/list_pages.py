"""List responses, made from the pages that database reads return."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from chalicelib.database.reads.page import Page
from chalicelib.web.param_types import Cursor

Item = TypeVar("Item")
Response = TypeVar("Response")


def list_response(
    cls: Callable[[list[Item], str | None], Response], page: Page[Item, Any], cursor: Cursor
) -> Response:
    """The page as `cls`, one of `list_responses`."""
    return cls(page.items, cursor.encode(page.next_key))
