"""The guards of the UPDATEs that change a state are literals in the SQL, and each of their moves is
in the table of legal transitions. What a change of the DAG's version takes back (`iif`) is no
move."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.dag.states import RUN_TRANSITIONS, TASK_TRANSITIONS

QUERIES = Path(__file__).parents[3] / "chalicelib/database/queries"
LEGAL = {
    "task_instances": {(str(a), str(b)) for a, some in TASK_TRANSITIONS.items() for b in some},
    "runs": {(str(a), str(b)) for a, some in RUN_TRANSITIONS.items() for b in some},
}
_UPDATE = re.compile(r"UPDATE (task_instances|runs) SET (.*?) WHERE (.*)", re.DOTALL)
_ROWS = re.compile(r"SET .* \{rows\} WHERE ", re.DOTALL)
"""A statement of one row or many, of `update_of_rows`."""
_TARGET = re.compile(r"(?:^|, )state = (\?|'\w+')")
_TARGETS = re.compile(r"\?1 IN \(([^)]*)\)")
_SOURCES = re.compile(r"\bstate (?:= ('\w+')|IN \(([^)]*)\))")
_PAIR = re.compile(r"\('(\w+)', '(\w+)'\)")


def statements() -> list[str]:
    """The texts in the modules of queries; Python has joined the parts of each."""
    nodes = [
        node
        for path in sorted(QUERIES.glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
    ]
    constants = [node.value for node in nodes if isinstance(node, ast.Constant)]
    texts = [_of_one_row(text) for text in constants if isinstance(text, str)]
    return [text for text in texts if _UPDATE.match(text)]


def _of_one_row(text: str) -> str:
    if not _ROWS.match(text):
        return text
    return f"UPDATE task_instances {text}".replace("= {state}", "= ?").replace("{state}", "?1")


def words(text: str) -> list[str]:
    return re.findall(r"'(\w+)'", text)


def moves(sql: str) -> Iterator[tuple[str, str]]:
    """(from, to) for each change of state that the statement may make."""
    _, changes, condition = _UPDATE.match(sql).groups()  # type: ignore[union-attr]
    target = _TARGET.search(changes)
    if target is None:
        return
    if "IN (VALUES" in condition:
        yield from _PAIR.findall(condition)
        return
    allowed = _TARGETS.search(condition)
    targets = words(allowed[1] if allowed else "") if target[1] == "?" else words(target[1])
    sources = [word for match in _SOURCES.finditer(condition) for word in words(match[0])]
    yield from ((source, target) for source in sources for target in targets if source != target)


CHANGES = [sql for sql in statements() if _TARGET.search(_UPDATE.match(sql)[2])]  # type: ignore[index]


@pytest.mark.parametrize("sql", CHANGES)
def test_a_statement_makes_legal_moves_only(sql: str) -> None:
    table = _UPDATE.match(sql)[1]  # type: ignore[index]
    made = set(moves(sql))
    assert made, "its guard names no state"
    assert made <= LEGAL[table]


def test_every_change_of_a_run_s_state_has_a_statement() -> None:
    made = {move for sql in CHANGES if "UPDATE runs" in sql for move in moves(sql)}
    assert made == LEGAL["runs"]


def test_every_change_of_a_task_s_state_has_a_statement() -> None:
    made = {move for sql in CHANGES if "UPDATE task_instances" in sql for move in moves(sql)}
    assert {pair for pair in LEGAL["task_instances"] if pair[0] != pair[1]} <= made


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("UPDATE runs SET state = 'queued' WHERE state = 'failed'", {("failed", "queued")}),
        ("UPDATE runs SET state = ? WHERE state IN ('a', 'b') AND ?1 IN ('c')",
         {("a", "c"), ("b", "c")}),
        ("UPDATE runs SET state = ? WHERE (state, ?1) IN (VALUES ('a', 'b'))", {("a", "b")}),
        ("UPDATE runs SET state = 'queued' WHERE id = 1", set()),
        ("UPDATE runs SET reason = '' WHERE state = 'failed'", set()),
    ],
)  # fmt: skip
def test_moves_are_read_from_sql(sql: str, expected: set[tuple[str, str]]) -> None:
    assert set(moves(sql)) == expected
