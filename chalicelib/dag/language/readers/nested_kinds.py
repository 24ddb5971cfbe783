"""The tables of all readers, and the readers of `sensor` and `default_args`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chalicelib.dag.language.fields.field import Kind
from chalicelib.dag.language.fields.table import DEFAULT_FIELDS, PER_TASK_KEYS, SENSOR_FIELDS
from chalicelib.dag.language.mappings import Readers, read_mapping
from chalicelib.dag.language.readers.notifications import read_notifications
from chalicelib.dag.language.readers.params import read_params
from chalicelib.dag.language.readers.pools import read_pools
from chalicelib.dag.language.readers.simple_kinds import SIMPLE_READERS
from chalicelib.dag.language.readers.tools import read_tools
from chalicelib.dag.language.yaml_nodes import Mapping
from chalicelib.dag.language.yaml_value import YamlValue
from chalicelib.dag.model import Sensor


def _sensor(value: YamlValue) -> Sensor | None:
    if not isinstance(value.node, Mapping):
        value.problem("expected a mapping such as {poke_interval: 1m, timeout: 2h}")
        return None
    mapping = read_mapping(value.node, SENSOR_FIELDS, value.path, value.report, SIMPLE_READERS)
    values = mapping.values
    if None in values.values():
        return None
    if values["poke_interval"] > values["timeout"]:
        mapping.problem("poke_interval", "poke_interval is longer than timeout")
    return Sensor(**values)


TASK_READERS: Readers = {
    **SIMPLE_READERS,
    Kind.SENSOR: _sensor,
    Kind.NOTIFICATIONS: read_notifications,
}
"""The readers of the fields of a task."""


def _default_args(value: YamlValue) -> Any:
    """Read `default_args` as a mapping, which gives tasks both the values and their positions."""
    if not isinstance(value.node, Mapping):
        return value.problem("expected a mapping of task keys such as {retries: 2}")
    node, pairs = value.node, []
    for key, item in node.pairs:
        if key.text in PER_TASK_KEYS:
            value.at(key, f".{key.text}").problem(
                f"{key.text} cannot have a default: each task sets its own"
            )
        else:
            pairs.append((key, item))
    own = replace(node, pairs=tuple(pairs))
    return read_mapping(own, DEFAULT_FIELDS, value.path, value.report, TASK_READERS)


DAG_READERS: Readers = {
    **TASK_READERS,
    Kind.DEFAULTS: _default_args,
    Kind.PARAMS: read_params,
    Kind.TOOLS: read_tools,
}
"""The readers of the fields of the DAG, except `tasks`, which the parser reads."""

SHARED_READERS: Readers = {**DAG_READERS, Kind.POOLS: read_pools}
"""The readers of the fields of `_defaults.yaml`."""
