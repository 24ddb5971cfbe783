"""Limits how many templates are compiled while a lock is held.

Compiling takes half a millisecond for each template that was not used lately, and the author of the
file decides how many there are. Code that holds a lock sets a budget, and compiles what exceeds it
afterwards (`templates.precompile`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_SEEN_BEFORE = 1 / 20
"""The cost of a template whose expression is already compiled."""


class NotCompiled(Exception):
    """The budget is used up. `texts` contain the templates to compile first."""

    def __init__(self, *texts: str) -> None:
        super().__init__("too many templates to compile at once")
        self.texts = texts


class _Budget:
    def __init__(self, left: float) -> None:
        self.left = left


_budget: ContextVar[_Budget | None] = ContextVar("budget", default=None)


@contextmanager
def compile_at_most(expressions: int) -> Iterator[None]:
    """Raise NotCompiled in the block if it compiles more than `expressions`."""
    token = _budget.set(_Budget(expressions))
    try:
        yield
    finally:
        _budget.reset(token)


def spend_on_text(text: str, templates: int) -> None:
    """Charge the budget for parsing a text with `templates` templates. Raises NotCompiled."""
    _spend(text, templates * _SEEN_BEFORE)


def spend_on_expression(text: str) -> None:
    """Charge the budget for compiling an expression of the text. Raises NotCompiled."""
    _spend(text, 1)


def _spend(text: str, cost: float) -> None:
    budget = _budget.get()
    if budget is None:
        return
    if cost > budget.left:
        raise NotCompiled(text)
    budget.left -= cost
