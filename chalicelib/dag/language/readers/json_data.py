"""Readers of JSON values: the default of a param, `enum`, `conf`."""

from __future__ import annotations

import json
from typing import Any

from chalicelib.dag.constraints import MAX_CONF_BYTES
from chalicelib.dag.json_values import parse_number, unwrap_verbatim
from chalicelib.dag.language.readers.numbers import BOOLS
from chalicelib.dag.language.yaml_nodes import Mapping, Scalar, Sequence
from chalicelib.dag.language.yaml_value import NODE_NAMES, YamlValue, items_of


def json_of(value: YamlValue) -> Any:
    """Return a JSON value.

    A plain scalar is null, a boolean or a number if it is spelled as in JSON, else text: `3.10`
    stays `3.10`.
    """
    return unwrap_verbatim(raw_json_of(value))


def raw_json_of(value: YamlValue, *, is_text: bool = False) -> Any:
    """Return a JSON value with VerbatimNumbers, or with `is_text` every scalar as text."""
    node = value.node
    if isinstance(node, Sequence):
        return [raw_json_of(item, is_text=is_text) for item in items_of(value)]
    if isinstance(node, Mapping):
        pairs = [(value.at(k, f".{k.text}"), k.text, n) for k, n in node.pairs]
        return {
            key.text(): raw_json_of(value.at(item, f".{text}"), is_text=is_text)
            for key, text, item in pairs
        }
    if node.is_null:
        return None
    text = value.text()
    is_plain = isinstance(node, Scalar) and node.is_plain
    return text if text is None or is_text or not is_plain else _json_scalar(text)


def _json_scalar(text: str) -> Any:
    if text in BOOLS:
        return BOOLS[text]
    try:
        return parse_number(text)
    except ValueError:
        return text


def read_json_list(value: YamlValue) -> list[Any] | None:
    """Read a list of JSON values."""
    return [raw_json_of(item) for item in items_of(value)] or None


def read_conf(value: YamlValue) -> dict[str, Any]:
    """Read a mapping of JSON values."""
    if not isinstance(value.node, Mapping):
        value.problem(f"expected a mapping of name: value, found {NODE_NAMES[type(value.node)]}")
        return {}
    conf: dict[str, Any] = json_of(value)
    if not value.report and (size := len(json.dumps(conf))) > MAX_CONF_BYTES:
        value.problem(f"conf has {size} bytes; at most {MAX_CONF_BYTES} are allowed")
    return conf
