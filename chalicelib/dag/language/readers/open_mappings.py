"""Readers of mappings whose keys are the author's own, and of values of JSON."""

from __future__ import annotations

import json
from typing import Any

from chalicelib.dag.constraints import (
    ALWAYS_SET,
    ENV_NAME,
    MACHINES_OWN,
    MAX_CONF,
    MAX_ENV,
    RESERVED_PREFIXES,
    SECRET,
)
from chalicelib.dag.json_values import parse_number, unwrap_verbatim
from chalicelib.dag.language.readers.numbers import BOOLS
from chalicelib.dag.language.yaml_nodes import Mapping, Scalar, Sequence
from chalicelib.dag.language.yaml_value import KINDS, Value, items_of
from chalicelib.dag.problems import quote
from chalicelib.dag.templates.scope import OPEN


def json_of(value: Value) -> Any:
    """A value of JSON. A plain scalar is null, a boolean or a number where JSON writes it so, else
    text: `3.10` stays `3.10`."""
    return unwrap_verbatim(raw_json_of(value))


def raw_json_of(value: Value, *, is_text: bool = False) -> Any:
    """The same with each VerbatimNumber as it is, or with `is_text` the text that was written."""
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


def read_json_list(value: Value) -> list[Any] | None:
    return [raw_json_of(item) for item in items_of(value)] or None


def read_conf(value: Value) -> dict[str, Any]:
    if not isinstance(value.node, Mapping):
        value.problem(f"expected a mapping of name: value, found {KINDS[type(value.node)]}")
        return {}
    found: dict[str, Any] = json_of(value)
    if not value.report and (size := len(json.dumps(found))) > MAX_CONF:
        value.problem(f"conf has {size} bytes; at most {MAX_CONF} are possible")
    return found


def env_size(env: dict[str, str]) -> int:
    """The bytes that the variables take in the memory of a process."""
    return sum(len(f"{name}={value}\0".encode()) for name, value in env.items())


def read_env(value: Value) -> dict[str, str]:
    if not isinstance(value.node, Mapping):
        value.problem(f"expected a mapping of NAME: value, found {KINDS[type(value.node)]}")
        return {}
    env: dict[str, str] = {}
    for key, node in value.node.pairs:
        step = f".{key.text}"
        check_env_name(value.at(key, step), key.text)
        text = _env_text(value.at(node, step))
        if text is not None:
            env[key.text] = text
    if not value.report and (size := env_size(env)) > MAX_ENV:
        value.problem(f"env has {size} bytes; at most {MAX_ENV} are possible")
    return env


def read_secrets(value: Value) -> dict[str, str]:
    if not isinstance(value.node, Mapping):
        value.problem(f"expected a mapping of NAME: reference, found {KINDS[type(value.node)]}")
        return {}
    found: dict[str, str] = {}
    for key, node in value.node.pairs:
        step = f".{key.text}"
        check_env_name(value.at(key, step), key.text)
        text = _secret(value.at(node, step))
        if text is not None:
            found[key.text] = text
    return found


def _secret(value: Value) -> str | None:
    text = value.text("a reference such as ssm:/path")
    if text is None:
        return None
    if not SECRET.fullmatch(text):
        # What stands there may be the secret itself, and problems are stored and shown.
        value.problem(
            "this is no reference to a secret: write ssm:/path, secretsmanager:id,"
            " secretsmanager:id#key or env:NAME"
        )
    elif text.startswith(tuple(f"env:{prefix}" for prefix in MACHINES_OWN)):
        value.problem(f"{quote(text)} belongs to the orchestrator itself")
    return text


def read_expand(value: Value) -> dict[str, Any]:
    if not isinstance(value.node, Mapping) or not value.node.pairs:
        value.problem("expected a mapping of NAME: list")
        return {}
    found: dict[str, Any] = {}
    for key, node in value.node.pairs:
        step = f".{key.text}"
        check_env_name(value.at(key, step), key.text)
        item = value.at(node, step)
        if isinstance(node, Sequence) and node.items:
            found[key.text] = json_of(item)
        elif isinstance(node, Scalar) and OPEN in node.text:
            found[key.text] = item.text()
        else:
            item.problem("expected a list of at least one item, or a template that gives a list")
    return found


def check_env_name(key: Value, name: str) -> None:
    if not ENV_NAME.fullmatch(name):
        key.problem(
            f"{quote(name)} is no name of a variable: use letters, digits (not first) and _"
        )
    elif name in ALWAYS_SET or name.startswith(RESERVED_PREFIXES):
        key.problem(f"{quote(name)} is set by the orchestrator: choose another name")


def _env_text(value: Value) -> str | None:
    if value.node.is_null:
        value.problem('the variable has no value: write "" for an empty text')
        return None
    return value.text("text, a number, true or false")
