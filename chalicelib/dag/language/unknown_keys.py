"""Suggestions for unknown keys of a DAG file."""

from __future__ import annotations

from chalicelib.dag.language.fields.field import Field
from chalicelib.dag.language.fields.table import (
    DAG_FIELDS,
    DEFAULT_FIELDS,
    PER_TASK_KEYS,
    TASK_FIELDS,
    known_names,
)
from chalicelib.dag.problems import did_you_mean, quote

_OTHER_SCHEDULERS_WORDS = {
    **dict.fromkeys(("depends_on", "depends", "needs", "upstream"), "dependencies"),
    **dict.fromkeys(("run", "script", "cmd"), "command"),
    "cron": "schedule",
}
"""Keys of other schedulers, and the name of the same thing here."""


def unknown_key_hint(word: str, fields: tuple[Field, ...]) -> str:
    """Return a hint to append to the message about an unknown key of these fields."""
    if owner := _owner_of(word, fields):
        return f"; it belongs {owner}"
    if _OTHER_SCHEDULERS_WORDS.get(word) in known_names(fields):
        return f"; did you mean {quote(_OTHER_SCHEDULERS_WORDS[word])}?"
    everything = f"; known keys: {', '.join(field.name for field in fields)}"
    return did_you_mean(word, known_names(fields)) or everything


def _owner_of(word: str, fields: tuple[Field, ...]) -> str | None:
    """Return where in the file a known key belongs that is unknown here."""
    if fields is DAG_FIELDS and word in known_names(TASK_FIELDS):
        return (
            "in a task" if word in PER_TASK_KEYS else "in a task, or in default_args for all tasks"
        )
    if fields in (TASK_FIELDS, DEFAULT_FIELDS) and word in known_names(DAG_FIELDS):
        return "at the top level"
    return None
