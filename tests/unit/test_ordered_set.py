"""A line is served in the order of arrival."""

from __future__ import annotations

import pytest

from chalicelib.utils.ordered_set import Line


def test_whoever_comes_first_is_served_first_and_who_asks_again_keeps_the_place() -> None:
    line = Line(["z", "a"])
    line.update(["z", "m"])
    line.add("a")
    line.discard("m")
    line.discard("unknown")
    assert list(line) == ["z", "a"]
    assert [line.pop(), line.pop(), len(line)] == ["z", "a", 0]


def test_nobody_is_served_where_nobody_stands() -> None:
    with pytest.raises(IndexError, match="nobody"):
        Line[str]().pop()
