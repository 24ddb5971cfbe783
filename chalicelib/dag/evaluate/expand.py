"""The copies of a task with `expand`: one for each item, or for each combination of items."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Set
from typing import Any

from chalicelib.dag.evaluate.params import format_value
from chalicelib.dag.json_values import MAX_DEPTH, is_deeper_than
from chalicelib.dag.model import Task
from chalicelib.dag.problems import quote
from chalicelib.dag.templates import names_in, render_value, texts_in
from chalicelib.dag.templates.scope import TemplateError
from chalicelib.dag.text import BadText, to_text

MAX_MAPPED_INSTANCES = 10_000


class ExpandError(ValueError):
    """The task cannot be expanded; the message says why, for people."""


def mapped_items(task: Task, context: Mapping[str, Any]) -> list[dict[str, Any]]:
    """For each copy, in order, the item by the name of its variable; with several names every
    combination, the last name moving fastest. No items, no copies: [].

    `context` is what templates see, as in `templates.render`. Raises ExpandError.
    """
    items = {name: _items(name, task.expand[name], context) for name in task.expand}
    count = math.prod(len(found) for found in items.values())
    if count > MAX_MAPPED_INSTANCES:
        raise ExpandError(
            f"expand makes {count} mapped instances; at most {MAX_MAPPED_INSTANCES} are allowed"
        )
    return [dict(zip(items, chosen, strict=True)) for chosen in itertools.product(*items.values())]


def uses_outputs_of(task: Task, others: Set[str]) -> bool:
    """Whether what these tasks wrote decides which copies there are."""
    used = {name for text in texts_in(task.expand) for name in names_in(text)}
    return any(name.startswith(f"outputs.{other}.") for name in used for other in others)


def mapping_may_differ(old: Task, new: Task, *, params_differ: bool) -> bool:
    """Whether another version of the task may be expanded to other copies, or not at all."""
    used = {name for text in texts_in(new.expand) for name in names_in(text)}
    is_given = any(name.startswith("params.") for name in used)
    same_order = list(old.expand) == list(new.expand)
    return old.expand != new.expand or not same_order or (params_differ and is_given)


def is_compatible(task: Task, map_index: int, item: Mapping[str, Any] | None) -> bool:
    """Whether an attempt of that copy, made by another version, finds what the command needs."""
    return bool(task.expand) == (map_index >= 0) and set(task.expand) == set(item or ())


def _items(name: str, written: list[Any] | str, context: Mapping[str, Any]) -> list[Any]:
    try:
        found = render_value(written, context, stand_in="[]" if isinstance(written, str) else "''")
    except TemplateError as error:
        raise ExpandError(f"expand.{name}: {error}") from None
    if not isinstance(found, list):
        wanted = f"expand.{name} needs a list, and {quote(str(written))} gave"
        raise ExpandError(f"{wanted} {format_value(found)}")
    for item in found:
        if is_deeper_than(item, MAX_DEPTH):
            raise ExpandError(f"an item of expand.{name} is nested more than {MAX_DEPTH} deep")
        try:
            to_text(item)
        except BadText as error:
            raise ExpandError(f"an item of expand.{name} cannot be used: {error}") from None
    return found
