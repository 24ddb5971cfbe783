"""Which runs a list shows, and the index along which they are found.

Each filter is a condition on a row. A scan reads rows along one index, newest first, and no more
than WINDOW of them for one page. Of the scans that fit the filters, the one whose window reaches
furthest back is taken, so that what is rare is found at once, whichever filter makes it rare. With
a range of dates, runs are listed by their logical date, else in the order in which they were made.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.database.connection import Row, Transaction
from chalicelib.database.connection.times import to_us
from chalicelib.database.index_predicates import TASK_INSTANCES_FAILED
from chalicelib.database.reads.window import WINDOW, Scan

MOST_DAGS = 100
"""DAGs whose runs are read DAG by DAG; each then gets a hundredth of the window at least."""
MOST_CAUSES = 20
"""Failed tasks of a run whose reasons and logs are searched."""

_NO_BOUND = 2**62
_KEY = re.compile(r"(?:([0-9]{1,18})\.)?([0-9]{1,18})")

Key = tuple[int, int]
"""Logical date (0 where it does not matter) and id of a run."""


@dataclass(frozen=True, slots=True)
class RunFilter:
    """What a run must fit to be listed; None fits every run. `name` is part of the DAG's id or
    name, `cause` part of the run's reason, of the reason of a failed task, or of that task's log
    where it is short; both in either case. The dates are logical dates, both included."""

    dag_id: str | None = None
    name: str | None = None
    tag: str | None = None
    state: str | None = None
    run_type: str | None = None
    acknowledged: bool | None = None
    from_date: datetime | None = None
    to_date: datetime | None = None
    cause: str | None = None
    backfill_id: int | None = None

    @property
    def is_dated(self) -> bool:
        return self.from_date is not None or self.to_date is not None

    @property
    def given(self) -> set[str]:
        """The names of the filters that are not None; the dates are no conditions on a row."""
        return {name for name, value in self.params().items() if value is not None}

    def params(self) -> dict[str, Any]:
        return {
            "dag_id": self.dag_id,
            "name": self.name,
            "tag": self.tag,
            "state": self.state,
            "run_type": self.run_type,
            "acknowledged": None if self.acknowledged is None else int(self.acknowledged),
            "cause": self.cause,
            "backfill_id": self.backfill_id,
        }


EVERY_RUN = RunFilter()

_CAUSES = f"""
    SELECT c.reason, (SELECT s.log FROM short_logs s WHERE s.task_instance_id = c.id
                      AND s.try_number = c.try_number) AS log
    FROM task_instances c WHERE c.run_key = r.id AND {TASK_INSTANCES_FAILED.of("c")}
    LIMIT {MOST_CAUSES}
"""
_CONDITIONS = {
    "dag_id": "r.dag_id = :dag_id",
    "name": "EXISTS (SELECT 1 FROM dags d WHERE d.dag_id = r.dag_id"
    " AND holds(:name, d.dag_id, d.name))",
    "tag": "EXISTS (SELECT 1 FROM dag_tags g WHERE g.tag = :tag AND g.dag_id = r.dag_id)",
    "state": "r.state = :state",
    "run_type": "r.run_type = :run_type",
    "acknowledged": "(coalesce(r.acknowledged_at, r.success_acknowledged_at) IS NOT NULL)"
    " = :acknowledged",
    "backfill_id": "r.backfill_id = :backfill_id",
    "cause": f"(holds(:cause, r.reason) OR EXISTS (SELECT 1 FROM ({_CAUSES})"
    " WHERE holds(:cause, reason, log)))",
}
FILTERS = " AND ".join(f"(:{name} IS NULL OR {sql})" for name, sql in _CONDITIONS.items())

_BY_ID = {
    "all": "TRUE",
    "backfill": "r.backfill_id = :backfill_id",
    "dag": "r.dag_id = :dag_id",
    "dags": "r.dag_id IN (SELECT value FROM json_each(:dag_ids))",
    "state": "r.state = :state",
    # The second condition is that of the partial index.
    "type": "r.run_type = :run_type AND r.run_type <> 'scheduled'",
}
_BY_DATE = {
    "date": ("runs_by_date", "TRUE"),
    "dag_date": (None, "r.dag_id = :dag_id"),
    "failed_date": ("runs_failed_by_date", "r.state = 'failed'"),
}
_SERVES = {
    "all": frozenset[str](),
    "backfill": frozenset({"backfill_id"}),
    "dag": frozenset({"dag_id"}),
    "dags": frozenset[str](),
    "state": frozenset({"state"}),
    "type": frozenset({"run_type"}),
    "date": frozenset[str](),
    "dag_date": frozenset({"dag_id"}),
    "failed_date": frozenset({"state"}),
}
"""By scan, the filters that each of its rows fits."""
_FLOOR_OF_DAGS = """
    SELECT 0 AS logical_date, max(floor) AS id FROM (
        SELECT (SELECT r.id FROM runs r WHERE r.dag_id = d.value AND r.id < :before
                ORDER BY r.id DESC LIMIT 1 OFFSET :share) AS floor
        FROM json_each(:dag_ids) d)
"""
DAGS_OF_TAG = f"SELECT dag_id FROM dag_tags WHERE tag = :tag LIMIT {MOST_DAGS + 1}"
DAGS_OF_NAME = f"""
    SELECT d.dag_id FROM (SELECT dag_id, name FROM dags LIMIT {WINDOW}) d
    WHERE holds(:name, d.dag_id, d.name) LIMIT {MOST_DAGS + 1}
"""
HAS_MORE_DAGS = f"SELECT 1 FROM dags LIMIT 1 OFFSET {WINDOW}"


def scans(columns: str, joined: str) -> dict[str, Scan]:
    """The scans by name. They select `columns` from runs `r` and what is `joined` to them."""
    by_id = {
        name: Scan(
            page=f"{columns} FROM runs r {joined} WHERE {within} AND r.id < :before"
            f" AND r.id >= :floor AND {FILTERS} ORDER BY r.id DESC LIMIT :limit",
            floor=f"SELECT 0 AS logical_date, r.id FROM runs r WHERE {within} AND r.id < :before"
            f" ORDER BY r.id DESC LIMIT 1 OFFSET {WINDOW - 1}",
        )
        for name, within in _BY_ID.items()
    }
    by_id["dags"] = Scan(by_id["dags"].page, _FLOOR_OF_DAGS)
    return by_id | {
        name: _by_date(columns, joined, index, within) for name, (index, within) in _BY_DATE.items()
    }


def _by_date(columns: str, joined: str, index: str | None, within: str) -> Scan:
    runs = f"FROM runs r INDEXED BY {index}" if index else "FROM runs r"
    bounds = (
        "(r.logical_date, r.id) < (:before_date, :before)"
        " AND (r.logical_date, r.id) >= (:floor_date, :floor)"
    )
    order = "ORDER BY r.logical_date DESC, r.id DESC"
    return Scan(
        page=f"{columns} {runs} {joined} WHERE {within} AND {bounds} AND {FILTERS}"
        f" {order} LIMIT :limit",
        floor=f"SELECT r.logical_date, r.id {runs} WHERE {within} AND {bounds}"
        f" {order} LIMIT 1 OFFSET {WINDOW - 1}",
    )


def parse_key(text: str, wanted: RunFilter) -> Key:
    """The key that a page of this list ended with. Raises ValueError for that of another list."""
    match = _KEY.fullmatch(text)
    if match is None or (match[1] is not None) != wanted.is_dated:
        raise ValueError(text)
    return int(match[1] or 0), int(match[2])


def key_text(key: Key, wanted: RunFilter) -> str:
    return f"{key[0]}.{key[1]}" if wanted.is_dated else str(key[1])


def newest_runs(
    tx: Transaction, known: Mapping[str, Scan], wanted: RunFilter, limit: int, before: Key | None
) -> tuple[list[Row], Key | None]:
    """At most `limit` rows, and the key before which the next page begins. A page may have fewer
    rows, or none, though more follow."""
    params = wanted.params() | _bounds(wanted, before)
    dag_ids = _dag_ids(tx, wanted)
    if dag_ids == []:
        return [], None
    if dag_ids:
        params |= {"dag_ids": json.dumps(dag_ids), "share": WINDOW // len(dag_ids) - 1}
    names = _fitting(wanted, dag_ids)
    floor = None
    if len(names) > 1 or not _SERVES[names[0]].issuperset(wanted.given):
        names[0], floor = _furthest(tx, known, names, params)
    if floor is not None:
        params |= {"floor_date": floor[0], "floor": floor[1]}
    rows = tx.all(known[names[0]].page, {**params, "limit": limit + 1})
    return rows[:limit], _key_of(rows[limit - 1]) if len(rows) > limit else floor


def _bounds(wanted: RunFilter, before: Key | None) -> dict[str, Any]:
    """The ends of what remains of the list. Those of a range of dates bound its list as well."""
    if not wanted.is_dated:
        return {"before": _NO_BOUND if before is None else before[1], "floor": 0}
    end = _NO_BOUND if wanted.to_date is None else to_us(wanted.to_date) + 1
    date, key = min((end, 0), (_NO_BOUND, 0) if before is None else before)
    start = -_NO_BOUND if wanted.from_date is None else to_us(wanted.from_date)
    return {"before_date": date, "before": key, "floor_date": start, "floor": 0}


def _dag_ids(tx: Transaction, wanted: RunFilter) -> list[str] | None:
    """The DAGs that the filters leave, if they are few; None if there may be many."""
    if wanted.dag_id is not None or wanted.is_dated:
        return None
    if wanted.tag is not None:
        rows = tx.all(DAGS_OF_TAG, {"tag": wanted.tag})
    elif wanted.name is not None and tx.one(HAS_MORE_DAGS) is None:
        rows = tx.all(DAGS_OF_NAME, {"name": wanted.name})
    else:
        return None
    return [row["dag_id"] for row in rows] if len(rows) <= MOST_DAGS else None


def _fitting(wanted: RunFilter, dag_ids: list[str] | None) -> list[str]:
    """The scans that hold all runs that are wanted."""
    if wanted.is_dated:
        if wanted.dag_id is not None:
            return ["dag_date"]
        return ["failed_date" if wanted.state == "failed" else "date"]
    given = {
        "backfill": wanted.backfill_id is not None,
        "dag": wanted.dag_id is not None,
        "dags": bool(dag_ids),
        "state": wanted.state is not None,
        "type": wanted.run_type not in (None, "scheduled"),
    }
    return [name for name, is_given in given.items() if is_given] or ["all"]


def _furthest(
    tx: Transaction, known: Mapping[str, Scan], names: list[str], params: Mapping[str, Any]
) -> tuple[str, Key | None]:
    """The scan whose window reaches furthest back, and the last row of the window; None if that
    holds all rows of the scan."""
    floors: dict[str, Key] = {}
    for name in names:
        row = tx.one(known[name].floor, params)
        if row is None or row["id"] is None:
            return name, None
        floors[name] = _key_of(row)
    name = min(floors, key=floors.__getitem__)
    return name, floors[name]


def _key_of(row: Row) -> Key:
    return int(row["logical_date"]), int(row["id"])
