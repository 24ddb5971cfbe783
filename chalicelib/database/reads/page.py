"""One page of a list that a read returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
Key = TypeVar("Key", int, str)


@dataclass(frozen=True, slots=True)
class Page(Generic[T, Key]):
    """One page of a list. `next_key` is where the next page starts; None on the last page."""

    items: list[T]
    next_key: Key | None
