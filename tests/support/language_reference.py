"""The tables of keys in `chalicelib/dag/README.md`, made from those that the parser reads."""

from __future__ import annotations

from chalicelib.dag.language.field_reference import FieldReference, field_reference


def reference_markdown() -> str:
    """A table for the DAG, the task, and each of the mappings in them."""
    return "\n".join(f"### {title}\n\n{_table(rows)}" for title, rows in field_reference().items())


def _table(fields: list[FieldReference]) -> str:
    rows = [("key", "value", "default", "meaning"), ("---",) * 4]
    rows += [(_shown_names(f), f.type, f.default, f.description) for f in fields]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _shown_names(field: FieldReference) -> str:
    names = f"`{field.name}`"
    if field.aliases:
        names += f" (or {', '.join(f'`{alias}`' for alias in field.aliases)})"
    return names
