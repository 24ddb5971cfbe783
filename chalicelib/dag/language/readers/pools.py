"""The reader of `pools` in `_defaults.yaml`."""

from __future__ import annotations

from chalicelib.dag.constraints import MAX_ID_LENGTH, MAX_POOLS, POOL_NAME
from chalicelib.dag.language.fields.shared import POOL_FIELDS
from chalicelib.dag.language.mappings import read_mapping
from chalicelib.dag.language.readers.simple_kinds import SIMPLE_READERS
from chalicelib.dag.language.yaml_nodes import Mapping
from chalicelib.dag.language.yaml_value import YamlValue
from chalicelib.dag.model import SharedPool
from chalicelib.dag.problems import quote


def read_pools(value: YamlValue) -> dict[str, SharedPool]:
    if not isinstance(value.node, Mapping):
        value.problem("expected a mapping such as {warehouse: 4}")
        return {}
    if len(value.node.pairs) > MAX_POOLS:
        value.problem(f"{len(value.node.pairs)} pools; at most {MAX_POOLS} are allowed")
    pools: dict[str, SharedPool] = {}
    for key, node in value.node.pairs[:MAX_POOLS]:
        item = value.at(node, f".{key.text}")
        if len(key.text) > MAX_ID_LENGTH or not POOL_NAME.fullmatch(key.text):
            value.at(key, f".{key.text}").problem(f"{quote(key.text)} is not a valid pool name")
        elif pool := _pool(item, key.text):
            pools[key.text] = pool
    return pools


def _pool(item: YamlValue, name: str) -> SharedPool | None:
    """Read `4` as `{slots: 4}`."""
    node = item.node
    if not isinstance(node, Mapping):
        slots = YamlValue(node, POOL_FIELDS[0], item.path, item.report)
        number = SIMPLE_READERS[POOL_FIELDS[0].kind](slots)
        return None if number is None else SharedPool(name, number)
    mapping = read_mapping(node, POOL_FIELDS, item.path, item.report, SIMPLE_READERS)
    if mapping.values["slots"] is None:
        return None
    return SharedPool(name, mapping.values["slots"], mapping.values["description"] or "")
