"""How many templates may be compiled where there is no time for many.

Compiling is what costs: half a millisecond for each template that was not met lately, and how many
there are is up to the author of the file. Whoever holds a lock meanwhile sets a budget, and
compiles what goes beyond it afterwards (`templates.precompile`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_SEEN_BEFORE = 1 / 20
"""What a template costs whose expression has been compiled already."""


class NotCompiled(Exception):
    """The budget is used up; `texts` hold the templates that are to be compiled first."""

    def __init__(self, *texts: str) -> None:
        super().__init__("too many templates to compile at once")
        self.texts = texts


class _Budget:
    def __init__(self, left: float) -> None:
        self.left = left


_budget: ContextVar[_Budget | None] = ContextVar("budget", default=None)


@contextmanager
def compile_at_most(expressions: int) -> Iterator[None]:
    """In the block more than so many expressions raise NotCompiled."""
    token = _budget.set(_Budget(expressions))
    try:
        yield
    finally:
        _budget.reset(token)


def spend_on_text(text: str, templates: int) -> None:
    """A text with so many templates is to be read. Raises NotCompiled."""
    _spend(text, templates * _SEEN_BEFORE)


def spend_on_expression(text: str) -> None:
    """One more expression is to be compiled for the text. Raises NotCompiled."""
    _spend(text, 1)


def _spend(text: str, cost: float) -> None:
    budget = _budget.get()
    if budget is None:
        return
    if cost > budget.left:
        raise NotCompiled(text)
    budget.left -= cost
