"""The table of all fields of a DAG file.

The parser, the JSON Schema and the reference are made from it: a key that is not here does not
exist, and one that is here is read, described and checked everywhere.
"""

from __future__ import annotations

from chalicelib.dag.constraints import BUILT_IN_VARIABLES
from chalicelib.dag.language.fields.dag import DAG_FIELDS, PARAM_FIELDS, TOOL_FIELDS
from chalicelib.dag.language.fields.field import Field, Kind
from chalicelib.dag.language.fields.shared import POOL_FIELDS, SHARED_FIELDS
from chalicelib.dag.language.fields.task import (
    DEFAULT_FIELDS,
    NOT_IN_DEFAULTS,
    SENSOR_FIELDS,
    TASK_FIELDS,
)
from chalicelib.enums import TriggerRule, words

__all__ = [
    "BUILT_IN_VARIABLES",
    "DAG_FIELDS",
    "DEFAULT_FIELDS",
    "NOT_IN_DEFAULTS",
    "PARAM_FIELDS",
    "PER_TASK_KEYS",
    "POOL_FIELDS",
    "SENSOR_FIELDS",
    "SHARED_FIELDS",
    "SHARED_TABLES",
    "TABLES",
    "TASK_FIELDS",
    "TOOL_FIELDS",
    "TRIGGER_RULES",
    "Field",
    "Kind",
    "known_names",
]

TRIGGER_RULES = words(TriggerRule)


TABLES = {
    "The DAG": DAG_FIELDS,
    "The task": TASK_FIELDS,
    "A param": PARAM_FIELDS,
    "A sensor": SENSOR_FIELDS,
    "A tool": TOOL_FIELDS,
}

SHARED_TABLES = {"Shared defaults, in _defaults.yaml": SHARED_FIELDS, "A pool": POOL_FIELDS}
"""Those of `_defaults.yaml`."""


def known_names(fields: tuple[Field, ...]) -> dict[str, Field]:
    """Map every name and alias to its field."""
    return {name: field for field in fields for name in field.names}


PER_TASK_KEYS = frozenset(
    known_names(tuple(field for field in TASK_FIELDS if field.name in NOT_IN_DEFAULTS))
)
"""Keys that every task sets for itself: `default_args` cannot have them."""
