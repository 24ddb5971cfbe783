"""Reads a mapping by a table of fields: the DAG, a task, a sensor, a param."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chalicelib.dag.language.fields.field import Field, Kind
from chalicelib.dag.language.fields.table import known_names
from chalicelib.dag.language.unknown_keys import unknown_key_hint
from chalicelib.dag.language.yaml_nodes import Mapping, Node
from chalicelib.dag.language.yaml_value import YamlValue
from chalicelib.dag.problems import Report, quote

Readers = dict[Kind, Callable[[YamlValue], Any]]
"""The reader of each kind of field. It returns the value, or reports a problem and returns the
field's default."""


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """A mapping that was read by a table of fields.

    `values` holds every field as the model has it; `written` the YAML of those in the file.
    """

    node: Node
    path: str
    values: dict[str, Any]
    written: dict[str, YamlValue]
    report: Report

    def problem(self, name: str, message: str) -> None:
        """Report a problem at the field, or at the mapping if the field is missing."""
        value = self.written.get(name)
        place, path = (value.node, value.path) if value else (self.node, self.path)
        self.report.add(place, path, message)

    def problem_at_key(self, name: str, key: str, message: str) -> None:
        """Report a problem at a key of a field that is a mapping, or at the field."""
        value = self.written.get(name)
        for place, _ in value.node.pairs if value and isinstance(value.node, Mapping) else ():
            if place.text == key:
                self.report.add(place, f"{self.written[name].path}.{key}", message)
                return
        self.problem(name, message)

    def sets(self, name: str) -> bool:
        """Whether the mapping itself sets the field to something other than its default."""
        value = self.written.get(name)
        return value is not None and self.values[name] != value.field.default


def read_mapping(
    node: Mapping, fields: tuple[Field, ...], path: str, report: Report, readers: Readers
) -> FieldMapping:
    """Read a mapping, and report unknown, repeated and missing keys."""
    mapping = FieldMapping(node, path, {field.name: field.default for field in fields}, {}, report)
    known = known_names(fields)
    spellings: dict[str, str] = {}
    for key, item in node.pairs:
        place = f"{path}.{key.text}" if path else key.text
        field = known.get(key.text)
        if field is None:
            hint = "" if report.is_full else unknown_key_hint(key.text, fields)
            report.add(key, place, f"unknown key {quote(key.text)}{hint}")
        elif other := spellings.get(field.name):
            report.add(key, place, f"{key.text} and {other} mean the same thing: keep one of them")
        else:
            spellings[field.name] = key.text
            value = mapping.written[field.name] = YamlValue(item, field, place, report)
            mapping.values[field.name] = _read(value, readers)
    for field in fields:
        if field.required and field.name not in mapping.written:
            report.add(node, path, f"{field.name} is required but missing")
    return mapping


def _read(value: YamlValue, readers: Readers) -> Any:
    """Return the value as the model holds it. A null means that the field is left out."""
    if value.node.is_null:
        if value.field.required:
            return value.problem(f"{value.field.name} is required but has no value")
        return value.field.default
    read = readers.get(value.field.kind)
    return read(value) if read else value.field.default
