"""Durations are parsed and formatted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.dag.schedule.durations import BadDuration, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("90", 90.0),
        ("1.5", 1.5),
        ("30s", 30.0),
        ("5m", 300.0),
        ("1h30m", 5400.0),
        ("2d", 172_800.0),
        ("1d2h3m4.5s", 93_784.5),
        ("1.5h", 5400.0),
        ("0.000001s", 0.000001),
    ],
)
def test_a_duration_is_a_number_of_seconds_or_has_units(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "s",
        "5 m",
        "5M",
        "1:30",
        "30m1h",
        "1h1h",
        "-5s",
        "+5",
        "1e3",
        "5w",
        "٣s",
        "1.s",
        "5m\n",
    ],
)
def test_an_invalid_duration_is_refused_with_examples(text: str) -> None:
    with pytest.raises(BadDuration, match="such as 30s, 5m, 1h30m or 2d"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (300.0, "5m"),
        (5400, "1h30m"),
        (86_400, "1d"),
        (61.25, "1m1.25s"),
        (0.001, "0.001s"),
    ],
)
def test_a_duration_is_written_in_the_largest_units(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@given(st.integers(0, 10**14))
def test_a_formatted_duration_parses_to_the_same_value(microseconds: int) -> None:
    seconds = microseconds / 1_000_000

    assert parse_duration(format_duration(seconds)) == seconds
