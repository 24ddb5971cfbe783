"""The mapped instances of a task with `expand`: one for each item or combination of items."""

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
    """The task cannot be expanded; the message tells users why."""


def mapped_items(task: Task, context: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the items of all mapped instances: see `some_mapped_items`."""
    return some_mapped_items(task, context, 0, MAX_MAPPED_INSTANCES)[0]


def some_mapped_items(
    task: Task, context: Mapping[str, Any], first: int, limit: int
) -> tuple[list[dict[str, Any]], int]:
    """Return the item of each mapped instance, by the name of its variable, in order of map_index,
    from number `first` on and at most `limit`; and how many there are in all.

    Several names give every combination, with the last name varying fastest. Without items there
    are no instances: []. `context` holds the names for templates, as in `templates.render`. Raises
    ExpandError.
    """
    items = {name: _items(name, task.expand[name], context) for name in task.expand}
    count = math.prod(len(values) for values in items.values())
    if count > MAX_MAPPED_INSTANCES:
        raise ExpandError(
            f"expand makes {count} mapped instances; at most {MAX_MAPPED_INSTANCES} are allowed"
        )
    chosen = itertools.islice(itertools.product(*items.values()), first, first + limit)
    return [dict(zip(items, values, strict=True)) for values in chosen], count


def uses_outputs_of(task: Task, others: Set[str]) -> bool:
    """Whether the outputs of these tasks decide how the task is mapped."""
    used = {name for text in texts_in(task.expand) for name in names_in(text)}
    return any(name.startswith(f"outputs.{other}.") for name in used for other in others)


def mapping_may_differ(old: Task, new: Task, *, params_differ: bool) -> bool:
    """Whether another version of the task may have other mapped instances, or none."""
    used = {name for text in texts_in(new.expand) for name in names_in(text)}
    is_given = any(name.startswith("params.") for name in used)
    same_order = list(old.expand) == list(new.expand)
    return old.expand != new.expand or not same_order or (params_differ and is_given)


def is_compatible(task: Task, map_index: int, item: Mapping[str, Any] | None) -> bool:
    """Whether this version of the task can run a mapped instance that another version made."""
    return bool(task.expand) == (map_index >= 0) and set(task.expand) == set(item or ())


def _items(name: str, written: list[Any] | str, context: Mapping[str, Any]) -> list[Any]:
    try:
        items = render_value(written, context, stand_in="[]" if isinstance(written, str) else "''")
    except TemplateError as error:
        raise ExpandError(f"expand.{name}: {error}") from None
    if not isinstance(items, list):
        message = f"expand.{name} needs a list, but {quote(str(written))} gave"
        raise ExpandError(f"{message} {format_value(items)}")
    for item in items:
        if is_deeper_than(item, MAX_DEPTH):
            raise ExpandError(
                f"an item of expand.{name} is nested more than {MAX_DEPTH} levels deep"
            )
        try:
            to_text(item)
        except BadText as error:
            raise ExpandError(f"an item of expand.{name} cannot be used: {error}") from None
    return items
