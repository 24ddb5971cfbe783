"""Routes of runs, task instances and logs."""

from __future__ import annotations

from chalicelib.enums import BulkAction, Mark, TaskState, words
from chalicelib.web.param_types import Choice, Cursor, Integer, ListOf, Nullable, Text
from chalicelib.web.routes.route import (
    BACKFILL_ID,
    DAG_FILTERS_OF_RUNS,
    DAG_ID,
    DOWNSTREAM,
    DRY_RUN,
    MAP_INDEX,
    MAP_INDEX_OR_ALL,
    MAX_JSON,
    MAX_OFFSET,
    NO_BODY,
    NOTE,
    ONLY_FAILED,
    RUN_FILTERS,
    RUN_ID,
    RUN_ON_LATEST_VERSION,
    JsonBody,
    Param,
    Route,
    page,
)

MOST_RUNS = 500
"""Runs that one request changes; as many as a page of the list may have."""

ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/runs",
        "runs.list_runs",
        "Runs, newest first; by logical date, if `from` or `to` is given",
        {200: "RunList"},
        params=page("runs", DAG_ID, BACKFILL_ID, *DAG_FILTERS_OF_RUNS, *RUN_FILTERS, is_text=True),
    ),
    Route(
        "POST",
        "/api/runs/acknowledge",
        "runs.acknowledge_runs",
        "Acknowledge failed runs and return those that changed",
        {200: "ChangedRuns"},
        errors=(404, 409),
        body=JsonBody(
            (
                Param("run_ids", ListOf(Text(200), 100), "Ids of the runs.", required=True),
                Param("note", Nullable(NOTE), "What is known about the failures."),
            )
        ),
    ),
    Route(
        "POST",
        "/api/runs/bulk",
        "bulk_runs.change_runs",
        "Clear, retry, cancel or acknowledge many runs, each on its own",
        {200: "BulkOutcomes"},
        body=JsonBody(
            (
                Param("action", Choice(words(BulkAction)), "What to do.", required=True),
                Param("run_ids", ListOf(Text(200), MOST_RUNS), "Ids of the runs.", required=True),
                RUN_ON_LATEST_VERSION,
                Param("note", Nullable(NOTE), "For `acknowledge`: what is known."),
                DRY_RUN,
            ),
            limit=2 * MAX_JSON,
        ),
    ),
    Route(
        "GET",
        "/api/runs/{run_id}",
        "runs.get_run",
        "A run with its task instances, in the order of the DAG",
        {200: "RunDetail"},
        errors=(404,),
        params=page("tasks_of_run", most=500),
    ),
    Route(
        "GET",
        "/api/runs/{run_id}/earlier_attempts",
        "runs.list_earlier_attempts",
        "Attempts of a run's tasks before their latest ones, latest first",
        {200: "EarlierAttempts"},
        errors=(404,),
        params=(Param("limit", Integer(1, 1000), "Maximum number of items.", default=500),),
    ),
    Route(
        "PATCH",
        "/api/runs/{run_id}",
        "runs.patch_run",
        "Change the note of a run",
        {200: "Run"},
        errors=(404,),
        body=JsonBody((Param("note", Nullable(NOTE), "Null removes the note.", required=True),)),
    ),
    Route(
        "POST",
        "/api/runs/{run_id}/acknowledge",
        "runs.acknowledge_run",
        "Acknowledge a failed run: it needs no attention until it fails again",
        {200: "Run"},
        errors=(404, 409),
        body=JsonBody(
            (Param("note", Nullable(NOTE), "What is known about the failure."),), required=False
        ),
    ),
    Route(
        "DELETE",
        "/api/runs/{run_id}/acknowledge",
        "runs.unacknowledge_run",
        "Withdraw an acknowledgement",
        {200: "Run"},
        errors=(404,),
    ),
    Route(
        "POST",
        "/api/runs/{run_id}/cancel",
        "runs.cancel_run",
        "Cancel a run: running tasks are stopped, waiting ones never start",
        {200: "Run"},
        errors=(404, 409),
        body=NO_BODY,
    ),
    Route(
        "POST",
        "/api/runs/{run_id}/clear",
        "runs.clear_run",
        "Run tasks of a run again, keeping their earlier attempts in the history",
        {200: "ClearedTasks"},
        errors=(404, 409),
        body=JsonBody(
            (
                Param("task_ids", ListOf(Text(100), 1000), "Ids of the tasks. Defaults to all."),
                ONLY_FAILED,
                DOWNSTREAM,
                RUN_ON_LATEST_VERSION,
                DRY_RUN,
            ),
            required=False,
        ),
    ),
    Route(
        "POST",
        "/api/runs/{run_id}/retry",
        "runs.retry_run",
        "Retry the unsuccessful tasks of an ended run",
        {200: "ClearedTasks"},
        errors=(404, 409),
        body=JsonBody((RUN_ON_LATEST_VERSION, DRY_RUN), required=False),
    ),
    Route(
        "POST",
        "/api/runs/{run_id}/rerun",
        "runs.rerun",
        "Start a new run of the latest version with the params of this run",
        {201: "Run"},
        errors=(404, 409),
        body=NO_BODY,
    ),
    Route(
        "GET",
        "/api/runs/{run_id}/tasks/{task_id}",
        "task_instances.get_task_instance",
        "A task instance with its outputs and ended attempts",
        {200: "TaskInstanceDetail"},
        errors=(404,),
        params=(MAP_INDEX,),
    ),
    Route(
        "POST",
        "/api/runs/{run_id}/tasks/{task_id}/cancel",
        "task_instances.cancel_task",
        "Cancel a task: it is stopped if it is running and never starts if it is waiting",
        {200: "Run"},
        errors=(404, 409),
        body=JsonBody((MAP_INDEX_OR_ALL,), required=False),
    ),
    Route(
        "POST",
        "/api/runs/{run_id}/tasks/{task_id}/clear",
        "task_instances.clear_task",
        "Run a task again, with all its mapped instances",
        {200: "ClearedTasks"},
        errors=(404, 409),
        body=JsonBody((ONLY_FAILED, DOWNSTREAM, RUN_ON_LATEST_VERSION, DRY_RUN), required=False),
    ),
    Route(
        "POST",
        "/api/runs/{run_id}/tasks/{task_id}/mark",
        "task_instances.mark_task",
        "Set the state of a task that is not running",
        {200: "Run"},
        errors=(404, 409),
        body=JsonBody(
            (Param("state", Choice(words(Mark)), "New state.", required=True), MAP_INDEX_OR_ALL)
        ),
    ),
    Route(
        "GET",
        "/api/runs/{run_id}/tasks/{task_id}/logs",
        "task_instances.get_log",
        "Part of an attempt's log. Follow it with next_offset until it is complete",
        {200: "LogPart"},
        errors=(404,),
        params=(
            Param(
                "try_number", Integer(1, 2**31), "Number of the attempt. Defaults to the latest."
            ),
            Param(
                "poke",
                Integer(0, 2**31),
                "Number of the poke, from 0. Defaults to the latest.",
            ),
            Param("offset", Integer(0, MAX_OFFSET), "Byte of the log to start at.", default=0),
            MAP_INDEX,
        ),
    ),
    Route(
        "GET",
        "/api/runs/{run_id}/logs",
        "run_logs.get_run_logs",
        "Lines of all logs of a run, attempt by attempt in the order of the DAG",
        {200: "RunLogs"},
        errors=(404,),
        params=(
            Param(
                "search",
                Text(200),
                "Only lines with this text, in either case. Each page searches 4 MB at most, so it"
                " may be empty although more follow.",
            ),
            Param(
                "cursor", Cursor("run_logs", is_text=True), "`next_cursor` of the previous page."
            ),
        ),
    ),
    Route(
        "GET",
        "/api/runs/{run_id}/artifacts",
        "artifacts.list_artifacts",
        "Artifacts of a run, in the order of the DAG",
        {200: "ArtifactList"},
        errors=(404,),
        params=page(
            "artifacts",
            Param("task_id", Text(100), "Only of this task."),
            Param(
                "map_index",
                Integer(-1, 2**31),
                "Only of this mapped instance; -1 for an unmapped task.",
            ),
            is_text=True,
        ),
    ),
    Route(
        "GET",
        "/api/runs/{run_id}/tasks/{task_id}/artifacts/{artifact}",
        "artifacts.get_artifact",
        "An artifact with a link to download it, valid for five minutes",
        {200: "ArtifactDownload"},
        errors=(404,),
        params=(MAP_INDEX,),
    ),
    Route(
        "GET",
        "/api/runs/{run_id}/tasks/{task_id}/artifacts/{artifact}/preview",
        "artifacts.preview_artifact",
        "The beginning of an artifact, if it is text, or an image",
        {200: "ArtifactPreview"},
        errors=(404,),
        params=(MAP_INDEX,),
    ),
    Route(
        "GET",
        "/api/task_instances",
        "task_instances.list_task_instances",
        "Task instances, newest first",
        {200: "TaskInstanceList"},
        params=page(
            "task_instances",
            DAG_ID,
            RUN_ID,
            Param("task_id", Text(100), "Only this task."),
            Param("state", Choice(words(TaskState)), "Only in this state."),
        ),
    ),
)
