"""A ordered is served in the order of arrival."""

from __future__ import annotations

import pytest

from chalicelib.utils.ordered_set import OrderedSet


def test_whoever_comes_first_is_served_first_and_who_asks_again_keeps_the_place() -> None:
    ordered = OrderedSet(["z", "a"])
    ordered.update(["z", "m"])
    ordered.add("a")
    ordered.discard("m")
    ordered.discard("unknown")
    assert list(ordered) == ["z", "a"]
    assert [ordered.pop(), ordered.pop(), len(ordered)] == ["z", "a", 0]


def test_an_empty_set_has_nothing_to_pop() -> None:
    with pytest.raises(IndexError, match="empty"):
        OrderedSet[str]().pop()
