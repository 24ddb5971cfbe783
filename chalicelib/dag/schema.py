"""The JSON Schema of DAG files, for editors and for whoever writes them with a program.

It accepts all that the parser accepts. What only the whole file can tell (unknown dependencies,
cycles, dates in the wrong order) it leaves to the parser.

    python -m chalicelib.dag.schema > examples/dag.schema.json
"""

from __future__ import annotations

import json
import sys
from typing import Any

from chalicelib.dag.cron import NAMED
from chalicelib.dag.durations import PATTERN
from chalicelib.dag.fields import (
    ALWAYS_SET,
    DAG_FIELDS,
    ENV_NAME,
    ID,
    MAX_COMMAND,
    MAX_ID,
    MAX_SCHEDULES,
    MAX_TASKS,
    RESERVED_PREFIXES,
    TASK_FIELDS,
    TRIGGER_RULES,
    Field,
    Kind,
)

_TEXT: list[str] = ["string", "number", "boolean"]
"""YAML makes numbers and booleans of some texts; the parser takes them as they are written."""


def json_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of a DAG file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "DAG file",
        **_object(DAG_FIELDS),
        "$defs": {"task": {"title": "Task", **_object(TASK_FIELDS)}},
    }


def _object(fields: tuple[Field, ...]) -> dict[str, Any]:
    one_of_each = [
        {"oneOf": [{"required": [name]} for name in field.names]}
        if field.required
        else {"not": {"required": list(field.names)}}
        for field in fields
        if field.aliases
    ]
    schema: dict[str, Any] = {
        "type": "object",
        "required": [field.name for field in fields if field.required and not field.aliases],
        "properties": {name: _property(f, name) for f in fields for name in f.names},
        "additionalProperties": False,
    }
    return schema | ({"allOf": one_of_each} if one_of_each else {})


def _property(field: Field, name: str) -> dict[str, Any]:
    value = _value(field)
    if not field.required:
        value = {"anyOf": [value, {"type": "null"}]}
    about = field.help if name == field.name else f"The same as `{field.name}`. {field.help}"
    default = field.default
    if field.required or default is None:
        return {"description": about, **value}
    default = list(default) if isinstance(default, tuple) else default
    return {"description": about, **value, "default": default}


def _value(field: Field) -> dict[str, Any]:
    if field.kind is Kind.INTEGER:
        return {"type": "integer", "minimum": int(field.low), "maximum": int(field.high)}
    if field.kind is Kind.DURATION:
        number = {"type": "number", "minimum": field.low, "maximum": field.high}
        return {"anyOf": [number, {"type": "string", "pattern": _spaced(PATTERN)}]}
    return _VALUES[field.kind]


def _spaced(pattern: str) -> str:
    return f"^\\s*(?:{pattern[1:-1]})\\s*$"


_ID_TEXT = {"type": _TEXT, "pattern": ID.pattern, "maxLength": MAX_ID}
_IDS = {"type": "array", "items": _ID_TEXT}
_EXPRESSION = {"type": "string", "examples": [*NAMED, "@every 10s", "0 8 * * mon-fri"]}
_EXPRESSIONS = {"type": "array", "items": _EXPRESSION, "maxItems": MAX_SCHEDULES}
_TASKS = {"type": "array", "items": {"$ref": "#/$defs/task"}, "minItems": 1, "maxItems": MAX_TASKS}
_ENV = {
    "type": "object",
    "propertyNames": {
        "pattern": ENV_NAME.pattern,
        "not": {"pattern": f"^(?:(?:{'|'.join(RESERVED_PREFIXES)}).*|{'|'.join(ALWAYS_SET)})$"},
    },
    "additionalProperties": {"type": _TEXT},
}

_VALUES: dict[Kind, dict[str, Any]] = {
    Kind.NAME: {"type": _TEXT, "pattern": r"\S"},
    Kind.TEXT: {"type": _TEXT},
    Kind.ID: _ID_TEXT,
    Kind.COMMAND: {"type": _TEXT, "pattern": r"\S", "maxLength": MAX_COMMAND},
    Kind.TEXTS: {"type": "array", "items": {"type": _TEXT}},
    Kind.IDS: {"anyOf": [_ID_TEXT, _IDS]},
    Kind.BOOL: {"type": "boolean"},
    Kind.SCHEDULE: {"anyOf": [_EXPRESSION, _EXPRESSIONS]},
    Kind.TIMEZONE: {"type": "string", "examples": ["UTC", "Europe/Berlin", "America/New_York"]},
    Kind.DATE: {"type": "string", "pattern": r"^\s*\d{4}-\d{2}-\d{2}"},
    Kind.ENV: _ENV,
    Kind.RULE: {"enum": list(TRIGGER_RULES)},
    Kind.TASKS: _TASKS,
}


if __name__ == "__main__":
    json.dump(json_schema(), sys.stdout, indent=2)
    sys.stdout.write("\n")
