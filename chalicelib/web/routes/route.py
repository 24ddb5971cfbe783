"""What a row of the table of routes holds, and what several rows share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chalicelib.enums import Role, RunState, words
from chalicelib.web.param_types import (
    Choice,
    Cursor,
    Flag,
    Integer,
    Kind,
    Text,
)

MAX_JSON = 64 * 1024
MAX_YAML = 256 * 1024
MAX_OFFSET = 2**53  # the last integer that every JSON client reads exactly


@dataclass(frozen=True, slots=True)
class Param:
    """A query parameter, or a field of a JSON body. None means that it was not given."""

    name: str
    kind: Kind
    help: str
    default: Any = None
    required: bool = False


@dataclass(frozen=True, slots=True)
class JsonBody:
    """A JSON object with these fields; left out altogether where `required` is false."""

    fields: tuple[Param, ...]
    required: bool = True
    media_types: tuple[str, ...] = ("application/json",)
    limit: int = MAX_JSON


@dataclass(frozen=True, slots=True)
class TextBody:
    """A file as it is. `limit` in bytes."""

    help: str
    media_types: tuple[str, ...]
    limit: int


Body = JsonBody | TextBody

NOTHING = JsonBody((), required=False)
"""A body that says nothing: none, or {}."""


@dataclass(frozen=True, slots=True)
class Route:
    """One route. `handler` is `module.function` below `handlers`; `answers` maps each status of
    success to the name of its schema; `errors` are the statuses that only some routes have.
    400, 401, 403, 500 and 503 are possible everywhere. Everything but a GET needs an operator,
    unless `role` says otherwise; `is_open` lets strangers in, too. With `has_head` it answers HEAD
    as well, for monitors that want no body."""

    method: str
    path: str
    handler: str
    summary: str
    answers: dict[int, str]
    errors: tuple[int, ...] = ()
    params: tuple[Param, ...] = ()
    body: Body | None = None
    role: Role | None = None
    is_open: bool = False
    has_head: bool = False

    @property
    def needs(self) -> Role:
        """The least role that may ask."""
        return self.role or (Role.VIEWER if self.method == "GET" else Role.OPERATOR)


def page(name: str, *filters: Param, is_text: bool = False, most: int = 50) -> tuple[Param, ...]:
    return (
        *filters,
        Param("limit", Integer(1, 500), "how many to answer at most", default=most),
        Param("cursor", Cursor(name, is_text), "`next_cursor` of the page before"),
    )


DAG_ID = Param("dag_id", Text(100), "of this DAG only")
OF_RUNS = (
    Param("state", Choice(words(RunState)), "in this state"),
    Param("acknowledged", Flag(), "failures that were acknowledged, or runs that were not"),
)
RUN_ID = Param("run_id", Text(200), "of this run only")
MAP_INDEX = Param("map_index", Integer(-1, 2**31), "which copy of an expanded task", default=-1)
COPY = Param("map_index", Integer(-1, 2**31), "which copy of an expanded task; default all")
DRY_RUN = Param("dry_run", Flag(), "change nothing and answer what would change", default=False)
LATEST = Param(
    "run_on_latest_version",
    Flag(),
    "by the file as it is now, or as the run's own version says; default the DAG's"
    " rerun_with_latest_version",
)
NOTE = Text(1000)
ONLY_FAILED = Param(
    "only_failed", Flag(), "only what failed, or did not run because of it", default=False
)
DOWNSTREAM = Param("downstream", Flag(), "with all tasks that come after", default=False)
POOL_NAME = Text(
    100, r"(?!\.{1,2}$)[A-Za-z0-9_.-]+", "letters, digits and _ . - (not . or .. alone)"
)
