"""Readers of paths in a command's working directory: `artifacts`, `inputs`."""

from __future__ import annotations

import posixpath

from chalicelib.dag.constraints import (
    ARTIFACT_NAME,
    MAX_ARTIFACTS,
    MAX_FILE_NAME_BYTES,
    MAX_ID_LENGTH,
    MAX_INPUTS,
    MAX_PATH_LENGTH,
)
from chalicelib.dag.language.yaml_nodes import Mapping
from chalicelib.dag.language.yaml_value import NODE_NAMES, YamlValue, refuse_template
from chalicelib.dag.problems import quote


def read_artifacts(value: YamlValue) -> dict[str, str]:
    """Read `name: path`. Paths are normalized."""
    artifacts: dict[str, str] = {}
    for key, item in _pairs(value, "name: path", MAX_ARTIFACTS):
        name = _name(key)
        path = _path(item, item.text("the path of a file or folder"))
        if name is not None and path is not None:
            artifacts[name] = path
    return artifacts


def read_inputs(value: YamlValue) -> dict[str, str]:
    """Read `path: task.artifact`. Paths are normalized; the references are checked with the other
    tasks at hand."""
    inputs: dict[str, str] = {}
    for key, item in _pairs(value, "path: task.artifact", MAX_INPUTS):
        path = _path(key, key.text("a path"))
        reference = item.text("task.artifact")
        if path is not None:
            _check_place(key, path, inputs)
            inputs[path] = reference or ""
    return inputs


def _pairs(value: YamlValue, expected: str, most: int) -> list[tuple[YamlValue, YamlValue]]:
    if not isinstance(value.node, Mapping):
        value.problem(f"expected a mapping of {expected}, found {NODE_NAMES[type(value.node)]}")
        return []
    name, count = value.field.name, len(value.node.pairs)
    if count > most:
        value.problem(f"{count} {name}; at most {most} are allowed")
    steps = ((key, node, f".{key.text}") for key, node in value.node.pairs[:most])
    return [(value.at(key, step), value.at(node, step)) for key, node, step in steps]


def _name(key: YamlValue) -> str | None:
    text = key.text("a name")
    if text is None or (len(text) <= MAX_ID_LENGTH and ARTIFACT_NAME.fullmatch(text)):
        return text
    key.problem(
        f"{quote(text)} is not a valid artifact name: use at most {MAX_ID_LENGTH} letters, digits,"
        " _ and -"
    )
    return None


def _path(value: YamlValue, text: str | None) -> str | None:
    if text is None or refuse_template(value, text, "write the path as it is"):
        return None
    if problem := path_problem(text):
        value.problem(f"{quote(text)} {problem}")
        return None
    return posixpath.normpath(text)


def path_problem(path: str) -> str | None:
    """Return why a command's file cannot be named by this path, or None."""
    parts = path.split("/")
    if path.startswith("/"):
        return "is an absolute path: write it relative to the command's working directory"
    if ".." in parts:
        return "leads upwards: name something in the command's working directory, without .."
    if not any(part not in ("", ".") for part in parts):
        return "names no file or folder in the command's working directory"
    if any(ord(char) < 32 or ord(char) == 127 for char in path):
        return "holds a control character"
    if len(path) > MAX_PATH_LENGTH:
        return f"has {len(path)} characters; at most {MAX_PATH_LENGTH} are allowed"
    if any(len(part.encode()) > MAX_FILE_NAME_BYTES for part in parts):
        return f"has a part of more than {MAX_FILE_NAME_BYTES} bytes, which no file can be named"
    return None


def _check_place(key: YamlValue, path: str, others: dict[str, str]) -> None:
    """Report two inputs at one path, or one below the other."""
    for other in others:
        if path == other:
            key.problem(f"two inputs cannot have the path {quote(path)}: choose another one")
        elif path.startswith(f"{other}/") or other.startswith(f"{path}/"):
            below, above = (path, other) if len(path) > len(other) else (other, path)
            key.problem(
                f"the input {quote(below)} would be inside the input {quote(above)}: put them"
                " beside each other"
            )
