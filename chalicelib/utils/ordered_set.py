"""A set that keeps insertion order. What a plain set yields first depends on the seed of its
hashes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class OrderedSet(Generic[T]):
    """Iterates in insertion order; adding an item again does not move it."""

    def __init__(self, items: Iterable[T] = ()) -> None:
        self._items = dict.fromkeys(items)

    def add(self, item: T) -> None:
        self._items.setdefault(item)

    def update(self, items: Iterable[T]) -> None:
        for item in items:
            self._items.setdefault(item)

    def pop(self) -> T:
        """Take the first. Raises IndexError where there is none."""
        if not self._items:
            raise IndexError("pop from an empty set")
        item = next(iter(self._items))
        del self._items[item]
        return item

    def discard(self, item: T) -> None:
        self._items.pop(item, None)

    def clear(self) -> None:
        self._items.clear()

    def __contains__(self, item: object) -> bool:
        return item in self._items

    def __iter__(self) -> Iterator[T]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)
