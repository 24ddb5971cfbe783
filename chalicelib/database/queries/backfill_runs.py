"""Named queries about the runs of a backfill."""

from __future__ import annotations

from chalicelib.database.connection import Transaction
from chalicelib.database.index_predicates import RUNS_BACKFILL
from chalicelib.database.queries.runs import SELECT_RUN, Run, build_run


def backfill_count(tx: Transaction, backfill_id: int) -> int:
    """How many runs of the backfill have not ended."""
    return int(
        tx.value(
            f"SELECT count(*) FROM runs WHERE backfill_id = ? AND {RUNS_BACKFILL}", (backfill_id,)
        )
        or 0
    )


def of_backfill(tx: Transaction, backfill_id: int, limit: int) -> list[Run]:
    """The backfill's runs that have not ended."""
    rows = tx.all(
        f"{SELECT_RUN} WHERE backfill_id = ? AND {RUNS_BACKFILL} ORDER BY id LIMIT ?",
        (backfill_id, limit),
    )
    return [build_run(row) for row in rows]


def adopt(tx: Transaction, key: int, backfill_id: int) -> None:
    """The run is done again as part of this backfill."""
    tx.execute("UPDATE runs SET backfill_id = ? WHERE id = ?", (backfill_id, key))
