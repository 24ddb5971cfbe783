"""What a row of the table of routes is made of, and what several rows share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chalicelib.enums import Role, RunState, RunType, words
from chalicelib.web.param_types import (
    Boolean,
    Choice,
    Cursor,
    DateTime,
    Integer,
    ParamType,
    Text,
)

MAX_JSON = 64 * 1024
MAX_YAML = 256 * 1024
YAML_TYPES = (
    "application/yaml",
    "application/x-yaml",
    "text/yaml",
    "text/plain",
    "application/octet-stream",
)
MAX_OFFSET = 2**53  # the last integer that every JSON client reads exactly


@dataclass(frozen=True, slots=True)
class Param:
    """A query parameter, or a field of a JSON body. Its value is None if it is not given."""

    name: str
    type: ParamType
    help: str
    default: Any = None
    required: bool = False


@dataclass(frozen=True, slots=True)
class JsonBody:
    """A JSON object with these fields, which may be omitted unless `required`."""

    fields: tuple[Param, ...]
    required: bool = True
    media_types: tuple[str, ...] = ("application/json",)
    limit: int = MAX_JSON


@dataclass(frozen=True, slots=True)
class TextBody:
    """A file, unparsed. `limit` is in bytes."""

    help: str
    media_types: tuple[str, ...]
    limit: int


Body = JsonBody | TextBody

NO_BODY = JsonBody((), required=False)
"""No body, or {}."""


@dataclass(frozen=True, slots=True)
class Route:
    """A route. GETs need a viewer, all others an operator, unless `role` says otherwise.

    Attributes:
        handler: `module.function` in `handlers`.
        responses: Class in `response_models` or `list_responses` by status; "" for no body.
        errors: Statuses beyond 400, 401, 403, 500 and 503, which every route may return.
        is_open: Callers without a token are let in.
        has_head: HEAD is answered too, for monitors that want no body.
        has_precondition: Callers must send `If-Match` or `If-None-Match: *`.
    """

    method: str
    path: str
    handler: str
    summary: str
    responses: dict[int, str]
    errors: tuple[int, ...] = ()
    params: tuple[Param, ...] = ()
    body: Body | None = None
    role: Role | None = None
    is_open: bool = False
    has_head: bool = False
    has_precondition: bool = False

    @property
    def needs(self) -> Role:
        """The role that a caller needs."""
        return self.role or (Role.VIEWER if self.method == "GET" else Role.OPERATOR)


def page(name: str, *filters: Param, is_text: bool = False, most: int = 50) -> tuple[Param, ...]:
    return (
        *filters,
        Param("limit", Integer(1, 500), "Maximum number of items.", default=most),
        Param("cursor", Cursor(name, is_text), "`next_cursor` of the previous page."),
    )


DAG_ID = Param("dag_id", Text(100), "Only of this DAG.")
BACKFILL_ID = Param("backfill_id", Integer(1, 2**53), "Only of this backfill.")
RUN_FILTERS = (
    Param("state", Choice(words(RunState)), "Only in this state."),
    Param(
        "acknowledged",
        Boolean(),
        "Only acknowledged failures, or only runs without an acknowledgement.",
    ),
    Param("run_type", Choice(words(RunType)), "Only what was started in this way."),
    Param("from", DateTime(), "Only with this logical date or a later one."),
    Param("to", DateTime(), "Only with this logical date or an earlier one."),
    Param(
        "cause",
        Text(200),
        "Only with this text in the reason of the run or of a failed task, or in that task's log if"
        " it is shorter than 4 KB; in either case.",
    ),
)
DAG_FILTERS_OF_RUNS = (
    Param("name", Text(200), "Only with this text in the DAG's id or name, in either case."),
    Param("tag", Text(100), "Only of DAGs with this tag."),
)
RUN_ID = Param("run_id", Text(200), "Only of this run.")
MAP_INDEX = Param(
    "map_index",
    Integer(-1, 2**31),
    "Index of the mapped instance; -1 for an unmapped task.",
    default=-1,
)
MAP_INDEX_OR_ALL = Param(
    "map_index", Integer(-1, 2**31), "Index of the mapped instance. Defaults to all."
)
DRY_RUN = Param("dry_run", Boolean(), "Change nothing and return what would change.", default=False)
RUN_ON_LATEST_VERSION = Param(
    "run_on_latest_version",
    Boolean(),
    "Use the latest version of the DAG instead of the run's own. Defaults to the DAG's"
    " rerun_with_latest_version.",
)
NOTE = Text(1000)
ONLY_FAILED = Param(
    "only_failed",
    Boolean(),
    "Only tasks that failed, or did not run because of a failure.",
    default=False,
)
DOWNSTREAM = Param("downstream", Boolean(), "Also clear all downstream tasks.", default=False)
POOL_NAME = Text(
    100, r"(?!\.{1,2}$)[A-Za-z0-9_.-]+", "letters, digits and _ . - (not . or .. alone)"
)
