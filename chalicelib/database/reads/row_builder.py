"""From a row to a value: columns are found by the fields' names and converted by their types."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from enum import StrEnum
from functools import lru_cache, partial
from typing import Any, TypeVar, get_type_hints

from chalicelib.dag.excerpts import SourceLine
from chalicelib.dag.problems import DagWarning, Problem
from chalicelib.database.connection import Row
from chalicelib.database.connection.times import from_us
from chalicelib.enums import WarningCode, read_word
from chalicelib.utils.errors import in_words

log = logging.getLogger("orchestrator.database")

T = TypeVar("T")


def build(cls: type[T], row: Row | Mapping[str, Any], **given: Any) -> T:
    """`cls` from the columns of its fields' names, converted by type, and from `given`. A column
    that cannot be read says so in its place: one bad row must not hide the others of a list."""
    key: Any = cls
    values = {
        name: _value(reader, row[name])
        for name, reader in _readers(key).items()
        if name not in given
    }
    return cls(**values, **given)


def _value(reader: Callable[[Any], Any], column: Any) -> Any:
    try:
        return reader(column)
    except Exception as error:
        if reader not in _UNREADABLE:
            raise
        log.exception("a column cannot be read")
        return _UNREADABLE[reader](f"this cannot be read: {in_words(error)}")


@lru_cache(maxsize=64)
def _readers(cls: Any) -> Mapping[str, Callable[[Any], Any]]:
    hints = get_type_hints(cls)
    return {spec.name: _reader(hints[spec.name]) for spec in fields(cls)}


def _reader(hint: Any) -> Callable[[Any], Any]:
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return partial(read_word, hint)
    return _READERS.get(hint, _as_it_is)


def _as_it_is(value: Any) -> Any:
    return value


def _texts(value: str) -> tuple[str, ...]:
    return tuple(json.loads(value))


def warnings_of(row: Row) -> tuple[DagWarning, ...]:
    """The warnings of a DAG's row."""
    found: tuple[DagWarning, ...] = _value(_warnings, row["warnings"])
    return found


def _warnings(value: str) -> tuple[DagWarning, ...]:
    return tuple(map(_warning, json.loads(value)))


def _warning(row: dict[str, Any]) -> DagWarning:
    return DagWarning(**row | {"code": WarningCode(row["code"])})


def _numbers(value: str) -> dict[str, int]:
    return _mapping(value)


def _mapping(value: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(value)
    return {**found}


def _mapping_or_none(value: str | None) -> dict[str, Any] | None:
    return None if value is None else _mapping(value)


def _problems(value: str) -> tuple[Problem, ...]:
    return tuple(Problem(**problem) for problem in json.loads(value))


def _lines(value: str) -> tuple[SourceLine, ...]:
    return tuple(SourceLine(**line) for line in json.loads(value))


_READERS: dict[Any, Callable[[Any], Any]] = {
    datetime: from_us,
    datetime | None: from_us,
    bool: bool,
    tuple[str, ...]: _texts,
    dict[str, int]: _numbers,
    dict[str, Any]: _mapping,
    dict[str, Any] | None: _mapping_or_none,
    tuple[Problem, ...]: _problems,
    tuple[DagWarning, ...]: _warnings,
    tuple[SourceLine, ...]: _lines,
}

# What stands where the column's JSON cannot be read.
_UNREADABLE: dict[Callable[[Any], Any], Callable[[str], Any]] = {
    _texts: lambda said: (said,),
    _numbers: lambda _: {},
    _mapping: lambda said: {"error": said},
    _mapping_or_none: lambda said: {"error": said},
    _problems: lambda said: (Problem(1, 1, "", said),),
    _lines: lambda _: (),
    _warnings: lambda _: (),
}
