"""The lines of a broken file that are kept with its problems."""

from __future__ import annotations

import pytest

from chalicelib.dag.excerpts import MAX_CHARACTERS, MAX_LINE_LENGTH, excerpt
from chalicelib.dag.language.parser import parse
from chalicelib.dag.problems import DagFileError, Problem

TWENTY = "\n".join(f"line {number}" for number in range(1, 21)).encode()


def at(line: int) -> Problem:
    return Problem(line, 1, "", "wrong")


def numbers(source: bytes, *lines: int) -> list[int]:
    return [found.line for found in excerpt(source, map(at, lines))]


def test_two_lines_on_both_sides_are_shown() -> None:
    assert numbers(TWENTY, 7) == [5, 6, 7, 8, 9]
    assert excerpt(TWENTY, [at(7)])[2].text == "line 7"


def test_the_ends_of_the_file_are_kept() -> None:
    assert numbers(TWENTY, 1) == [1, 2, 3]
    assert numbers(TWENTY, 20) == [18, 19, 20]


def test_overlapping_excerpts_show_each_line_once() -> None:
    assert numbers(TWENTY, 5, 6, 6, 15) == [3, 4, 5, 6, 7, 8, 13, 14, 15, 16, 17]


def test_a_problem_after_the_end_shows_the_end() -> None:
    assert numbers(TWENTY, 21) == [19, 20]
    assert numbers(b"", 1) == [1]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x85", "\u2028"])
def test_lines_are_counted_as_yaml_counts_them(end: str) -> None:
    source = f"name: x{end}tasks:{end}  - id: a{end}    comand: echo{end}".encode()
    with pytest.raises(DagFileError) as refused:
        parse(source, file_name="x.yaml")
    texts = {line.line: line.text for line in excerpt(source, refused.value.problems)}
    assert any(texts[problem.line] == "    comand: echo" for problem in refused.value.problems)


def test_invalid_utf8_is_replaced() -> None:
    assert excerpt(b"\xef\xbb\xbfa\xff", [at(1)])[0].text == "a\ufffd"


def test_a_very_long_line_is_cut_off() -> None:
    assert len(excerpt(b"x" * 100_000, [at(1)])[0].text) == MAX_LINE_LENGTH


def test_many_problems_in_a_wide_file_are_bounded_and_the_first_are_kept() -> None:
    source = b"\n".join([b"y" * 1000] * 5000)
    shown = excerpt(source, [at(number) for number in range(1, 5000, 10)])
    assert sum(len(line.text) for line in shown) < MAX_CHARACTERS + 5 * MAX_LINE_LENGTH
    assert shown[0].line == 1
