"""The reader of `params`, and the checks of each param's default, enum and bounds."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from chalicelib.dag.constraints import MAX_ID_LENGTH, MAX_PARAMS, VARIABLE_NAME
from chalicelib.dag.evaluate import params
from chalicelib.dag.language.fields.table import PARAM_FIELDS
from chalicelib.dag.language.mappings import FieldMapping, read_mapping
from chalicelib.dag.language.readers.json_data import raw_json_of
from chalicelib.dag.language.readers.simple_kinds import SIMPLE_READERS
from chalicelib.dag.language.template_checks import check_all_texts
from chalicelib.dag.language.yaml_nodes import Mapping
from chalicelib.dag.language.yaml_value import YamlValue
from chalicelib.dag.model import Param
from chalicelib.dag.problems import quote
from chalicelib.dag.templates import is_template
from chalicelib.dag.templates.scope import RUN_NAMES, Scope
from chalicelib.dag.text import param_variable


def read_params(value: YamlValue) -> tuple[Param, ...]:
    """Read the params, and check their own values."""
    if not isinstance(value.node, Mapping):
        value.problem("expected a mapping of name: default or name: {type, default, ...}")
        return ()
    pairs = value.node.pairs
    if len(pairs) > MAX_PARAMS:
        value.problem(f"{len(pairs)} params; at most {MAX_PARAMS} are allowed")
    by_variable: dict[str, Param] = {}
    described: list[tuple[Param, FieldMapping]] = []
    for key, node in pairs[:MAX_PARAMS]:
        step = f".{key.text}"
        other = by_variable.get(param_variable(key.text))
        if not VARIABLE_NAME.fullmatch(key.text) or len(key.text) > MAX_ID_LENGTH:
            value.at(key, step).problem(
                f"{quote(key.text)} is not a valid param name: "
                "use letters, digits (not first) and _"
            )
        elif other:
            value.at(key, step).problem(
                f"{key.text} and {other.name} would share the variable "
                f"{param_variable(key.text)}: rename one of them"
            )
        param, mapping = _param(key.text, value.at(node, step))
        by_variable[param_variable(key.text)] = param
        if mapping:
            described.append((param, mapping))
    if _are_small(value, by_variable.values()):
        for param, mapping in described:
            _check_values(param, mapping)
    return tuple(by_variable.values())


def _are_small(value: YamlValue, declared: Iterable[Param]) -> bool:
    """Whether the values are small enough to check: patterns take time for every character."""
    sizes = {"defaults": 0, "enums": 0}
    for param in declared:
        sizes["defaults"] += len(json.dumps(param.default))
        sizes["enums"] += len(json.dumps(param.enum))
    for name, size in sizes.items():
        if size > params.MAX_PARAMS_BYTES:
            limit = params.MAX_PARAMS_BYTES
            message = f"the {name} of all params have {size} bytes; at most {limit} are allowed"
            value.problem(message)
            return False
    return True


def _param(name: str, value: YamlValue) -> tuple[Param, FieldMapping | None]:
    if isinstance(value.node, Mapping):
        return _described_param(name, value.node, value)
    default = raw_json_of(value)
    check_all_texts(value, Scope(RUN_NAMES))
    return params.normalize_param(Param(name, type=_type_of(default), default=default)), None


def _described_param(name: str, node: Mapping, value: YamlValue) -> tuple[Param, FieldMapping]:
    mapping = read_mapping(node, PARAM_FIELDS, value.path, value.report, SIMPLE_READERS)
    values = mapping.values
    if values["type"] == "string":
        # Text keeps its spelling: `1.10`, not the number 1.1.
        for key in ("default", "enum"):
            if values[key] is not None:
                values[key] = raw_json_of(mapping.written[key], is_text=True)
    values["type"] = values["type"] or _type_of(values["default"])
    if isinstance(values["enum"], list):
        values["enum"] = tuple(values["enum"])
    param = params.normalize_param(Param(name, **values))
    _check_bounds(param, mapping)
    return param, mapping


def _type_of(default: Any) -> str | None:
    """Return the narrowest type of a default, or None if it is null or a template."""
    if default is None or is_template(default):
        return None
    # `True` is an int in Python; 5.0 is a number, because that is how it was written.
    if isinstance(default, float):
        return "number"
    return next(name for name, holds in params.TYPES.items() if holds(default))


def _check_bounds(param: Param, mapping: FieldMapping) -> None:
    for name in ("minimum", "maximum"):
        if getattr(param, name) is not None and param.type not in ("integer", "number", None):
            mapping.problem(name, f"{name} does not apply to the type {param.type}")
    if param.pattern is not None and param.type not in ("string", None):
        mapping.problem("pattern", f"pattern does not apply to the type {param.type}")
    if param.minimum is not None and param.maximum is not None and param.minimum > param.maximum:
        mapping.problem("maximum", "maximum is less than minimum")
    if param.required and param.default is not None:
        mapping.problem(
            "required", "a param with a default is never required: remove one of the two"
        )


def _check_values(param: Param, mapping: FieldMapping) -> None:
    without_enum = replace(param, enum=None)
    for value in param.enum or ():
        for message in params.value_problems(without_enum, value):
            mapping.problem("enum", f"an enum value {message}")
    default = mapping.written.get("default")
    if default is None or param.default is None:
        return
    check_all_texts(default, Scope(RUN_NAMES))
    if not is_template(param.default):
        for message in params.value_problems(param, param.default):
            mapping.problem("default", f"the default {message}")
