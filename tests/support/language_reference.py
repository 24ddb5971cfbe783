"""The tables of keys in `chalicelib/dag/README.md`, made from those that the parser reads."""

from __future__ import annotations

from chalicelib.dag.language.fields.field import Field, Kind
from chalicelib.dag.language.fields.table import TABLES
from chalicelib.dag.schedule.durations import format_duration


def reference_markdown() -> str:
    """A table for the DAG, the task, and each of the mappings in them."""
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
