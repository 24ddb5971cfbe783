"""The conditions of the partial indexes, each named once, after its index.

SQLite uses a partial index only where a statement's WHERE implies the index's own, term by term, so
a query that is meant to use one repeats its condition (https://www.sqlite.org/partialindex.html,
section 3.1). Conditions of the form `column IS NOT NULL` or
`column IS NULL` are short enough to be written out. The
guard of an UPDATE is no index's condition and stays in its statement.
"""

from __future__ import annotations

import re

_COLUMN = re.compile(r"\b[a-z_]+(?= (?:IS|IN|=|<>) )")


class IndexPredicate(str):
    """SQL about unqualified columns."""

    __slots__ = ()

    def of(self, alias: str) -> str:
        """The condition on the columns of that table alias."""
        return _COLUMN.sub(lambda column: f"{alias}.{column[0]}", self)


RUNS_WAITING = IndexPredicate("admitted_at IS NULL AND ended_at IS NULL")
RUNS_ADMITTED = IndexPredicate("admitted_at IS NOT NULL AND ended_at IS NULL")
RUNS_TIMEOUT = IndexPredicate("timeout_at IS NOT NULL AND ended_at IS NULL")
RUNS_BACKFILL = IndexPredicate("backfill_id IS NOT NULL AND ended_at IS NULL")
TASK_INSTANCES_EXPANDING = IndexPredicate("mapped_count IS NOT NULL AND state = 'none'")
TASK_INSTANCES_WAITING_FOR_RUN = IndexPredicate("state = 'running' AND sends = 0")
TASK_INSTANCES_SLOTS = IndexPredicate("state IN ('scheduled', 'queued', 'running')")
TASK_INSTANCES_POOL = IndexPredicate(f"pool IS NOT NULL AND {TASK_INSTANCES_SLOTS}")
TASK_INSTANCES_FAILED = IndexPredicate("state = 'failed' AND removed_at IS NULL")
NOTIFICATIONS_OF_INSTALLATION = IndexPredicate("dag_id = ''")
DAGS_WITH_WARNINGS = IndexPredicate("warnings <> '[]' AND removed_at IS NULL")
