"""Rows as the scheduler would leave them, put straight into a database: for tests that read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.dag.model import Dag, Task
from chalicelib.database import Database, Transaction
from chalicelib.database.connection.times import to_us
from chalicelib.database.queries import dags, pools
from chalicelib.messages import Attempt

START = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)

TASKS = (Task("extract", "echo extract"), Task("load", "echo load", ("extract",)))


class Rows:
    """Each method is one transaction; each thing made is a minute younger than the one before."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = START

    def dag(
        self,
        dag_id: str,
        *,
        is_paused: bool = False,
        warnings: Sequence[dict[str, Any]] = (),
        **fields: Any,
    ) -> Dag:
        """An active DAG of two tasks, or what `fields` say of it."""
        dag = Dag(**{"dag_id": dag_id, "name": dag_id, "tasks": TASKS, **fields})
        with self.database.write() as tx:
            self.put(tx, dag, is_paused=is_paused, warnings=warnings)
        return dag

    def put(
        self,
        tx: Transaction,
        dag: Dag,
        *,
        is_paused: bool = False,
        warnings: Sequence[dict[str, Any]] = (),
    ) -> None:
        """Store a DAG in the caller's transaction; a known dag_id gets a new version."""
        now, key = self._tick(), f"{dag.dag_id}.yaml"
        etag = f"etag-{now:%H%M%S}"
        version = dags.add_version(tx, dag, key, etag, f"name: {dag.name}\n", now)
        next_fire_at = now + timedelta(hours=1) if dag.schedule and not is_paused else None
        dags.activate(tx, dag, version, key, is_paused, next_fire_at, now, warnings)
        dags.save_file(tx, key, etag, dag.dag_id, now)

    def removed(self, dag_id: str) -> None:
        with self.database.write() as tx:
            dags.set_removed(tx, dag_id, self._tick())

    def broken(self, key: str, message: str = "no such key") -> None:
        """A file that cannot be registered."""
        problem = {"line": 3, "column": 1, "path": "tasks", "message": message}
        lines = [{"line": 3, "text": "tsks: []"}]
        with self.database.write() as tx:
            if dags.file(tx, key) is None:
                dags.save_file(tx, key, "etag", None, self._tick())
            dags.set_import_error(tx, key, [problem], lines, None, self._tick())

    def run(self, dag_id: str, state: str = "success", **columns: Any) -> str:
        """A run without tasks; answers its run_id."""
        with self.database.write() as tx:
            return self.put_run(tx, dag_id, state, **columns)[0]

    def put_run(
        self, tx: Transaction, dag_id: str, state: str = "success", **columns: Any
    ) -> tuple[str, int]:
        """Store a run in the caller's transaction; return its run_id and key."""
        at = self._tick()
        has_begun = state != "queued"
        has_ended = state in ("success", "failed", "cancelled")
        version = tx.one("SELECT version_id FROM dags WHERE dag_id = ?", (dag_id,))
        assert version is not None, f"no DAG {dag_id}"
        row = {
            "run_id": f"{dag_id}__{at:%Y%m%dT%H%M%SZ}_abcde",
            "dag_id": dag_id,
            "version_id": version[0],
            "run_type": "scheduled",
            "state": state,
            "logical_date": to_us(at),
            "data_interval_start": to_us(at - timedelta(hours=1)),
            "data_interval_end": to_us(at),
            "not_before": to_us(at),
            "created_at": to_us(at),
            "admitted_at": to_us(at) if has_begun else None,
            "started_at": to_us(at + SECOND) if has_begun else None,
            "ended_at": to_us(at + 3.5 * SECOND) if has_ended else None,
            **columns,
        }
        return str(row["run_id"]), insert(tx, "runs", row)

    def task(
        self,
        run_id: str,
        task_id: str,
        state: str = "success",
        attempt: dict[str, Any] | None = None,
        **columns: Any,
    ) -> int:
        """One task of a run; answers its key. `attempt` are columns of its history."""
        with self.database.write() as tx:
            return self.put_task(tx, run_id, task_id, state, attempt, **columns)

    def put_task(
        self,
        tx: Transaction,
        run_id: str,
        task_id: str,
        state: str,
        attempt: dict[str, Any] | None = None,
        **columns: Any,
    ) -> int:
        """Store a task instance in the caller's transaction. An attempt that has ended gets its
        history."""
        run = tx.one("SELECT id, dag_id FROM runs WHERE run_id = ?", (run_id,))
        assert run is not None
        at = self._tick()
        has_begun = state in ("running", "success", "failed", "up_for_retry")
        has_ended = state in ("success", "failed", "up_for_retry")
        row = {
            "run_key": run[0],
            "dag_id": run[1],
            "task_id": task_id,
            "state": state,
            "try_number": int(has_begun or state == "queued"),
            "queued_at": to_us(at) if has_begun else None,
            "started_at": to_us(at + SECOND) if has_begun else None,
            "ended_at": to_us(at + 2 * SECOND) if has_ended else None,
            "exit_code": {"success": 0, "failed": 1, "up_for_retry": 1}.get(state),
            "log_bytes": 10 if has_ended else None,
            "max_rss_bytes": 4096 if has_ended else None,
            **columns,
        }
        key = insert(tx, "task_instances", row)
        if has_ended:
            names = ("try_number", "queued_at", "started_at", "ended_at", "exit_code", "log_bytes")
            outcome = "success" if state == "success" else "failed"
            history = {name: row[name] for name in names}
            used = {"task_instance_id": key, "outcome": outcome, **history, **(attempt or {})}
            insert(tx, "attempts", used)
        return key

    def outputs(self, run_id: str, task_id: str, values: dict[str, Any]) -> None:
        """What a task wrote."""
        with self.database.write() as tx:
            row = {"task_instance_id": _key(tx, run_id, task_id), "outputs": json.dumps(values)}
            insert(tx, "task_outputs", row)

    def artifact(self, run_id: str, key: int, name: str = "report", **columns: Any) -> None:
        """What the task instance with this key left."""
        row = {
            "task_instance_id": key,
            "name": name,
            "try_number": 1,
            "file_name": "report.csv",
            "size_bytes": 10,
            "sha256": "0" * 64,
            "created_at": to_us(self._tick()),
            **columns,
        }
        with self.database.write() as tx:
            insert(tx, "artifacts", row)

    def short_log(self, run_id: str, task_id: str, try_number: int, log: str) -> None:
        """The whole log of an attempt that has ended."""
        with self.database.write() as tx:
            key = _key(tx, run_id, task_id)
            row = {"task_instance_id": key, "try_number": try_number, "log": log}
            insert(tx, "short_logs", row)

    def pool(self, name: str, slots: int = 2, description: str = "") -> None:
        with self.database.write() as tx:
            pools.put(tx, name, slots, description, self._tick())

    def backfill(self, dag_id: str, state: str = "running", **columns: Any) -> int:
        """A backfill of a day; answers its id."""
        at = self._tick()
        row = {
            "dag_id": dag_id,
            "from_date": to_us(START),
            "to_date": to_us(START + timedelta(days=1)),
            "next_date": to_us(START),
            "reprocess": "none",
            "max_active_runs": 1,
            "state": state,
            "created_at": to_us(at),
            **columns,
        }
        with self.database.write() as tx:
            return insert(tx, "backfills", row)

    def notification(self, run_id: str, state: str = "pending", **columns: Any) -> int:
        """A message about the end of a run; answers its id."""
        at = self._tick()
        row = {
            "dag_id": run_id.partition("__")[0],
            "run_id": run_id,
            "event": "failure",
            "kind": "webhook",
            "target": "https://example.com/hook",
            "payload": json.dumps({"event": "failure", "run_id": run_id}),
            "state": state,
            "sends": 1,
            "created_at": to_us(at),
            "due_at": to_us(at) if state == "pending" else None,
            **columns,
        }
        with self.database.write() as tx:
            return insert(tx, "notifications", row)

    def tick(self, errors: Iterable[str] = (), **counts: int) -> None:
        with self.database.write() as tx:
            row = {
                "started_at": to_us(self._tick()),
                "duration_us": 12_500,
                "counts": json.dumps(counts),
                "errors": json.dumps(list(errors)),
            }
            insert(tx, "ticks", row)

    def attempt(self, run_id: str, task_id: str, try_number: int = 1, poke: int = 0) -> Attempt:
        """The name of an attempt, for putting its log into a bucket."""
        return Attempt(run_id.partition("__")[0], run_id, task_id, -1, try_number, poke)

    def _tick(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now


def _key(tx: Transaction, run_id: str, task_id: str) -> int:
    row = tx.one(
        "SELECT t.id FROM task_instances t JOIN runs r ON r.id = t.run_key"
        " WHERE r.run_id = ? AND t.task_id = ?",
        (run_id, task_id),
    )
    assert row is not None
    return int(row[0])


def insert(tx: Transaction, table: str, row: dict[str, Any]) -> int:
    """One row of any table; answers its rowid."""
    marks = ", ".join("?" for _ in row)
    return tx.insert(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values()))
