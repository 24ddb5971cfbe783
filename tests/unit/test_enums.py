"""Every closed set of words stands once, in `chalicelib/enums.py`; what cannot import it agrees.
The page is held against them by `web/test_page_vocabulary.py`."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from chalicelib import enums
from chalicelib.dag.states import RUN_TRANSITIONS, TASK_TRANSITIONS
from chalicelib.dag.trigger_rules import RULES
from chalicelib.enums import GROWING, RunState, read_word, words
from chalicelib.notification_kinds import KINDS
from chalicelib.web import openapi

ROOT = Path(__file__).parents[2]
SETS: list[type[StrEnum]] = [
    member
    for _, member in inspect.getmembers(enums, inspect.isclass)
    if issubclass(member, StrEnum) and member is not StrEnum
]
STATES = [enums.RunState, enums.TaskState, enums.BackfillState, enums.NotificationState]


def modules() -> list[Path]:
    paths = [*(ROOT / "chalicelib").rglob("*.py"), *(ROOT / "infra").rglob("*.py")]
    return sorted(path for path in paths if path.name != "enums.py")


def lists_of_words(source: str) -> Iterator[tuple[str, ...]]:
    """Tuples, lists, sets and Literals of two words or more."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Tuple | ast.List | ast.Set) and len(node.elts) > 1:
            values = [getattr(element, "value", None) for element in node.elts]
            if all(isinstance(value, str) for value in values):
                yield tuple(map(str, values))


def test_no_other_module_lists_the_words_of_a_set() -> None:
    """Take them from `chalicelib/enums.py`."""
    again = [
        (str(path.relative_to(ROOT)), listed)
        for path in modules()
        for listed in lists_of_words(path.read_text(encoding="utf-8"))
        if any(set(listed) <= set(words(known)) for known in SETS)
    ]
    assert again == []


def test_a_list_of_words_is_seen() -> None:
    source = 'A = ("viewer", "operator")\nB: Literal["failed", "lost"]\nC = ["viewer"]\n'
    assert list(lists_of_words(source)) == [("viewer", "operator"), ("failed", "lost")]


def test_the_executor_loads_no_more_for_the_words_than_the_standard_library_s_enum() -> None:
    tree = ast.parse((ROOT / "chalicelib/enums.py").read_text())
    imported = {
        node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert imported == {"__future__", "enum", "typing"}


def test_each_word_that_decides_something_has_its_rule() -> None:
    assert set(RUN_TRANSITIONS) == set(enums.RunState)
    assert set(TASK_TRANSITIONS) == set(enums.TaskState)
    assert set(RULES) == set(enums.TriggerRule)
    assert set(words(enums.Mark)) < set(words(enums.TaskState))


@pytest.mark.parametrize("growing", GROWING)
def test_a_word_of_a_later_version_is_read_as_it_is(growing: type[StrEnum]) -> None:
    assert read_word(growing, "of_a_later_version") == "of_a_later_version"
    assert all(read_word(growing, word) is growing(word) for word in words(growing))


def test_a_state_of_a_run_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="unheard_of"):
        read_word(RunState, "unheard_of")


def enums_in(document: Any) -> Iterator[tuple[str, ...]]:
    if isinstance(document, dict):
        if isinstance(document.get("enum"), list):
            yield tuple(word for word in document["enum"] if word is not None)
        for value in document.values():
            yield from enums_in(value)
    elif isinstance(document, list):
        for value in document:
            yield from enums_in(value)


def test_the_openapi_document_lists_whole_sets() -> None:
    whole = {words(known) for known in SETS} | {tuple(KINDS)}
    whole.add(("failed", "cancelled"))  # of `stopping`
    assert set(enums_in(openapi.document())) <= whole


_COLUMNS: dict[str, list[type[StrEnum]]] = {
    "state": STATES,
    "stopping": [enums.RunState],
    "run_type": [enums.RunType],
    "outcome": [enums.Outcome],
    "reprocess": [enums.Reprocess],
    "event": [enums.NotificationEvent],
    "role": [enums.Role],
}
_COMPARED = re.compile(
    rf"\b({'|'.join(_COLUMNS)}) +(?:(?:=|<>) *('\w+')"
    r"|(?:NOT +)?IN +\(((?:[\s\"]*'\w+',?)+)[\s\"]*\))"
)


def words_in_sql(text: str) -> Iterator[tuple[str, str]]:
    for column, alone, several in _COMPARED.findall(text):
        yield from ((column, word) for word in re.findall(r"'(\w+)'", alone or several))


def test_sql_names_no_word_that_there_is_not() -> None:
    paths = sorted((ROOT / "chalicelib/database").rglob("*.py"))
    paths += sorted((ROOT / "chalicelib/database").rglob("*.sql"))
    seen = {pair for path in paths for pair in words_in_sql(path.read_text(encoding="utf-8"))}
    assert len(seen) > 15
    unknown = {
        (column, word)
        for column, word in seen
        if not any(word in words(known) for known in _COLUMNS[column])
    }
    assert unknown == set()
