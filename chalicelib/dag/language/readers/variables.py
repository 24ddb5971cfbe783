"""Readers of mappings from the names of environment variables: `env`, `secrets`, `expand`."""

from __future__ import annotations

from typing import Any

from chalicelib.dag.constraints import (
    BUILT_IN_VARIABLES,
    INTERNAL_VARIABLE_PREFIXES,
    MAX_ENV_BYTES,
    RESERVED_PREFIXES,
    SECRET_REFERENCE,
    VARIABLE_NAME,
)
from chalicelib.dag.language.readers.json_data import json_of
from chalicelib.dag.language.yaml_nodes import Mapping, Scalar, Sequence
from chalicelib.dag.language.yaml_value import NODE_NAMES, YamlValue
from chalicelib.dag.problems import quote
from chalicelib.dag.templates.scope import OPEN


def env_size(env: dict[str, str]) -> int:
    """Return the bytes that the variables take in the environment of a process."""
    return sum(len(f"{name}={value}\0".encode()) for name, value in env.items())


def read_env(value: YamlValue) -> dict[str, str]:
    if not isinstance(value.node, Mapping):
        value.problem(f"expected a mapping of NAME: value, found {NODE_NAMES[type(value.node)]}")
        return {}
    env: dict[str, str] = {}
    for key, node in value.node.pairs:
        step = f".{key.text}"
        check_env_name(value.at(key, step), key.text)
        text = _env_text(value.at(node, step))
        if text is not None:
            env[key.text] = text
    if not value.report and (size := env_size(env)) > MAX_ENV_BYTES:
        value.problem(f"env has {size} bytes; at most {MAX_ENV_BYTES} are allowed")
    return env


def read_secrets(value: YamlValue) -> dict[str, str]:
    if not isinstance(value.node, Mapping):
        value.problem(
            f"expected a mapping of NAME: reference, found {NODE_NAMES[type(value.node)]}"
        )
        return {}
    secrets: dict[str, str] = {}
    for key, node in value.node.pairs:
        step = f".{key.text}"
        check_env_name(value.at(key, step), key.text)
        text = _secret(value.at(node, step))
        if text is not None:
            secrets[key.text] = text
    return secrets


def _secret(value: YamlValue) -> str | None:
    text = value.text("a reference such as ssm:/path")
    if text is None:
        return None
    if not SECRET_REFERENCE.fullmatch(text):
        # The message omits the text, which may be the secret itself: problems are stored.
        value.problem(
            "this is not a secret reference: write ssm:/path, secretsmanager:id,"
            " secretsmanager:id#key or env:NAME"
        )
    elif text.startswith(tuple(f"env:{prefix}" for prefix in INTERNAL_VARIABLE_PREFIXES)):
        value.problem(f"{quote(text)} is reserved for the orchestrator")
    return text


def read_expand(value: YamlValue) -> dict[str, Any]:
    if not isinstance(value.node, Mapping) or not value.node.pairs:
        value.problem("expected a mapping of NAME: list")
        return {}
    expand: dict[str, Any] = {}
    for key, node in value.node.pairs:
        step = f".{key.text}"
        check_env_name(value.at(key, step), key.text)
        item = value.at(node, step)
        if isinstance(node, Sequence) and node.items:
            expand[key.text] = json_of(item)
        elif isinstance(node, Scalar) and OPEN in node.text:
            expand[key.text] = item.text()
        else:
            item.problem("expected a list of at least one item, or a template that gives a list")
    return expand


def check_env_name(key: YamlValue, name: str) -> None:
    if not VARIABLE_NAME.fullmatch(name):
        key.problem(
            f"{quote(name)} is not a valid variable name: use letters, digits (not first) and _"
        )
    elif name in BUILT_IN_VARIABLES or name.startswith(RESERVED_PREFIXES):
        key.problem(f"{quote(name)} is set by the orchestrator: choose another name")


def _env_text(value: YamlValue) -> str | None:
    if value.node.is_null:
        value.problem('the variable has no value: write "" for empty text')
        return None
    return value.text("text, a number, true or false")
