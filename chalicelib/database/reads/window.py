"""Reading a long list from its newest row down, with a bound on the rows that are looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.database.connection import Row, Transaction

WINDOW = 10_000
"""Rows looked through at most for one page: some ten milliseconds on a local file."""

_NO_BOUND = 2**62


@dataclass(frozen=True, slots=True)
class Scan:
    """`page` reads rows with ids in [:floor, :before), newest first; `floor` is the id of the last
    row of the window, from the index alone."""

    page: str
    floor: str


def newest(
    tx: Transaction,
    scan: Scan,
    filters: Mapping[str, Any],
    limit: int,
    before: int | None,
    *,
    is_partial: bool,
) -> tuple[list[Row], int | None]:
    """Return at most `limit` rows, and the id before which the next page begins. `is_partial`: the
    scan's index does not serve all filters, so that rows may be read in vain."""
    params = {**filters, "before": _NO_BOUND if before is None else before, "floor": 0}
    if is_partial:
        row = tx.one(scan.floor, params)
        params["floor"] = row["id"] if row else 0
    rows = tx.all(scan.page, {**params, "limit": limit + 1})
    if len(rows) > limit:
        return rows[:limit], int(rows[limit - 1]["id"])
    return rows, int(params["floor"]) or None
