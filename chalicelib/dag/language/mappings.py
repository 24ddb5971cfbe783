"""Mappings that have a table of words: the DAG, a task, a sensor, a param, a notification."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.dag.constraints import (
    ENV_NAME,
    MAX_ID,
    MAX_NOTIFICATIONS,
    MAX_PARAMS,
    MAX_URL,
    NOTIFICATION_KINDS,
    TOPIC,
    URL,
)
from chalicelib.dag.evaluate import params
from chalicelib.dag.language.fields.field import Field, Kind
from chalicelib.dag.language.fields.table import (
    DAG_FIELDS,
    DEFAULT_FIELDS,
    NOT_IN_DEFAULTS,
    PARAM_FIELDS,
    SENSOR_FIELDS,
    TASK_FIELDS,
    known_names,
)
from chalicelib.dag.language.readers.by_kind import read_value, shell_text
from chalicelib.dag.language.readers.open_mappings import raw_json_of
from chalicelib.dag.language.yaml_nodes import Mapping, Node, Scalar, Sequence
from chalicelib.dag.language.yaml_value import Value, items_of, refuse_template
from chalicelib.dag.model import Notification, Param, Sensor
from chalicelib.dag.problems import Report, did_you_mean, quote
from chalicelib.dag.templates import check, is_template
from chalicelib.dag.templates.scope import RUN_NAMES, Scope
from chalicelib.dag.text import param_variable


@dataclass(frozen=True, slots=True)
class Record:
    """What a mapping says by a table of fields: `values` as the model has them, and for each field
    that was written what it was made from."""

    node: Node
    path: str
    values: dict[str, Any]
    written: dict[str, Value]
    report: Report

    def problem(self, name: str, message: str) -> None:
        """Report at the field, else at the mapping that lacks it."""
        value = self.written.get(name)
        place, path = (value.node, value.path) if value else (self.node, self.path)
        self.report.add(place, path, message)

    def problem_in(self, name: str, key: str, message: str) -> None:
        """Report at a key of the mapping that the field is, else at the field."""
        value = self.written.get(name)
        for place, _ in value.node.pairs if value and isinstance(value.node, Mapping) else ():
            if place.text == key:
                self.report.add(place, f"{self.written[name].path}.{key}", message)
                return
        self.problem(name, message)

    def says(self, name: str) -> bool:
        """Whether the field is written here and means something else than leaving it out."""
        value = self.written.get(name)
        return value is not None and self.values[name] != value.field.default


def read_record(node: Mapping, fields: tuple[Field, ...], path: str, report: Report) -> Record:
    record = Record(node, path, {field.name: field.default for field in fields}, {}, report)
    known = known_names(fields)
    words: dict[str, str] = {}
    for key, item in node.pairs:
        place = f"{path}.{key.text}" if path else key.text
        field = known.get(key.text)
        if field is None:
            hint = "" if report.is_full else _hint(key.text, fields)
            report.add(key, place, f"the key {quote(key.text)} is not known{hint}")
        elif other := words.get(field.name):
            report.add(key, place, f"{key.text} and {other} are the same: keep one of them")
        else:
            words[field.name] = key.text
            value = record.written[field.name] = Value(item, field, place, report)
            record.values[field.name] = _read(value)
    for field in fields:
        if field.required and field.name not in record.written:
            report.add(node, path, f"{field.name} is missing: it is required")
    return record


_MEANT = {
    **dict.fromkeys(("depends_on", "depends", "needs", "upstream"), "dependencies"),
    **dict.fromkeys(("run", "script", "cmd"), "command"),
    "cron": "schedule",
}
"""What other schedulers call it."""


def _hint(word: str, fields: tuple[Field, ...]) -> str:
    if place := _place_of(word, fields):
        return f"; it is a key of {place}"
    if _MEANT.get(word) in known_names(fields):
        return f"; did you mean {quote(_MEANT[word])}?"
    everything = f"; known are {', '.join(field.name for field in fields)}"
    return did_you_mean(word, known_names(fields)) or everything


def _place_of(word: str, fields: tuple[Field, ...]) -> str | None:
    """Where a key that is not known here belongs."""
    if fields is DAG_FIELDS and word in known_names(TASK_FIELDS):
        return "a task" if word in _OWN else "a task, or of default_args for all tasks"
    if fields in (TASK_FIELDS, DEFAULT_FIELDS) and word in known_names(DAG_FIELDS):
        return "the DAG"
    return None


def _read(value: Value) -> Any:
    read = _READERS.get(value.field.kind)
    return read(value) if read and not value.node.is_null else read_value(value)


def check_template(value: Value, text: str, scope: Scope, *, for_shell: bool = False) -> None:
    """Report what is wrong with the templates of a text, each where it stands."""
    if value.report.is_full:
        return  # looking for the names that were meant takes time
    places = value.node.openings if isinstance(value.node, Scalar) else ()
    for fault in check(text, scope, for_shell=for_shell):
        place = places[fault.opening] if fault.opening < len(places) else value.node
        value.report.add(place, value.path, fault.message)


def check_templates(value: Value, scope: Scope) -> None:
    """The same for every text in a value of JSON."""
    node = value.node
    if isinstance(node, Scalar):
        check_template(value, node.text, scope)
    elif isinstance(node, Sequence):
        for item in items_of(value):
            check_templates(item, scope)
    elif isinstance(node, Mapping):
        for key, item_node in node.pairs:
            check_templates(value.at(item_node, f".{key.text}"), scope)


_OWN = known_names(tuple(field for field in TASK_FIELDS if field.name in NOT_IN_DEFAULTS))


def _sensor(value: Value) -> Sensor | None:
    if not isinstance(value.node, Mapping):
        value.problem("expected a mapping such as {poke_interval: 1m, timeout: 2h}")
        return None
    record = read_record(value.node, SENSOR_FIELDS, value.path, value.report)
    values = record.values
    if None in values.values():
        return None
    if values["poke_interval"] > values["timeout"]:
        record.problem("poke_interval", "poke_interval is longer than timeout")
    return Sensor(**values)


def _defaults(value: Value) -> Any:
    """A record, so that a task can take both the value and its place from it."""
    if not isinstance(value.node, Mapping):
        return value.problem("expected a mapping of task keys such as {retries: 2}")
    node, pairs = value.node, []
    for key, item in node.pairs:
        if key.text in _OWN:
            value.at(key, f".{key.text}").problem(f"{key.text} has no default: each task says it")
        else:
            pairs.append((key, item))
    return read_record(replace(node, pairs=tuple(pairs)), DEFAULT_FIELDS, value.path, value.report)


def _notifications(value: Value) -> tuple[Notification, ...]:
    items = items_of(value)
    if len(items) > MAX_NOTIFICATIONS:
        value.problem(f"{len(items)} notifications; at most {MAX_NOTIFICATIONS} are possible")
    found = [_notification(item) for item in items]
    return tuple(one for one in found if one is not None)


def _notification(value: Value) -> Notification | None:
    pairs = value.node.pairs if isinstance(value.node, Mapping) else ()
    if len(pairs) != 1 or pairs[0][0].text not in NOTIFICATION_KINDS:
        value.problem("expected one of {sns: arn}, {webhook: url} and {command: ...}")
        return None
    key, node = pairs[0]
    item = value.at(node, f".{key.text}")
    text = shell_text(item) if key.text == "command" else item.text()
    if text is None:
        return None
    _check_target(item, key.text, text)
    return Notification(key.text, text)


def _check_target(value: Value, kind: str, text: str) -> None:
    variables = "use the variables of the environment; '{''{' stands for two braces"
    if refuse_template(value, text, variables if kind == "command" else "write it out"):
        return
    if kind == "sns" and not TOPIC.fullmatch(text):
        value.problem(
            f"{quote(text)} is no ARN of a standard topic such as "
            "arn:aws:sns:eu-central-1:123456789012:alerts"
        )
    elif kind == "webhook" and (len(text) > MAX_URL or not URL.fullmatch(text)):
        value.problem(
            "this is no URL of a webhook: it begins with https:// or http://, names no user and "
            f"has at most {MAX_URL} characters"
        )


def _params(value: Value) -> tuple[Param, ...]:
    if not isinstance(value.node, Mapping):
        value.problem("expected a mapping of name: default or name: {type, default, ...}")
        return ()
    pairs = value.node.pairs
    if len(pairs) > MAX_PARAMS:
        value.problem(f"{len(pairs)} params; at most {MAX_PARAMS} are possible")
    found: dict[str, Param] = {}
    described: list[tuple[Param, Record]] = []
    for key, node in pairs[:MAX_PARAMS]:
        step = f".{key.text}"
        other = found.get(param_variable(key.text))
        if not ENV_NAME.fullmatch(key.text) or len(key.text) > MAX_ID:
            value.at(key, step).problem(
                f"{quote(key.text)} is no name of a param: use letters, digits (not first) and _"
            )
        elif other:
            value.at(key, step).problem(
                f"{key.text} and {other.name} would share the variable "
                f"{param_variable(key.text)}: rename one of them"
            )
        param, record = _param(key.text, value.at(node, step))
        found[param_variable(key.text)] = param
        if record:
            described.append((param, record))
    if _are_small(value, found.values()):
        for param, record in described:
            _check_values(param, record)
    return tuple(found.values())


def _are_small(value: Value, declared: Iterable[Param]) -> bool:
    """Whether the values may be checked: a pattern takes time for each letter of each of them."""
    sizes = {"defaults": 0, "enums": 0}
    for param in declared:
        sizes["defaults"] += len(json.dumps(param.default))
        sizes["enums"] += len(json.dumps(param.enum))
    for name, size in sizes.items():
        if size > params.MAX_PARAMS_BYTES:
            message = (
                f"the {name} of all params have {size} bytes; at most {params.MAX_PARAMS_BYTES} fit"
            )
            value.problem(message)
            return False
    return True


def _param(name: str, value: Value) -> tuple[Param, Record | None]:
    if isinstance(value.node, Mapping):
        return _described_param(name, value.node, value)
    default = raw_json_of(value)
    check_templates(value, Scope(RUN_NAMES))
    return params.normalize_param(Param(name, type=_type_of(default), default=default)), None


def _described_param(name: str, node: Mapping, value: Value) -> tuple[Param, Record]:
    record = read_record(node, PARAM_FIELDS, value.path, value.report)
    values = record.values
    if values["type"] == "string":
        # `1.10` is the text that was written, not the number 1.1.
        for key in ("default", "enum"):
            if values[key] is not None:
                values[key] = raw_json_of(record.written[key], is_text=True)
    values["type"] = values["type"] or _type_of(values["default"])
    if isinstance(values["enum"], list):
        values["enum"] = tuple(values["enum"])
    param = params.normalize_param(Param(name, **values))
    _check_bounds(param, record)
    return param, record


def _type_of(default: Any) -> str | None:
    """The narrowest type of a default; a template or nothing says nothing about it."""
    if default is None or is_template(default):
        return None
    # A boolean is told first, and a whole number from 5.0 by how it was written.
    if isinstance(default, float):
        return "number"
    return next(name for name, holds in params.TYPES.items() if holds(default))


def _check_bounds(param: Param, record: Record) -> None:
    for name in ("minimum", "maximum"):
        if getattr(param, name) is not None and param.type not in ("integer", "number", None):
            record.problem(name, f"{name} means nothing for the type {param.type}")
    if param.pattern is not None and param.type not in ("string", None):
        record.problem("pattern", f"pattern means nothing for the type {param.type}")
    if param.minimum is not None and param.maximum is not None and param.minimum > param.maximum:
        record.problem("maximum", "maximum is less than minimum")
    if param.required and param.default is not None:
        record.problem(
            "required", "a param with a default is never required: leave one of them out"
        )


def _check_values(param: Param, record: Record) -> None:
    single = replace(param, enum=None)
    for one in param.enum or ():
        for fault in params.value_problems(single, one):
            record.problem("enum", f"a value of enum {fault}")
    default = record.written.get("default")
    if default is None or param.default is None:
        return
    check_templates(default, Scope(RUN_NAMES))
    if not is_template(param.default):
        for fault in params.value_problems(param, param.default):
            record.problem("default", f"the default {fault}")


_READERS: dict[Kind, Callable[[Value], Any]] = {
    Kind.SENSOR: _sensor,
    Kind.DEFAULTS: _defaults,
    Kind.NOTIFICATIONS: _notifications,
    Kind.PARAMS: _params,
}
