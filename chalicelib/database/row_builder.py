"""Builds values from rows: each field from the column of its name, converted by its type."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from enum import StrEnum
from functools import lru_cache, partial
from operator import itemgetter
from types import UnionType
from typing import Any, Generic, TypeVar, get_args, get_type_hints

from chalicelib.dag.excerpts import SourceLine
from chalicelib.dag.problems import DagWarning, Problem
from chalicelib.database.connection import Row
from chalicelib.database.connection.times import from_us
from chalicelib.enums import WarningCode, read_word
from chalicelib.utils.errors import in_words

log = logging.getLogger("orchestrator.database")

T = TypeVar("T")
Reader = Callable[[Any], Any]


def build(cls: type[T], row: Row, prefix: str = "", **given: Any) -> T:
    """`cls` from the columns named like its fields, after `prefix`, converted by type, and from
    `given`. Raises what the conversion of a column raises."""
    values = {name: read(row[index]) for name, index, read in _plan_for(cls, row, prefix, given)}
    return cls(**values, **given)


def build_readable(cls: type[T], row: Row, prefix: str = "", **given: Any) -> T:
    """Like `build`, but a JSON column that cannot be read says so in its place: one bad row must
    not hide the others of a list."""
    values = {
        name: _readable(read, row[index])
        for name, index, read in _plan_for(cls, row, prefix, given)
    }
    return cls(**values, **given)


class Builder(Generic[T]):
    """Does what `build` does, for rows that all have the columns of the first one. Finding out
    which columns a row has takes as long as reading it. `parts` are fields that are built of
    columns of the row themselves."""

    def __init__(self, cls: type[T], **parts: Builder[Any]) -> None:
        self._cls = cls
        self._parts = parts
        self._width = -1

    def __call__(self, row: Row) -> T:
        values: list[Any] = [*row]
        if len(values) != self._width:
            self._prepare(row)
        for index, read in self._conversions:
            if values[index] is not None:
                values[index] = read(values[index])
        values += [part(row) for part in self._built]
        return self._cls(*self._in_order(values))

    def _prepare(self, row: Row) -> None:
        plan = _plan_for(self._cls, row, "", self._parts)
        columns = {name: index for name, index, _ in plan}
        self._built = tuple(self._parts.values())
        positions = columns | {name: len(row) + n for n, name in enumerate(self._parts)}
        key: Any = self._cls
        self._in_order = itemgetter(*(positions[field.name] for field in fields(key)))
        self._conversions = tuple((index, read) for _, index, read in plan if read is not _as_it_is)
        self._width = len(row)  # last: another thread may read it meanwhile


Plan = tuple[tuple[str, int, Reader], ...]
"""For each field: its name, the position of its column in the row, and how to convert it."""


def _plan_for(cls: type[Any], row: Row, prefix: str, given: Mapping[str, Any]) -> Plan:
    key: Any = cls  # mypy takes no class for hashable
    return _plan(key, tuple(row.keys()), prefix, tuple(given))


@lru_cache(maxsize=256)
def _plan(cls: Any, columns: tuple[str, ...], prefix: str, given: tuple[str, ...]) -> Plan:
    """Looking up a column of a row by name costs a search; that is done once for each statement."""
    hints = get_type_hints(cls)
    names = [field.name for field in fields(cls) if field.name not in given]
    missing = [name for name in names if prefix + name not in columns]
    if missing:
        raise LookupError(f"{cls.__name__} needs columns that were not selected: {missing}")
    return tuple((name, columns.index(prefix + name), _reader(hints[name])) for name in names)


def _readable(read: Reader, column: Any) -> Any:
    try:
        return read(column)
    except Exception as error:
        if read not in _UNREADABLE:
            raise
        log.exception("a column cannot be read")
        return _UNREADABLE[read](f"this cannot be read: {in_words(error)}")


def _reader(hint: Any) -> Reader:
    if hint in _READERS:
        return _READERS[hint]
    is_optional = isinstance(hint, UnionType) and type(None) in get_args(hint)
    kind = next(arg for arg in get_args(hint) if arg is not type(None)) if is_optional else hint
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return partial(_word_or_none if is_optional else read_word, kind)
    return _as_it_is


def _word_or_none(enum: type[StrEnum], column: str | None) -> StrEnum | None:
    return None if column is None else read_word(enum, column)


def _as_it_is(value: Any) -> Any:
    return value


def _texts(value: str) -> tuple[str, ...]:
    return tuple(json.loads(value))


def warnings_of(row: Row) -> tuple[DagWarning, ...]:
    """The warnings of a DAG's row."""
    warnings: tuple[DagWarning, ...] = _readable(_warnings, row["warnings"])
    return warnings


def _warnings(value: str) -> tuple[DagWarning, ...]:
    return tuple(map(_warning, json.loads(value)))


def _warning(row: dict[str, Any]) -> DagWarning:
    return DagWarning(**row | {"code": WarningCode(row["code"])})


def _numbers(value: str) -> dict[str, int]:
    return _mapping(value)


def _mapping(value: str) -> dict[str, Any]:
    mapping: dict[str, Any] = json.loads(value)
    return {**mapping}


def _mapping_or_none(value: str | None) -> dict[str, Any] | None:
    return None if value is None else _mapping(value)


def _problems(value: str) -> tuple[Problem, ...]:
    return tuple(Problem(**problem) for problem in json.loads(value))


def _lines(value: str) -> tuple[SourceLine, ...]:
    return tuple(SourceLine(**line) for line in json.loads(value))


_READERS: dict[Any, Reader] = {
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
_UNREADABLE: dict[Reader, Callable[[str], Any]] = {
    _texts: lambda text: (text,),
    _numbers: lambda _: {},
    _mapping: lambda text: {"error": text},
    _mapping_or_none: lambda text: {"error": text},
    _problems: lambda text: (Problem(1, 1, "", text),),
    _lines: lambda _: (),
    _warnings: lambda _: (),
}
