"""The one table of the words of a DAG file.

The parser, the JSON Schema and the reference in the README are made from it: a word that is not
here does not exist, and one that is here is read, described and checked everywhere.
"""

from __future__ import annotations

from chalicelib.dag.constraints import BUILT_IN_VARIABLES
from chalicelib.dag.language.fields.dag import DAG_FIELDS, PARAM_FIELDS
from chalicelib.dag.language.fields.field import Field, Kind
from chalicelib.dag.language.fields.task import (
    DEFAULT_FIELDS,
    NOT_IN_DEFAULTS,
    SENSOR_FIELDS,
    TASK_FIELDS,
)
from chalicelib.dag.schedule.durations import format_duration
from chalicelib.enums import TriggerRule, words

__all__ = [
    "BUILT_IN_VARIABLES",
    "DAG_FIELDS",
    "DEFAULT_FIELDS",
    "NOT_IN_DEFAULTS",
    "PARAM_FIELDS",
    "PER_TASK_KEYS",
    "SENSOR_FIELDS",
    "TABLES",
    "TASK_FIELDS",
    "TRIGGER_RULES",
    "Field",
    "Kind",
    "known_names",
    "reference_markdown",
    "shown_default",
]

TRIGGER_RULES = words(TriggerRule)


TABLES = {
    "The DAG": DAG_FIELDS,
    "The task": TASK_FIELDS,
    "A param": PARAM_FIELDS,
    "A sensor": SENSOR_FIELDS,
}


def known_names(fields: tuple[Field, ...]) -> dict[str, Field]:
    """Every word of the table, aliases included, with its field."""
    return {name: field for field in fields for name in field.names}


PER_TASK_KEYS = frozenset(
    known_names(tuple(field for field in TASK_FIELDS if field.name in NOT_IN_DEFAULTS))
)
"""Keys that every task sets for itself: `default_args` cannot have them."""


def reference_markdown() -> str:
    """The reference of the language for the README: a table for the DAG, the task, and each of the
    mappings in them."""
    return "\n".join(f"### {title}\n\n{_table(fields)}" for title, fields in TABLES.items())


def _table(fields: tuple[Field, ...]) -> str:
    rows = [("key", "value", "default", "meaning"), ("---",) * 4]
    rows += [(_shown_names(f), _shown_kind(f), shown_default(f), f.help) for f in fields]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _shown_names(field: Field) -> str:
    names = f"`{field.name}`"
    if field.aliases:
        names += f" (or {', '.join(f'`{alias}`' for alias in field.aliases)})"
    return names


def _shown_kind(field: Field) -> str:
    return ", ".join(f"`{word}`" for word in field.choices) or field.kind


def shown_default(field: Field) -> str:
    """What leaving the field out means, for people."""
    if field.required:
        return "required"
    if field.shown_default:
        return field.shown_default
    if field.default is None or field.default in ((), {}):
        return "none"
    if field.kind is Kind.DURATION:
        return f"`{format_duration(field.default)}`"
    return f"`{str(field.default).lower() if field.kind is Kind.BOOL else field.default}`"
