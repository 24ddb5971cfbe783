"""Routes of DAGs."""

from __future__ import annotations

from chalicelib.enums import Reprocess, Role, words
from chalicelib.web.param_types import Boolean, Choice, Cursor, DateTime, Integer, Object, Text
from chalicelib.web.routes.route import (
    DRY_RUN,
    MAX_YAML,
    NOTE,
    RUN_FILTERS,
    RUN_ON_LATEST_VERSION,
    YAML_TYPES,
    JsonBody,
    Param,
    Route,
    TextBody,
    page,
)

_VERSION = Param("version", Integer(1, 2**31), "Number of the version; the active one by default.")

_KEY = Param(
    "key",
    Text(1024),
    "Name of the file in the bucket, such as sales/nightly.yaml.",
    required=True,
)

ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/dags",
        "dags.list_dags",
        "Registered DAGs, by dag_id",
        {200: "DagList"},
        params=page(
            "dags",
            Param("tag", Text(200), "Only DAGs with this tag."),
            Param("paused", Boolean(), "Only paused DAGs, or only DAGs that are not paused."),
            Param(
                "search",
                Text(200),
                "Only DAGs with this text in dag_id, name, description or a tag, in any case.",
            ),
            Param("failing", Boolean(), "Only DAGs with open failures.", default=False),
            Param(
                "recent",
                Integer(0, 20),
                "Also return `activity`, with this number of latest runs of each DAG.",
                default=0,
            ),
            is_text=True,
        ),
    ),
    Route(
        "POST",
        "/api/dags/validate",
        "validation.validate",
        "Validate a DAG file without registering it",
        {200: "ValidatedDag"},
        errors=(422,),
        body=TextBody("The DAG file.", YAML_TYPES, MAX_YAML),
        role=Role.VIEWER,
    ),
    Route(
        "GET",
        "/api/dag-file",
        "dag_sources.get_dag_file",
        "A DAG file as it is in the dags bucket, to edit it",
        {200: "DagFileInBucket"},
        errors=(404,),
        params=(_KEY,),
    ),
    Route(
        "PUT",
        "/api/dag-file",
        "dag_sources.save_dag_file",
        "Save a valid DAG file in the dags bucket: a new one, or over the one that If-Match names",
        {201: "SavedDagFile", 200: "SavedDagFile"},
        errors=(412, 422, 428),
        params=(_KEY,),
        body=TextBody("The DAG file.", YAML_TYPES, MAX_YAML),
        has_precondition=True,
    ),
    Route(
        "POST",
        "/api/dags/pause",
        "dags.pause_by_tag",
        "Pause or resume the schedules of all DAGs with a tag",
        {200: "ChangedDags"},
        body=JsonBody(
            (
                Param("tag", Text(200), "Tag of the DAGs to change.", required=True),
                Param("is_paused", Boolean(), "True to pause, false to resume.", required=True),
            )
        ),
    ),
    Route(
        "GET",
        "/api/upcoming",
        "dags.list_upcoming",
        "DAGs by their next fire time, earliest first",
        {200: "UpcomingDags"},
        params=(Param("limit", Integer(1, 500), "Maximum number of items.", default=50),),
    ),
    Route(
        "GET",
        "/api/tags",
        "dags.list_tags",
        "Tags in use, by name",
        {200: "TagList"},
        params=page("tags", is_text=True),
    ),
    Route(
        "GET",
        "/api/dags/{dag_id}",
        "dags.get_dag",
        "A DAG, registered or removed, with its tasks and graph",
        {200: "DagDetail"},
        errors=(404,),
    ),
    Route(
        "PATCH",
        "/api/dags/{dag_id}",
        "dags.patch_dag",
        "Pause or resume a DAG's schedule",
        {200: "DagDetail"},
        errors=(404, 409),
        body=JsonBody(
            (Param("is_paused", Boolean(), "True to pause, false to resume.", required=True),)
        ),
    ),
    Route(
        "GET",
        "/api/dags/{dag_id}/source",
        "dags.get_source",
        "The DAG file of a version",
        {200: "DagSource"},
        errors=(404,),
        params=(_VERSION,),
    ),
    Route(
        "GET",
        "/api/dags/{dag_id}/files",
        "dag_files.list_files",
        "The files beside the DAG file, as a version has them",
        {200: "DagFileList"},
        errors=(404,),
        params=page("files", _VERSION, is_text=True),
    ),
    Route(
        "GET",
        "/api/dags/{dag_id}/files/content",
        "dag_files.get_content",
        "The beginning of a file beside the DAG file, if it is text, or an image",
        {200: "DagFileContent"},
        errors=(404,),
        params=(
            Param("path", Text(1024), "Path of the file, as listed.", required=True),
            _VERSION,
        ),
    ),
    Route(
        "GET",
        "/api/dags/{dag_id}/versions",
        "dags.list_versions",
        "Versions of a DAG that are kept, newest first",
        {200: "DagVersionList"},
        errors=(404,),
        params=page("versions"),
    ),
    Route(
        "GET",
        "/api/dags/{dag_id}/versions/{version}",
        "dags.get_version",
        "A version of a DAG with its tasks and graph",
        {200: "DagVersionWithTasks"},
        errors=(404,),
    ),
    Route(
        "GET",
        "/api/dags/{dag_id}/runs",
        "runs.list_runs_of_dag",
        "Runs of a DAG, newest first",
        {200: "RunList"},
        errors=(404,),
        params=page("runs", *RUN_FILTERS, is_text=True),
    ),
    Route(
        "GET",
        "/api/dags/{dag_id}/grid",
        "dag_history.get_grid",
        "Runs of a DAG, newest first, with the states of their tasks",
        {200: "DagGrid"},
        errors=(404,),
        params=(
            Param("limit", Integer(1, 50), "Maximum number of runs.", default=25),
            Param("cursor", Cursor("grid"), "`next_cursor` of the previous page."),
        ),
    ),
    Route(
        "GET",
        "/api/dags/{dag_id}/days",
        "dag_history.list_days",
        "Days with runs of a DAG, newest first, in the DAG's time zone",
        {200: "DagDays"},
        errors=(404,),
        params=(Param("cursor", Cursor("days"), "`next_cursor` of the previous page."),),
    ),
    Route(
        "GET",
        "/api/dags/{dag_id}/durations",
        "dag_history.get_durations",
        "How long the tasks of a DAG took in its latest runs, and how long they were queued",
        {200: "DagDurations"},
        errors=(404,),
        params=(Param("limit", Integer(1, 100), "Number of runs.", default=50),),
    ),
    Route(
        "GET",
        "/api/dags/{dag_id}/next",
        "dags.get_next_fire_times",
        "Next fire times of a DAG, paused or not",
        {200: "NextFireTimes"},
        errors=(404,),
        params=(Param("count", Integer(1, 100), "Number of fire times.", default=5),),
    ),
    Route(
        "POST",
        "/api/dags/{dag_id}/run",
        "runs.trigger_run",
        "Run a DAG now. A repeated idempotency_key returns the existing run with status 200",
        {201: "Run", 200: "Run"},
        errors=(404, 409),
        body=JsonBody(
            (
                Param(
                    "logical_date",
                    DateTime(),
                    "Logical date of the run, not in the future. Defaults to now.",
                ),
                Param(
                    "idempotency_key",
                    Text(200),
                    "Makes the request safe to repeat.",
                ),
                Param("note", NOTE, "Shown with the run."),
                Param("params", Object(), "Values for the DAG's params, by name."),
            ),
            required=False,
        ),
    ),
    Route(
        "POST",
        "/api/dags/{dag_id}/backfill",
        "backfills.create_backfill",
        "Run a DAG for every fire time in a date range",
        {201: "BackfillPlan", 200: "BackfillPlan"},
        errors=(404, 409),
        body=JsonBody(
            (
                Param("from", DateTime(), "Start of the range, included.", required=True),
                Param(
                    "to",
                    DateTime(),
                    "End of the range, included; not in the future.",
                    required=True,
                ),
                DRY_RUN,
                Param(
                    "reprocess",
                    Choice(words(Reprocess)),
                    "Which existing runs to run again.",
                    default="none",
                ),
                Param(
                    "max_active_runs",
                    Integer(1, 1000),
                    "Maximum number of concurrent runs; the DAG's is the default and the limit.",
                ),
                Param("reverse", Boolean(), "Start with the latest fire time.", default=False),
                RUN_ON_LATEST_VERSION,
                Param(
                    "params",
                    Object(),
                    "Values for the DAG's params, by name. Runs that exist keep theirs.",
                ),
            )
        ),
    ),
)
