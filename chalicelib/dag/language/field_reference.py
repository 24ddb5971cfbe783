"""Describes the keys of a DAG file for people: what the API, the page and the docs show."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.dag.language.fields.field import Field, Kind
from chalicelib.dag.language.fields.table import SHARED_TABLES, TABLES
from chalicelib.dag.schedule.durations import format_duration


@dataclass(frozen=True, slots=True)
class FieldReference:
    """A key of a DAG file. Texts may contain code in backticks."""

    name: str
    aliases: tuple[str, ...]
    type: str
    default: str
    description: str


def field_reference() -> dict[str, list[FieldReference]]:
    """Every key of a DAG file, by the title of its table."""
    tables = {**TABLES, **SHARED_TABLES}
    return {title: [_described(field) for field in fields] for title, fields in tables.items()}


def _described(field: Field) -> FieldReference:
    words = ", ".join(f"`{word}`" for word in field.choices)
    return FieldReference(
        field.name, field.aliases, words or field.kind, _default(field), field.help
    )


def _default(field: Field) -> str:
    """The value if the key is omitted, `required`, or `none`."""
    if field.required:
        return "required"
    if field.shown_default:
        return field.shown_default
    if field.default is None or field.default in ((), {}):
        return "none"
    if field.kind is Kind.DURATION:
        return f"`{format_duration(field.default)}`"
    return f"`{str(field.default).lower() if field.kind is Kind.BOOL else field.default}`"
