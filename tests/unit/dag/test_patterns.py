"""Patterns of params: what they match, and that none takes long."""

from __future__ import annotations

import subprocess
import sys

import pytest

from chalicelib.dag.evaluate.params import ParamError, resolve_params
from chalicelib.dag.language.parser import DagFileError, parse
from chalicelib.dag.model import Dag, Param
from chalicelib.dag.patterns import BadPattern, check_pattern, matches

EMAIL = (
    r"([a-zA-Z0-9])(([\-.]|[_]+)?([a-zA-Z0-9]+))*(@){1}[a-z0-9]+[.]{1}"
    r"(([a-z]{2,3})|([a-z]{2,3}[.]{1}[a-z]{2,3}))"
)
HOURS_OTHERWISE = 60
"""Seconds for what Python's own engine would not finish in the age of the universe."""


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        (EMAIL, "ann.lee@example.org", True),
        (EMAIL, "ann.lee", False),
        ("[a-z]{3}", "mon", True),
        ("[a-z]{3}", "monday", False),
        ("a|ab", "ab", True),
        ("a$", "a\n", False),
        ("(?i)größe", "GRÖSSE".replace("SS", "ß"), True),
        (r"\d{4}-\d{2}-\d{2}", "2026-11-23", True),
        (r"\d", "٣", False),
        (r"\pL+", "größe", True),
        (r"(?P<year>20\d\d)Q[1-4]", "2026Q4", True),
        (r"\{,5}", "{,5}", True),
        (r"[{,5}]+", "5,5", True),
    ],
)
def test_a_pattern_matches_a_text_as_a_whole(pattern: str, text: str, expected: bool) -> None:
    assert matches(pattern, text) is expected


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("[a-z", "missing ]: [a-z"),
        ("a(?=b)", "has no lookahead, lookbehind"),
        ("a(?!b)", "has no lookahead, lookbehind"),
        ("(?<=a)b", "has no lookahead, lookbehind"),
        (r"(a)\1", "backreferences"),
        ("(?P<x>a)(?P=x)", "backreferences"),
        ("a++", "possessive"),
        ("(?>a)", "possessive"),
        (r"a\Z", "remove it"),
        (r"\u00e9", "write the character itself"),
        ("x{,5}", "write {0,5} instead of {,5}"),
        ("a{1001}", "a count is at most 1000"),
        (r"(\pL{1,30}){1,30}", "use smaller counts"),
        (r"[\pL\pN]{1000}" * 30, "use smaller counts"),
        ("(" * 490, "missing )"),
    ],
)
def test_a_pattern_without_a_linear_match_is_refused_with_a_remedy(pattern: str, why: str) -> None:
    with pytest.raises(BadPattern) as caught:
        check_pattern(pattern)

    assert why in str(caught.value)


@pytest.mark.parametrize("pattern", [EMAIL, "(a+)+b", "(a|a)*b", "(a|aa)+$b", "(.*a){20}b"])
def test_no_pattern_takes_forever(pattern: str) -> None:
    script = (
        "import sys; from chalicelib.dag.patterns import matches;"
        "print(matches(sys.argv[1], 'a' * 30_000))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, pattern],
        capture_output=True,
        text=True,
        timeout=HOURS_OTHERWISE,
        check=True,
    )

    assert done.stdout == "False\n"


def test_params_that_are_too_long_are_never_matched() -> None:
    dag = Dag("d", "d", (), params=(Param("a", pattern="b+"), Param("c")))

    with pytest.raises(ParamError) as caught:
        resolve_params(dag, {"a": "a" * 40_000, "c": "a"})

    assert [p["message"] for p in caught.value.details["problems"]] == [
        "the params have 40019 bytes; at most 32768 are allowed"
    ]


@pytest.mark.parametrize("key", ["enum: [{}]", "default: {}"])
def test_a_file_cannot_have_its_own_values_matched_without_end(key: str) -> None:
    params = ", ".join(
        f"p{number}: {{pattern: 'b+', {key.format('*long')}}}" for number in range(20)
    )
    source = f"name: x\ndescription: &long {'a' * 4000}\nparams: {{{params}}}\n"

    with pytest.raises(DagFileError) as caught:
        parse(f"{source}tasks: [{{id: a, command: b}}]".encode())

    (problem,) = caught.value.problems
    assert problem.path == "params"
    assert problem.message.endswith("bytes; at most 32768 are allowed")


def test_a_pattern_of_an_older_definition_that_cannot_be_used_is_reported() -> None:
    dag = Dag("d", "d", (), params=(Param("a", pattern="a(?=b)"),))

    with pytest.raises(ParamError, match=r"param 'a' cannot be checked: .*lookahead"):
        resolve_params(dag, {"a": "ab"})


def test_a_long_enum_is_shortened_in_messages() -> None:
    dag = Dag("d", "d", (), params=(Param("a", enum=tuple(range(1000))),))

    with pytest.raises(ParamError, match="18, 19 and 980 more, not 1000"):
        resolve_params(dag, {"a": 1000})
