"""What is done all the time must cost what is due, not what there is: no query of it scans a
table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

from chalicelib.database import Database, Transaction
from chalicelib.database.connection.row_statements import in_statements
from chalicelib.scheduler.commands import backfills, pools, runs
from chalicelib.scheduler.commands import dags as dag_commands
from tests.support.world import FAIL, SUCCEED, World

BIG = (
    "dags",
    "dag_versions",
    "runs",
    "task_instances",
    "attempts",
    "commits",
    "notifications",
    "audit",
)


class ExplainingDatabase:
    """Explains every statement before it runs, and keeps those that scan one of the big tables."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.seen: set[str] = set()
        self.scans: set[str] = set()

    @contextmanager
    def write(self, batch_id: str | None = None) -> Iterator[Any]:
        with self.database.write(batch_id) as tx:
            yield _Explaining(self, tx)

    @contextmanager
    def read(self) -> Iterator[Any]:
        with self.database.read() as tx:
            yield _Explaining(self, tx)


class _Explaining:
    def __init__(self, owner: ExplainingDatabase, tx: Transaction) -> None:
        self._owner, self._tx = owner, tx

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._tx, name)
        if name in {"change_row", "change_rows"}:
            return partial(self._explained_rows, method)
        if name in {"execute", "one", "all", "insert", "returning"}:
            return partial(self._explained, method)
        return method

    def _explained(self, method: Any, sql: str, params: Any = (), **options: Any) -> Any:
        self._explain(sql, params)
        return method(sql, params, **options)

    def _explained_rows(self, method: Any, statement: Any, *rows: Any, **options: Any) -> Any:
        for sql, values in in_statements(statement, [[None] * statement.width] * 3):
            self._explain(sql, values)
        return method(statement, *rows, **options)

    def _explain(self, sql: str, params: Any) -> None:
        if sql in self._owner.seen:
            return
        self._owner.seen.add(sql)
        for row in self._tx.all("EXPLAIN QUERY PLAN " + sql, params):
            detail = str(tuple(row)[3])
            if detail.startswith("SCAN") and "USING" not in detail:
                table = detail.split()[1]
                if table in BIG or (len(table) == 1 and table.isalpha()):
                    self._owner.scans.add(f"{detail}: {sql}")


def test_the_engine_never_scans_a_table(make_world: Callable[..., World]) -> None:
    world = make_world(lambda task: FAIL if task.attempt.try_number == 1 else SUCCEED)
    explaining = ExplainingDatabase(world.database)
    object.__setattr__(world.scheduler, "database", explaining)
    world.upload(
        'name: D\nschedule: "@every 30s"\nmax_active_runs: 1\n'
        "tasks: [{id: a, command: x, retries: 1, retry_delay: 1},"
        " {id: b, command: x, retries: 1, retry_delay: 150, dependencies: a}]"
    )
    run_id = world.request("d", idempotency_key="k")
    world.play(400)
    use_everything(world, run_id)
    assert len(explaining.seen) > 70
    assert explaining.scans == set()


def use_everything(world: World, run_id: str) -> None:
    pools.put_pool(world.scheduler, "db", 1, who="ann")
    world.upload("name: Child\ntasks: [{id: t, command: x, pool: db}]", "child.yaml")
    world.upload(
        "name: E\ntags: [x]\nretention_days: 3\noverlap_policy: replace\nmax_active_runs: 1\n"
        'dagrun_timeout: 100\nschedule: "0 * * * *"\non_success: [{command: x}]\n'
        "tasks:\n  - {id: many, command: x, expand: {A: [1, 2, 3]}, depends_on_past: true}\n"
        "  - {id: go, trigger_dag_id: child, wait_for_completion: true}\n"
        "  - {id: see, command: x, sensor: {poke_interval: 1, timeout: 5}}",
        "e.yaml",
    )
    now = world.clock()
    backfills.create(world.scheduler, "e", who="a", from_date=now - timedelta(hours=5), to_date=now)
    world.play(30)
    world.request("e")
    world.request("e")
    world.play(200)
    runs.clear(world.scheduler, run_id, who="ann")
    runs.cancel_run(world.scheduler, run_id, who="ann")
    dag_commands.set_paused_by_tag(world.scheduler, "x", True, who="ann")
    world.play(7200)
    world.remove("e.yaml")
    pools.remove_pool(world.scheduler, "db", who="ann")
