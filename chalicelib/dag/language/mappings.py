"""Mappings whose keys stand in a table of fields: the DAG, a task, a sensor, a param."""

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
    """What a mapping says by a table of fields: `values` as the model has them, and for each field
    that was written what it was made from."""

    node: Node
    path: str
    values: dict[str, Any]
    written: dict[str, YamlValue]
    report: Report

    def problem(self, name: str, message: str) -> None:
        """Report at the field, else at the mapping that lacks it."""
        value = self.written.get(name)
        place, path = (value.node, value.path) if value else (self.node, self.path)
        self.report.add(place, path, message)

    def problem_at_key(self, name: str, key: str, message: str) -> None:
        """Report at a key of the mapping that the field is, else at the field."""
        value = self.written.get(name)
        for place, _ in value.node.pairs if value and isinstance(value.node, Mapping) else ():
            if place.text == key:
                self.report.add(place, f"{self.written[name].path}.{key}", message)
                return
        self.problem(name, message)

    def sets(self, name: str) -> bool:
        """Whether the field is written here and means something else than leaving it out."""
        value = self.written.get(name)
        return value is not None and self.values[name] != value.field.default


def read_mapping(
    node: Mapping, fields: tuple[Field, ...], path: str, report: Report, readers: Readers
) -> FieldMapping:
    mapping = FieldMapping(node, path, {field.name: field.default for field in fields}, {}, report)
    known = known_names(fields)
    words: dict[str, str] = {}
    for key, item in node.pairs:
        place = f"{path}.{key.text}" if path else key.text
        field = known.get(key.text)
        if field is None:
            hint = "" if report.is_full else unknown_key_hint(key.text, fields)
            report.add(key, place, f"the key {quote(key.text)} is not known{hint}")
        elif other := words.get(field.name):
            report.add(key, place, f"{key.text} and {other} are the same: keep one of them")
        else:
            words[field.name] = key.text
            value = mapping.written[field.name] = YamlValue(item, field, place, report)
            mapping.values[field.name] = _read(value, readers)
    for field in fields:
        if field.required and field.name not in mapping.written:
            report.add(node, path, f"{field.name} is missing: it is required")
    return mapping


def _read(value: YamlValue, readers: Readers) -> Any:
    """Return the value as the model holds it. A null means that the field is left out."""
    if value.node.is_null:
        if value.field.required:
            return value.problem(f"{value.field.name} is required and has no value here")
        return value.field.default
    read = readers.get(value.field.kind)
    return read(value) if read else value.field.default
