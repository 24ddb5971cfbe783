"""Templates are compiled between transactions, however many the author of a file writes: nobody
waits for the database meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.dag.templates import engine
from chalicelib.dag.templates.compile_budget import NotCompiled
from chalicelib.database import Database
from chalicelib.scheduler.commands import backfills
from chalicelib.scheduler.transaction import MAX_COMPILED, unit_of_work
from tests.support.world import Played, World

MakeWorld = Callable[..., World]


def compiled() -> int:
    return engine._compile.cache_info().misses


class CountingDatabase:
    """Counts the expressions that were compiled in each of its write transactions."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.read = database.read
        self.compiled: list[int] = []

    @contextmanager
    def write(self, batch_id: str | None = None) -> Iterator[Any]:
        with self.database.write(batch_id) as tx:
            before = compiled()
            try:
                yield tx
            finally:
                self.compiled.append(compiled() - before)


@pytest.fixture
def counting(make_world: MakeWorld) -> tuple[World, CountingDatabase]:
    engine._compile.cache_clear()
    engine._program.cache_clear()
    world = make_world(lambda m: Played(outputs={"x": [1, 2]} if m.outputs else {}))
    database = CountingDatabase(world.database)
    world.scheduler = replace(world.scheduler, database=database)  # type: ignore[arg-type]
    return world, database


def forget_templates() -> None:
    """Forget the templates, as in a process that has just begun."""
    engine._compile.cache_clear()
    engine._program.cache_clear()


def many(name: str, number: int) -> str:
    """Templates that are all different."""
    return " ".join(f"{{{{ ds | replace('{name}', '{i}') }}}}" for i in range(number))


def dag(**parts: Any) -> str:
    return json.dumps({"name": "Many", "max_active_tasks": 1000, **parts})


SHAPES = {
    "one command": dag(tasks=[{"id": "t", "command": f"x {many('a', 900)}"}]),
    "many commands": dag(
        tasks=[{"id": f"t{n}", "command": f"x {many(f'a{n}', 4)}"} for n in range(300)]
    ),
    "variables": dag(
        tasks=[
            {"id": "t", "command": "x", "env": {f"A{n}": many(f"b{n}", 5) for n in range(100)}},
        ]
    ),
    "expand": dag(
        tasks=[{"id": "t", "command": "x", "expand": {"A": [many(f"c{n}", 4) for n in range(100)]}}]
    ),
    "params": dag(
        schedule="@every 60s",
        params={f"p{n}": {"default": many(f"d{n}", 8)} for n in range(50)},
        tasks=[{"id": "t", "command": "x"}],
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_no_transaction_compiles_more_than_a_few(
    counting: tuple[World, CountingDatabase], shape: str
) -> None:
    world, database = counting
    world.upload(SHAPES[shape])
    assert world.all("SELECT problems FROM import_errors") == []
    world.upload("name: Good\nschedule: '@every 60s'\ntasks: [{id: t, command: x}]", "good.yaml")
    forget_templates()
    database.compiled.clear()
    before = compiled()
    if shape != "params":
        world.request("many")
    world.play(130)
    assert compiled() - before > MAX_COMPILED
    assert max(database.compiled) <= MAX_COMPILED
    states = dict(world.all("SELECT dag_id, group_concat(DISTINCT state) FROM runs GROUP BY 1"))
    assert states == {"good": "success", "many": "success"}
    assert len(world.all("SELECT 1 FROM runs WHERE dag_id = 'good'")) >= 2


def test_what_cannot_be_kept_compiled_does_not_wait_for_ever(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload("name: D\ntasks: [{id: t, command: x}]")
    with unit_of_work(world.scheduler) as work:
        with work.isolate("a thing", dag_id="d"):
            raise NotCompiled("{{ a }}")
        assert (list(work.templates_to_compile), work.isolated_errors) == (["{{ a }}"], [])
        work.compiled_templates = frozenset(["{{ a }}"])
        with work.isolate("a thing", dag_id="d"):
            raise NotCompiled("{{ a }}")
        assert len(work.isolated_errors) == 1


def test_dates_of_a_backfill_wait_for_the_templates_of_their_params(
    counting: tuple[World, CountingDatabase],
) -> None:
    world, database = counting
    world.upload(SHAPES["params"].replace("@every 60s", "@hourly"))
    forget_templates()
    database.compiled.clear()
    now = world.clock()
    backfills.create(world.scheduler, "many", who="a", from_date=now.replace(hour=7), to_date=now)
    world.play(70)
    assert max(database.compiled) <= MAX_COMPILED
    assert world.all("SELECT state, counts FROM backfills") == [("done", '{"created": 4}')]
