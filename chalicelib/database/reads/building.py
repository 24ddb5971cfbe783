"""From a row to a value: columns are found by the fields' names and converted by their types."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar, get_type_hints

from chalicelib.dag.excerpts import SourceLine
from chalicelib.dag.problems import DagWarning, Problem, WarningCode
from chalicelib.dag.states import RunState, TaskState
from chalicelib.database.connection import Row
from chalicelib.database.times import from_us

T = TypeVar("T")


def build(cls: type[T], row: Row | Mapping[str, Any], **given: Any) -> T:
    """`cls` from the columns of its fields' names, converted by type, and from `given`."""
    key: Any = cls
    values = {name: read(row[name]) for name, read in _readers(key).items() if name not in given}
    return cls(**values, **given)


@lru_cache(maxsize=64)
def _readers(cls: Any) -> Mapping[str, Callable[[Any], Any]]:
    hints = get_type_hints(cls)
    return {spec.name: _READERS.get(hints[spec.name], _as_it_is) for spec in fields(cls)}


def _as_it_is(value: Any) -> Any:
    return value


def _texts(value: str) -> tuple[str, ...]:
    return tuple(json.loads(value))


def warnings_of(row: Row) -> tuple[DagWarning, ...]:
    """The warnings of a DAG's row."""
    return tuple(map(_warning, json.loads(row["warnings"])))


def _warning(row: dict[str, Any]) -> DagWarning:
    return DagWarning(**row | {"code": WarningCode(row["code"])})


_READERS: dict[Any, Callable[[Any], Any]] = {
    datetime: from_us,
    datetime | None: from_us,
    bool: bool,
    RunState: RunState,
    TaskState: TaskState,
    tuple[str, ...]: _texts,
    dict[str, int]: json.loads,
    dict[str, Any]: json.loads,
    dict[str, Any] | None: lambda value: None if value is None else json.loads(value),
    tuple[Problem, ...]: lambda value: tuple(Problem(**problem) for problem in json.loads(value)),
    tuple[DagWarning, ...]: lambda value: tuple(map(_warning, json.loads(value))),
    tuple[SourceLine, ...]: lambda value: tuple(SourceLine(**line) for line in json.loads(value)),
}
