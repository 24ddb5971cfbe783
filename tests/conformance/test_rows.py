"""Every key of a DAG file occurs in a case."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chalicelib.dag.language.fields.table import TABLES
from tests.conformance.case import Case, all_cases
from tests.conformance.rows import TABLE_NAMES, rows

ROWS = rows()


def test_every_row_of_the_language_has_a_case() -> None:
    covered = {row for case in all_cases() for row in case.covers}
    assert sorted(set(ROWS) - covered) == []


def test_no_table_of_fields_is_forgotten() -> None:
    assert set(TABLES) == set(TABLE_NAMES)


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: case.name)
def test_a_case_uses_the_words_that_it_covers(case: Case) -> None:
    assert [row for row in case.covers if row not in ROWS] == []
    words = {row: ROWS[row] for row in case.covers}
    said = re.sub(r"^covers:.*?(?=^\w)", "", case.words, flags=re.DOTALL | re.MULTILINE)
    assert [row for row, word in words.items() if word and word not in said] == []


def test_people_who_come_from_airflow_are_told_of_every_word() -> None:
    readme = (Path(__file__).parents[2] / "chalicelib/dag/README.md").read_text(encoding="utf-8")
    page = readme.partition("\n## Coming from Airflow")[2].partition("\n## ")[0]
    words = {f.name for name in ("The DAG", "The task", "A sensor") for f in TABLES[name]}
    told = set(re.findall(r"\w+", page))
    assert sorted(words - told) == []


def test_every_case_says_what_it_is_about() -> None:
    said = [case.does for case in all_cases()]
    assert len(set(said)) == len(said)
    assert all(case.covers for case in all_cases())
