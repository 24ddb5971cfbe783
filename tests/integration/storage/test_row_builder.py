"""Rows are read by name, through one builder, whatever the order of the columns."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chalicelib.database import Database
from chalicelib.database.row_builder import Builder, build, build_readable
from chalicelib.enums import RunState, RunType

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Example:
    name: str
    at: datetime | None
    is_on: bool
    state: RunState | None
    run_type: RunType
    params: dict[str, Any]
    extra: int = 0


COLUMNS = {
    "name": "'a'",
    "at": "1000000",
    "is_on": "1",
    "state": "'failed'",
    "run_type": "'manual'",
    "params": """'{"n": 1}'""",
}


def select(database: Database, **changed: str) -> Any:
    columns = {**COLUMNS, **changed}
    with database.read() as tx:
        return tx.one("SELECT " + ", ".join(f"{sql} AS {name}" for name, sql in columns.items()))


@pytest.mark.parametrize("names", [list(COLUMNS), sorted(COLUMNS), sorted(COLUMNS)[::-1]])
def test_columns_are_found_by_name_and_converted_by_type(
    database: Database, names: list[str]
) -> None:
    with database.read() as tx:
        row = tx.one("SELECT " + ", ".join(f"{COLUMNS[name]} AS {name}" for name in names))
    assert row is not None
    at = datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    expected = Example("a", at, True, RunState.FAILED, RunType.MANUAL, {"n": 1}, 5)
    assert build(Example, row, extra=5) == expected


def test_null_stays_none(database: Database) -> None:
    built = build(Example, select(database, at="NULL", state="NULL"), extra=0)
    assert (built.at, built.state) == (None, None)


def test_columns_may_have_a_prefix(database: Database) -> None:
    with database.read() as tx:
        row = tx.one(
            "SELECT " + ", ".join(f"{sql} AS last_{name}" for name, sql in COLUMNS.items())
        )
    assert row is not None
    assert build(Example, row, prefix="last_", extra=0).name == "a"


def test_a_column_that_was_not_selected_is_named(database: Database) -> None:
    with pytest.raises(LookupError, match=r"Example needs columns .*\['extra'\]"):
        build(Example, select(database))


def test_json_that_cannot_be_read_is_an_error_for_the_scheduler_and_a_text_for_a_list(
    database: Database,
) -> None:
    row = select(database, params="'{'")
    with pytest.raises(ValueError, match="Expecting property name"):
        build(Example, row, extra=0)
    assert "cannot be read" in build_readable(Example, row, extra=0).params["error"]


def positions(path: Path) -> list[str]:
    """Subscripts of `row` by a number, and `*row`."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        is_number = isinstance(node, ast.Subscript) and isinstance(
            getattr(node.slice, "value", None), int
        )
        target = getattr(node, "value", None)
        is_row = isinstance(target, ast.Name) and target.id in {"row", "used"}
        if is_row and (is_number or isinstance(node, ast.Starred)):
            found.append(f"{path.name}:{node.lineno}")  # type: ignore[attr-defined]
    return found


def test_no_query_reads_a_column_by_its_position() -> None:
    folder = ROOT / "chalicelib/database"
    paths = [*folder.glob("queries/*.py"), *folder.glob("reads/*.py")]
    assert [place for path in paths for place in positions(path)] == []


@dataclass(frozen=True)
class Part:
    state: RunState | None
    at: datetime | None


@dataclass(frozen=True)
class Whole:
    part: Part
    is_on: bool
    name: str


def test_a_builder_makes_of_every_row_what_build_makes(database: Database) -> None:
    builder = Builder(Whole, part=Builder(Part))
    one = "SELECT 'a' AS name, 1000000 AS at, 1 AS is_on, 'failed' AS state"
    other = "SELECT 'b', NULL, 0, NULL"
    with database.read() as tx:
        rows = tx.all(f"{one} UNION ALL {other} ORDER BY 1")
    expected = [build(Whole, row, part=build(Part, row)) for row in rows]
    assert [builder(row) for row in rows] == expected
    assert expected[0].part == Part(RunState.FAILED, datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))


def test_a_builder_says_which_column_is_missing(database: Database) -> None:
    with database.read() as tx, pytest.raises(LookupError, match="is_on"):
        row = tx.one("SELECT 'a' AS name, 1 AS at, NULL AS state")
        assert row is not None
        Builder(Whole, part=Builder(Part))(row)
