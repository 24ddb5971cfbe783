"""Named queries about runs that a task triggered."""

from __future__ import annotations

from chalicelib.database.connection import Transaction
from chalicelib.database.queries.runs import SELECT_RUN, Run, run_of


def last_triggered_by(tx: Transaction, parent_task_id: int) -> Run | None:
    """The latest run that this task triggered and waits for."""
    return run_of(
        tx.one(
            SELECT_RUN + "WHERE parent_task_id = ? AND parent_task_id IS NOT NULL"
            " ORDER BY id DESC LIMIT 1",
            (parent_task_id,),
        )
    )


def triggered_by(tx: Transaction, parent_task_id: int) -> Run | None:
    """The run that this task triggered and waits for."""
    return run_of(
        tx.one(
            SELECT_RUN + "WHERE parent_task_id = ? AND parent_task_id IS NOT NULL"
            " AND ended_at IS NULL LIMIT 1",
            (parent_task_id,),
        )
    )


def detach(tx: Transaction, parent_task_id: int) -> None:
    """Nobody waits any more for the runs that this task triggered, should they run again."""
    tx.execute(
        "UPDATE runs SET parent_task_id = NULL WHERE parent_task_id = ?"
        " AND parent_task_id IS NOT NULL",
        (parent_task_id,),
    )
