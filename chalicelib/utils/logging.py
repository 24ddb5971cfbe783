"""One log for all rooms: JSON lines on Lambda, readable lines everywhere else.

A room logs to `logging.getLogger("orchestrator.<room>")`. The ids of what a line is about come
with the call, `extra={"dag_id": ..., "run_id": ...}`, or from `bind`, which gives them to
every line inside a `with` block. Messages hold no ids; the formatters add them.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, TextIO

from chalicelib.utils.lambda_env import is_lambda
from chalicelib.utils.time import iso

ROOT = "orchestrator"

# CloudWatch cuts an event at 256 KB, and a cut JSON line is no JSON. A character escaped for JSON
# takes up to 12 bytes.
MESSAGE_LIMIT = 4_000
TRACE_LIMIT = 8_000
FIELD_LIMIT = 1_000

_bound: ContextVar[Mapping[str, Any]] = ContextVar(
    "orchestrator_log_ids", default=MappingProxyType({})
)

# What `logging` itself sets on a record; everything else came in through `extra`.
_OF_THE_RECORD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

_ENVELOPE = frozenset({"time", "level", "logger", "message", "error"})


@contextmanager
def bind(**ids: Any) -> Iterator[None]:
    """Every line logged inside, by this thread, carries `ids`. Inner ids win over outer ones; an
    `extra` of the call itself wins over both."""
    token = _bound.set({**_bound.get(), **ids})
    try:
        yield
    finally:
        _bound.reset(token)


def configure(
    level: str = "INFO",
    *,
    environ: Mapping[str, str] | None = None,
    stream: TextIO | None = None,
    warnings: Iterable[str] = (),
) -> None:
    """Take over the process's log: one handler at the root, JSON where the environment is Lambda's.

    `level` is for our own lines; those of libraries begin at WARNING. May be called again. Handlers
    of others that write to the console are removed, so that no line appears twice: `chalice
    local` and Lambda's runtime both install one. Those that capture, as pytest's, stay. `warnings`
    are logged once the log is set up.
    """
    environ = os.environ if environ is None else environ
    on_lambda = is_lambda(environ)
    handler = _Handler(stream)
    handler.setFormatter(JsonFormatter() if on_lambda else ReadableFormatter())
    root, ours = logging.getLogger(), logging.getLogger(ROOT)
    for logger in (root, ours):
        _remove_console_handlers(logger)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    # Chalice's own `app.log` has this name, and comes with both of these set.
    ours.propagate = True
    ours.setLevel(level)
    # A line per commit is an alarm on AWS, where hosts share the file, and noise on one machine.
    is_noise = not on_lambda and level != "DEBUG"
    logging.getLogger(f"{ROOT}.database").setLevel("WARNING" if is_noise else level)
    for warning in warnings:
        ours.warning("%s", warning)


class JsonFormatter(logging.Formatter):
    """One line, one JSON object: time, level, logger, message, the ids, and `error`
    ({"type", "message", "trace"}) where there is an exception. ASCII only."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname,
            "logger": record.name,
            "message": _cut(_message(record), MESSAGE_LIMIT),
        }
        line.update(fields(record))
        error = _error(record)
        if error is not None:
            line["error"] = error
        return json.dumps(line)


class ReadableFormatter(logging.Formatter):
    """`10:00:00.123 INFO    scheduler: message  dag_id=a run_id=b`, an exception's trace below."""

    def format(self, record: logging.LogRecord) -> str:
        room = record.name.removeprefix(f"{ROOT}.")
        message = _cut(_message(record), MESSAGE_LIMIT)
        ids = "".join(f" {name}={value}" for name, value in fields(record).items())
        clock = datetime.fromtimestamp(record.created).astimezone()
        line = f"{clock:%H:%M:%S}.{int(record.msecs):03d} {record.levelname:<7} {room}: {message}"
        line = f"{line} {ids}" if ids else line
        error = _error(record)
        return line if error is None else f"{line}\n{error['trace'].rstrip()}"


def fields(record: logging.LogRecord) -> dict[str, Any]:
    """What was bound and what came as `extra`, without Nones; long values cut. A field that has the
    name of a part of the line gets an underscore after it."""
    given = {k: v for k, v in vars(record).items() if k not in _OF_THE_RECORD}
    merged = {**_bound.get(), **given}
    return {
        f"{name}_" if name in _ENVELOPE else name: _value(value)
        for name, value in merged.items()
        if value is not None
    }


class _Handler(logging.StreamHandler[TextIO]):
    """Writes to the current stderr, or to the stream given; a type of its own so that
    `configure` finds it again."""

    def __init__(self, stream: TextIO | None) -> None:
        self._given = stream
        super().__init__(stream)

    @property
    def stream(self) -> TextIO:
        return self._given or sys.stderr

    @stream.setter
    def stream(self, value: TextIO) -> None:
        pass


def _remove_console_handlers(logger: logging.Logger) -> None:
    for handler in list(logger.handlers):
        # Lambda's own class cannot be imported elsewhere, so it goes by its name.
        of_lambda = type(handler).__name__.startswith("LambdaLogger")
        if of_lambda or type(handler) in (logging.StreamHandler, _Handler):
            logger.removeHandler(handler)


def _time(record: logging.LogRecord) -> str:
    return iso(datetime.fromtimestamp(record.created, UTC))


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:
        # A wrong format string must not lose the line, which may be the one that explains a crash.
        return f"{record.msg!r} {record.args!r} (could not be formatted: {error})"


def _error(record: logging.LogRecord) -> dict[str, str] | None:
    if not record.exc_info or record.exc_info[0] is None:
        return None
    kind, error, trace = record.exc_info
    lines = "".join(traceback.format_exception(kind, error, trace))
    return {
        "type": kind.__name__,
        "message": _cut(str(error), FIELD_LIMIT),
        "trace": _cut(lines, TRACE_LIMIT),
    }


def _value(value: Any) -> Any:
    """`value` as JSON can say it, or its text; a long one always becomes text, and is cut."""
    try:
        known = json.loads(json.dumps(value, default=str, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        known = str(value)
    text = known if isinstance(known, str) else json.dumps(known)
    return known if len(text) <= FIELD_LIMIT else _cut(text, FIELD_LIMIT)


def _cut(text: str, limit: int) -> str:
    """The head and the tail: a trace says most at its end."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]} [... {len(text) - 2 * half} characters cut ...] {text[-half:]}"
