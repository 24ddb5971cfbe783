"""The JSON Schema of DAG files, for editors and for programs that write DAG files.

It accepts everything that the parser accepts. Problems that only the whole file shows (unknown
dependencies, cycles, dates in the wrong order) are for the parser to find.

    python -m chalicelib.dag.language.json_schema > examples/dag.schema.json
    python -m chalicelib.dag.language.json_schema --defaults > examples/defaults.schema.json
"""

from __future__ import annotations

import json
import sys
from typing import Any

from chalicelib.dag.constraints import (
    ARTIFACT_NAME,
    ID_PATTERN,
    IMAGE,
    MAX_ARTIFACTS,
    MAX_COMMAND_BYTES,
    MAX_ID_LENGTH,
    MAX_INPUTS,
    MAX_LINE_LENGTH,
    MAX_NOTIFICATION_TEXT,
    MAX_NOTIFICATIONS,
    MAX_OUTPUTS,
    MAX_PARAMS,
    MAX_PATH_LENGTH,
    MAX_POOLS,
    MAX_SCHEDULES,
    MAX_TASKS,
    MAX_TOOL_URL_LENGTH,
    MAX_TOOLS,
    MEMORY_PATTERN,
    POOL_NAME,
    RESERVED_IDS,
    RESERVED_PREFIXES,
    SECRET_REFERENCE,
    SHA256,
    TOOL_NAME,
    VARIABLE_NAME,
)
from chalicelib.dag.file_patterns import MAX_FILE_PATTERN_LENGTH, MAX_FILE_PATTERNS
from chalicelib.dag.language.fields.table import (
    BUILT_IN_VARIABLES,
    DAG_FIELDS,
    DEFAULT_FIELDS,
    PARAM_FIELDS,
    POOL_FIELDS,
    SENSOR_FIELDS,
    SHARED_FIELDS,
    TASK_FIELDS,
    TOOL_FIELDS,
    TRIGGER_RULES,
    Field,
    Kind,
)
from chalicelib.dag.language.readers.notifications import WORDS
from chalicelib.dag.schedule.cron import CRON_PRESETS
from chalicelib.dag.schedule.durations import PATTERN
from chalicelib.notification_kinds import KINDS, NotificationKind
from chalicelib.places import QUEUE_NAME

_TEXT: list[str] = ["string", "number", "boolean"]
"""The types of text: YAML turns some into numbers and booleans, which the parser accepts."""


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a DAG file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "DAG file",
        **_object(DAG_FIELDS),
        "anyOf": [{"required": ["default_args"]}, {"properties": {"tasks": _WITH_WORK}}],
        "$defs": {
            "task": {"title": "Task", **_object(TASK_FIELDS)},
            "defaults": {"title": "Defaults for every task", **_object(DEFAULT_FIELDS)},
            "sensor": {"title": "Sensor", **_object(SENSOR_FIELDS)},
            "param": {"title": "Param", **_object(PARAM_FIELDS)},
            "tool": {"title": "Tool", **_object(TOOL_FIELDS)},
        },
    }


def shared_json_schema() -> dict[str, Any]:
    """Return the JSON Schema of `_defaults.yaml`."""
    task = json_schema()["$defs"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Shared defaults",
        **_object(SHARED_FIELDS),
        "$defs": {
            "defaults": task["defaults"],
            "sensor": task["sensor"],
            "pool": {"title": "Pool", **_object(POOL_FIELDS)},
        },
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
    about = field.help if name == field.name else f"Alias of `{field.name}`. {field.help}"
    default = field.default
    if field.required or default is None or field.name == "command":
        return {"description": about, **value}
    default = list(default) if isinstance(default, tuple) else default
    return {"description": about, **value, "default": default}


def _value(field: Field) -> dict[str, Any]:
    if field.kind is Kind.INTEGER:
        return {"type": "integer", "minimum": int(field.low), "maximum": int(field.high)}
    if field.kind is Kind.DURATION:
        number = {"type": "number", "minimum": field.low, "maximum": field.high}
        return {"anyOf": [number, {"type": "string", "pattern": _spaced(PATTERN)}]}
    if field.kind is Kind.NUMBER and field.high:
        return {"type": "number", "minimum": field.low, "maximum": field.high}
    if field.kind is Kind.FACTOR:
        factor = {"type": "number", "minimum": field.low, "maximum": field.high}
        return {"anyOf": [factor, {"const": 0}, {"type": "boolean"}]}
    if field.name == "dag_id":
        return {**_ID_TEXT, "not": {"enum": list(RESERVED_IDS)}}
    if field.kind is Kind.CHOICE:
        return {"enum": list(field.choices)}
    if field.kind is Kind.NOTIFICATIONS:
        return _notifications()
    return _VALUES[field.kind]


def _spaced(pattern: str) -> str:
    return f"^\\s*(?:{pattern[1:-1]})\\s*$"


_ID_TEXT = {"type": _TEXT, "pattern": ID_PATTERN.pattern, "maxLength": MAX_ID_LENGTH}
_IDS = {"type": "array", "items": _ID_TEXT}
_EXPRESSION = {"type": "string", "examples": [*CRON_PRESETS, "@every 10s", "0 8 * * mon-fri"]}
_EXPRESSIONS = {"type": "array", "items": _EXPRESSION, "maxItems": MAX_SCHEDULES}
_TASKS = {"type": "array", "items": {"$ref": "#/$defs/task"}, "minItems": 1, "maxItems": MAX_TASKS}
_ENV = {
    "type": "object",
    "propertyNames": {
        "pattern": VARIABLE_NAME.pattern,
        "not": {
            "pattern": f"^(?:(?:{'|'.join(RESERVED_PREFIXES)}).*|{'|'.join(BUILT_IN_VARIABLES)})$"
        },
    },
    "additionalProperties": {"type": _TEXT},
}

_CODE = {"type": "integer", "minimum": 1, "maximum": 255}
_NAME = {"type": _TEXT, "pattern": VARIABLE_NAME.pattern, "maxLength": MAX_ID_LENGTH}
_NAMES = {"type": "array", "items": _NAME, "maxItems": MAX_OUTPUTS}
_FILE = {
    "type": _TEXT,
    "pattern": r"^(?!/)(?!(?:.*/)?\.\.(?:/|$))(?!.*//)[^\\]*[^\\\s][^\\]*$",
    "maxLength": MAX_FILE_PATTERN_LENGTH,
    "examples": ["scripts/*.py", "sql/", "report.sh"],
}
_TEMPLATE = {"type": "string", "pattern": r"\{\{"}
_VARIABLES = _ENV["propertyNames"]
_SHELL = {"type": _TEXT, "pattern": r"\S", "maxLength": MAX_COMMAND_BYTES}
_PATH = {"pattern": r"^(?!/)(?!.*(?:^|/)\.\.(?:/|$)).", "maxLength": MAX_PATH_LENGTH}
_WITH_WORK = {
    "items": {"anyOf": [{"required": [n]} for n in ("command", "bash_command", "trigger_dag_id")]}
}


def _notifications() -> dict[str, Any]:
    notification = {
        "type": "object",
        "properties": {
            **{name: _target(kind) for name, kind in KINDS.items()},
            **{name: {"anyOf": [_WORDS, {"type": "null"}]} for name in WORDS},
        },
        "additionalProperties": False,
        "oneOf": [{"required": [name]} for name in KINDS],
    }
    return {"type": "array", "items": notification, "maxItems": MAX_NOTIFICATIONS}


_WORDS = {"type": _TEXT, "maxLength": MAX_NOTIFICATION_TEXT}


def _target(kind: NotificationKind) -> dict[str, Any]:
    if kind.target_format is None:
        return _SHELL
    own = {"type": "string", "pattern": kind.target_format.pattern.pattern}
    if not kind.is_secret:
        return own
    stored = {"type": "string", "pattern": SECRET_REFERENCE.pattern}
    name = {"type": "string", "pattern": VARIABLE_NAME.pattern}
    return {"anyOf": [own, stored, name]}


_VALUES: dict[Kind, dict[str, Any]] = {
    Kind.NAME: {"type": _TEXT, "pattern": r"\S"},
    Kind.TEXT: {"type": _TEXT},
    Kind.ID: _ID_TEXT,
    Kind.POOL: {"type": _TEXT, "pattern": POOL_NAME.pattern, "maxLength": MAX_ID_LENGTH},
    Kind.QUEUE: {"type": _TEXT, "pattern": f"^{QUEUE_NAME.pattern}$"},
    Kind.IMAGE: {"type": "string", "pattern": IMAGE.pattern},
    Kind.MEMORY: {"type": "string", "pattern": _spaced(MEMORY_PATTERN.pattern)},
    Kind.COMMAND: _SHELL,
    Kind.TEST: _SHELL,
    Kind.TEXTS: {"type": "array", "items": {"type": _TEXT}},
    Kind.IDS: {"anyOf": [_ID_TEXT, _IDS]},
    Kind.BOOL: {"type": "boolean"},
    Kind.SCHEDULE: {"anyOf": [_EXPRESSION, _EXPRESSIONS]},
    Kind.TIMEZONE: {"type": "string", "examples": ["UTC", "Europe/Berlin", "America/New_York"]},
    Kind.DATE: {"type": "string", "pattern": r"^\s*\d{4}-\d{2}-\d{2}"},
    Kind.ENV: _ENV,
    Kind.RULE: {"enum": list(TRIGGER_RULES)},
    Kind.NUMBER: {"type": "number"},
    Kind.PATTERN: {"type": _TEXT, "format": "regex"},
    Kind.CODES: {"anyOf": [_CODE, {"type": "array", "items": _CODE}]},
    Kind.OUTPUTS: {"anyOf": [_NAME, _NAMES]},
    Kind.ARTIFACTS: {
        "type": "object",
        "maxProperties": MAX_ARTIFACTS,
        "propertyNames": {"pattern": ARTIFACT_NAME.pattern, "maxLength": MAX_ID_LENGTH},
        "additionalProperties": {"type": _TEXT, **_PATH},
    },
    Kind.INPUTS: {
        "type": "object",
        "maxProperties": MAX_INPUTS,
        "propertyNames": _PATH,
        "additionalProperties": {"type": _TEXT, "pattern": r"^.+\..+$"},
    },
    Kind.FILES: {
        "anyOf": [_FILE, {"type": "array", "items": _FILE, "maxItems": MAX_FILE_PATTERNS}]
    },
    Kind.JSON: {},
    Kind.VALUES: {"type": "array"},
    Kind.CONF: {"type": "object"},
    Kind.EXPAND: {
        "type": "object",
        "minProperties": 1,
        "propertyNames": _VARIABLES,
        "additionalProperties": {"anyOf": [{"type": "array", "minItems": 1}, _TEMPLATE]},
    },
    Kind.SECRETS: {
        "type": "object",
        "propertyNames": _VARIABLES,
        "additionalProperties": {"type": "string", "pattern": SECRET_REFERENCE.pattern},
    },
    Kind.SENSOR: {"$ref": "#/$defs/sensor"},
    Kind.TOOLS: {
        "type": "object",
        "maxProperties": MAX_TOOLS,
        "propertyNames": {"pattern": TOOL_NAME.pattern, "maxLength": MAX_ID_LENGTH},
        "additionalProperties": {"$ref": "#/$defs/tool"},
    },
    Kind.URL: {"type": "string", "pattern": "^(?:https|s3)://", "maxLength": MAX_TOOL_URL_LENGTH},
    Kind.SHA256: {"type": "string", "pattern": SHA256.pattern},
    Kind.PATH: {"type": "string", "maxLength": MAX_LINE_LENGTH},
    Kind.PARAMS: {
        "type": "object",
        "maxProperties": MAX_PARAMS,
        "propertyNames": {"pattern": VARIABLE_NAME.pattern, "maxLength": MAX_ID_LENGTH},
        "additionalProperties": {
            "if": {"type": "object"},
            "then": {"$ref": "#/$defs/param"},
        },
    },
    Kind.DEFAULTS: {"$ref": "#/$defs/defaults"},
    Kind.TASKS: _TASKS,
    Kind.POOLS: {
        "type": "object",
        "maxProperties": MAX_POOLS,
        "propertyNames": {"pattern": POOL_NAME.pattern, "maxLength": MAX_ID_LENGTH},
        "additionalProperties": {
            "anyOf": [
                {"type": "integer", "minimum": 0, "maximum": 1_000_000},
                {"$ref": "#/$defs/pool"},
            ]
        },
    },
}


if __name__ == "__main__":
    is_shared = sys.argv[1:] == ["--defaults"]
    json.dump(shared_json_schema() if is_shared else json_schema(), sys.stdout, indent=2)
    sys.stdout.write("\n")
