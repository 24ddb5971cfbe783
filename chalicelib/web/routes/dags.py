"""DAGs: what is registered, and what people make it do."""

from __future__ import annotations

from chalicelib.enums import Reprocess, Role, words
from chalicelib.web.param_types import Choice, Flag, Integer, Moment, Object, Text
from chalicelib.web.routes.route import (
    DRY_RUN,
    LATEST,
    MAX_YAML,
    NOTE,
    OF_RUNS,
    JsonBody,
    Param,
    Route,
    TextBody,
    page,
)

ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/dags",
        "dags.list_dags",
        "DAGs by dag_id, without removed ones",
        {200: "DagList"},
        params=page(
            "dags",
            Param("tag", Text(200), "with this tag"),
            Param("paused", Flag(), "paused or not"),
            Param(
                "search",
                Text(200),
                "with this in dag_id, name, description or a tag, in either case",
            ),
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
        role=Role.VIEWER,
    ),
    Route(
        "POST",
        "/api/dags/pause",
        "dags.pause_by_tag",
        "Pause the schedules of all DAGs with a tag, or let them go on",
        {200: "ChangedDags"},
        body=JsonBody(
            (
                Param("tag", Text(200), "of which DAGs", required=True),
                Param("is_paused", Flag(), "whether the schedules stand still", required=True),
            )
        ),
    ),
    Route(
        "GET",
        "/api/upcoming",
        "dags.list_upcoming",
        "The DAGs that run next by themselves, the first one first",
        {200: "UpcomingDags"},
        params=(Param("limit", Integer(1, 500), "how many to answer at most", default=50),),
    ),
    Route(
        "GET",
        "/api/tags",
        "dags.list_tags",
        "The tags that DAGs have, by name",
        {200: "TagList"},
        params=page("tags", is_text=True),
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
        params=page("versions"),
    ),
    Route(
        "GET",
        "/api/dags/{dag_id}/runs",
        "runs.list_runs_of_dag",
        "The DAG's runs, newest first",
        {200: "RunList"},
        errors=(404,),
        params=page("runs", *OF_RUNS),
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
                Param(
                    "logical_date",
                    Moment(),
                    "the moment that the run is for, not a later one than now; default now",
                ),
                Param(
                    "idempotency_key",
                    Text(200),
                    "makes repeating the request harmless",
                ),
                Param("note", NOTE, "shown with the run"),
                Param("params", Object(), "values for the DAG's params, by name"),
            ),
            required=False,
        ),
    ),
    Route(
        "POST",
        "/api/dags/{dag_id}/backfill",
        "backfills.create_backfill",
        "Run the schedule's fire times of a range of dates",
        {201: "BackfillPlan", 200: "BackfillPlan"},
        errors=(404, 409),
        body=JsonBody(
            (
                Param("from", Moment(), "the first moment of the range", required=True),
                Param("to", Moment(), "its last moment, now at the latest", required=True),
                DRY_RUN,
                Param(
                    "reprocess",
                    Choice(words(Reprocess)),
                    "which runs that are there already are run again",
                    default="none",
                ),
                Param(
                    "max_active_runs",
                    Integer(1, 1000),
                    "runs of this backfill at once; default, and at most, the DAG's",
                ),
                Param("reverse", Flag(), "begin with the last fire time", default=False),
                LATEST,
            )
        ),
    ),
)
