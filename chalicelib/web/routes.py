"""The table of routes. Registration, checks, the OpenAPI document and the README follow from it.

Handlers and schemas stand here by name only, so that importing the table imports neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chalicelib.web.kinds import Choice, Cursor, Flag, Integer, Kind, Moment, Text

MAX_JSON = 64 * 1024
MAX_YAML = 256 * 1024
MAX_OFFSET = 2**53  # the last integer that every JSON client reads exactly

RUN_STATES = ("queued", "running", "success", "failed", "cancelled")
TASK_STATES = (
    "none",
    "scheduled",
    "queued",
    "running",
    "success",
    "failed",
    "up_for_retry",
    "up_for_reschedule",
    "upstream_failed",
    "skipped",
    "cancelled",
)


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


@dataclass(frozen=True, slots=True)
class Route:
    """One route. `handler` is `module.function` below `handlers`; `answers` maps each status of
    success to the name of its schema; `errors` are the statuses that only some routes have.
    400, 500 and 503 are possible everywhere."""

    method: str
    path: str
    handler: str
    summary: str
    answers: dict[int, str]
    errors: tuple[int, ...] = ()
    params: tuple[Param, ...] = ()
    body: Body | None = None


def _page(name: str, *filters: Param, is_text: bool = False, most: int = 50) -> tuple[Param, ...]:
    return (
        *filters,
        Param("limit", Integer(1, 500), "how many to answer at most", default=most),
        Param("cursor", Cursor(name, is_text), "`next_cursor` of the page before"),
    )


DAG_ID = Param("dag_id", Text(100), "of this DAG only")
MAP_INDEX = Param("map_index", Integer(-1, 2**31), "which copy of an expanded task", default=-1)

ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/dags",
        "dags.list_dags",
        "DAGs by dag_id, without removed ones",
        {200: "DagList"},
        params=_page(
            "dags",
            Param("tag", Text(200), "with this tag"),
            Param("paused", Flag(), "paused or not"),
            Param("search", Text(200), "with this in dag_id, name or description, in either case"),
            is_text=True,
        ),
    ),
    Route(
        "POST",
        "/api/dags/validate",
        "validation.validate",
        "Judge a DAG file without registering it: all problems, or the DAG and its next fire times",
        {200: "ValidatedDag"},
        errors=(422,),
        body=TextBody(
            "the YAML file",
            (
                "application/yaml",
                "application/x-yaml",
                "text/yaml",
                "text/plain",
                "application/octet-stream",
            ),
            MAX_YAML,
        ),
    ),
    Route(
        "GET",
        "/api/dags/{dag_id}",
        "dags.get_dag",
        "One DAG with its tasks and graph, a removed one too",
        {200: "DagDetail"},
        errors=(404,),
    ),
    Route(
        "PATCH",
        "/api/dags/{dag_id}",
        "dags.patch_dag",
        "Pause a DAG's schedule, or let it go on",
        {200: "DagDetail"},
        errors=(404, 409),
        body=JsonBody((Param("is_paused", Flag(), "whether the schedule rests", required=True),)),
    ),
    Route(
        "GET",
        "/api/dags/{dag_id}/source",
        "dags.get_source",
        "The file of the active version, or of the one asked for",
        {200: "DagSource"},
        errors=(404,),
        params=(Param("version", Integer(1, 2**31), "which version"),),
    ),
    Route(
        "GET",
        "/api/dags/{dag_id}/versions",
        "dags.list_versions",
        "The versions that are kept, newest first",
        {200: "DagVersionList"},
        errors=(404,),
        params=_page("versions"),
    ),
    Route(
        "GET",
        "/api/dags/{dag_id}/runs",
        "runs.list_runs_of_dag",
        "The DAG's runs, newest first",
        {200: "RunList"},
        errors=(404,),
        params=_page("runs", Param("state", Choice(RUN_STATES), "in this state")),
    ),
    Route(
        "GET",
        "/api/dags/{dag_id}/next",
        "dags.get_next_fire_times",
        "The next fire times of the schedule, as if it were not paused",
        {200: "NextFireTimes"},
        errors=(404,),
        params=(Param("count", Integer(1, 100), "how many", default=5),),
    ),
    Route(
        "POST",
        "/api/dags/{dag_id}/run",
        "runs.request_run",
        "Run the DAG now; the same idempotency_key again answers 200 and the same run",
        {201: "Run", 200: "Run"},
        errors=(404, 409),
        body=JsonBody(
            (
                Param("logical_date", Moment(), "the moment that the run is for; default now"),
                Param(
                    "idempotency_key",
                    Text(200, "[!-~]+", "printable ASCII without spaces"),
                    "makes repeating the request harmless",
                ),
                Param("note", Text(1000), "shown with the run"),
            ),
            required=False,
        ),
    ),
    Route(
        "GET",
        "/api/runs",
        "runs.list_runs",
        "Runs, newest first",
        {200: "RunList"},
        params=_page("runs", DAG_ID, Param("state", Choice(RUN_STATES), "in this state")),
    ),
    Route(
        "GET",
        "/api/runs/{run_id}",
        "runs.get_run",
        "One run with its task instances, in the order of the DAG",
        {200: "RunDetail"},
        errors=(404,),
        params=_page("tasks_of_run", most=500),
    ),
    Route(
        "GET",
        "/api/runs/{run_id}/tasks/{task_id}",
        "task_instances.get_task_instance",
        "One task of a run with its ended attempts, newest first",
        {200: "TaskInstanceDetail"},
        errors=(404,),
        params=(MAP_INDEX,),
    ),
    Route(
        "GET",
        "/api/runs/{run_id}/tasks/{task_id}/logs",
        "task_instances.get_log",
        "A part of an attempt's log; ask again from next_offset until it is complete",
        {200: "LogPart"},
        errors=(404,),
        params=(
            Param("try_number", Integer(1, 2**31), "which attempt; default the latest"),
            Param("offset", Integer(0, MAX_OFFSET), "byte of the log to begin at", default=0),
            MAP_INDEX,
        ),
    ),
    Route(
        "GET",
        "/api/task_instances",
        "task_instances.list_task_instances",
        "Task instances, newest first",
        {200: "TaskInstanceList"},
        params=_page(
            "task_instances",
            DAG_ID,
            Param("run_id", Text(200), "of this run only"),
            Param("task_id", Text(100), "of this task only"),
            Param("state", Choice(TASK_STATES), "in this state"),
        ),
    ),
    Route(
        "GET",
        "/api/import_errors",
        "operations.list_import_errors",
        "Files that could not be registered, by key",
        {200: "ImportErrorList"},
        params=_page("import_errors", is_text=True),
    ),
    Route(
        "GET",
        "/api/ticks",
        "operations.list_ticks",
        "What the last ticks did, newest first",
        {200: "TickList"},
        params=_page("ticks"),
    ),
    Route(
        "GET",
        "/api/health",
        "operations.get_health",
        "Whether the orchestrator works: 503 if the database cannot be reached",
        {200: "Health"},
    ),
    Route(
        "GET",
        "/api/dag-schema.json",
        "validation.get_dag_schema",
        "The JSON Schema of DAG files, for editors",
        {200: "JsonSchema"},
    ),
    Route(
        "GET",
        "/api/openapi.json",
        "operations.get_openapi",
        "This API as an OpenAPI 3.1 document",
        {200: "OpenApi"},
    ),
)
"""A path without a variable stands before the one with a variable that would match it, too."""
