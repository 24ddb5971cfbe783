"""Routes of backfills, pools, records and the orchestrator itself."""

from __future__ import annotations

from chalicelib.enums import BackfillState, NotificationState, Role, words
from chalicelib.web.param_types import Boolean, Choice, DateTime, Integer, Nullable, Text
from chalicelib.web.routes.route import (
    DAG_ID,
    NO_BODY,
    RUN_ID,
    JsonBody,
    Param,
    Route,
    page,
)

ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/backfills",
        "backfills.list_backfills",
        "Backfills, newest first",
        {200: "BackfillList"},
        params=page(
            "backfills", DAG_ID, Param("state", Choice(words(BackfillState)), "Only in this state.")
        ),
    ),
    Route(
        "GET",
        "/api/backfills/{backfill_id}",
        "backfills.get_backfill",
        "A backfill and its progress",
        {200: "Backfill"},
        errors=(404,),
    ),
    Route(
        "POST",
        "/api/backfills/{backfill_id}/pause",
        "backfills.pause_backfill",
        "Pause a backfill: it creates no runs until it is resumed",
        {200: "Backfill"},
        errors=(404, 409),
        body=NO_BODY,
    ),
    Route(
        "POST",
        "/api/backfills/{backfill_id}/resume",
        "backfills.resume_backfill",
        "Resume a paused backfill",
        {200: "Backfill"},
        errors=(404, 409),
        body=NO_BODY,
    ),
    Route(
        "POST",
        "/api/backfills/{backfill_id}/cancel",
        "backfills.cancel_backfill",
        "Cancel a backfill and its runs that have not started",
        {200: "Backfill"},
        errors=(404, 409),
        body=JsonBody(
            (
                Param(
                    "stop_running",
                    Boolean(),
                    "Also stop runs that have started; otherwise they finish.",
                    default=False,
                ),
            ),
            required=False,
        ),
    ),
    Route(
        "GET",
        "/api/pools",
        "pools.list_pools",
        "Pools and their usage, by name",
        {200: "PoolList"},
        params=page("pools", is_text=True),
    ),
    Route(
        "GET",
        "/api/pools/{pool}",
        "pools.get_pool",
        "A pool and its usage",
        {200: "Pool"},
        errors=(404,),
    ),
    Route(
        "PUT",
        "/api/pools/{pool}",
        "pools.put_pool",
        "Create or change a pool",
        {200: "Pool"},
        body=JsonBody(
            (
                Param("slots", Integer(0, 1_000_000), "Capacity of the pool.", required=True),
                Param("description", Text(1000), "Shown with the pool."),
            )
        ),
    ),
    Route(
        "DELETE",
        "/api/pools/{pool}",
        "pools.delete_pool",
        "Delete a pool that no task uses",
        {204: ""},
        errors=(404, 409),
    ),
    Route(
        "GET",
        "/api/workers",
        "workers.list_workers",
        "Workers seen recently, and the backlog of their queues",
        {200: "WorkerList"},
    ),
    Route(
        "GET",
        "/api/tokens",
        "tokens.list_tokens",
        "Access tokens, without their text, oldest first",
        {200: "AccessTokens"},
        role=Role.OPERATOR,
    ),
    Route(
        "POST",
        "/api/tokens",
        "tokens.create_token",
        "Create an access token and return its text, which is shown only once",
        {201: "NewAccessToken"},
        errors=(409,),
        body=JsonBody(
            (
                Param("name", Text(100), "Who uses it; appears in the audit log.", required=True),
                Param("role", Choice(words(Role)), "What it may do.", required=True),
                Param(
                    "dags",
                    Nullable(Text(500)),
                    "Only for these DAGs: ids separated by commas, in which `*` stands for any"
                    " characters and `?` for one. Defaults to all.",
                ),
                Param("expires_at", Nullable(DateTime()), "When it stops working. Default: never."),
                Param("expires_in_days", Nullable(Integer(1, 3650)), "The same, in days from now."),
            )
        ),
    ),
    Route(
        "DELETE",
        "/api/tokens/{token}",
        "tokens.revoke_token",
        "Revoke an access token, effective on the next request",
        {204: ""},
        errors=(404,),
    ),
    Route(
        "GET",
        "/api/audit",
        "operations.list_audit",
        "Audit log of changes, newest first",
        {200: "AuditList"},
        params=page(
            "audit",
            Param("who", Text(300), "Only changes by this caller."),
            Param("action", Text(100), "Only this kind of change."),
            Param("target", Text(300), "Only changes to the item with this id."),
        ),
    ),
    Route(
        "GET",
        "/api/notifications",
        "operations.list_notifications",
        "Notifications, sent and pending, newest first",
        {200: "NotificationList"},
        params=page(
            "notifications",
            RUN_ID,
            Param("state", Choice(words(NotificationState)), "Only in this state."),
        ),
    ),
    Route(
        "POST",
        "/api/notifications/{notification_id}/resend",
        "operations.resend_notification",
        "Send a notification again",
        {200: "Notification"},
        errors=(404,),
        body=NO_BODY,
    ),
    Route(
        "GET",
        "/api/import_errors",
        "operations.list_import_errors",
        "Files that could not be registered, by key",
        {200: "ImportErrorList"},
        params=page("import_errors", is_text=True),
    ),
    Route(
        "GET",
        "/api/dag_warnings",
        "operations.list_dag_warnings",
        "DAGs whose file has warnings, by dag_id",
        {200: "DagWarningsList"},
        params=page("dag_warnings", is_text=True),
    ),
    Route(
        "GET",
        "/api/ticks",
        "operations.list_ticks",
        "Recent ticks of the scheduler, newest first",
        {200: "TickList"},
        params=page("ticks"),
    ),
    Route(
        "GET",
        "/api/health",
        "operations.get_health",
        "Health of the orchestrator: 503 if the database is unreachable",
        {200: "Health"},
        is_open=True,
        has_head=True,
    ),
    Route(
        "GET",
        "/api/session",
        "operations.get_session",
        "The caller and its role",
        {200: "Session"},
    ),
    Route(
        "GET",
        "/api/dag-schema.json",
        "validation.get_dag_schema",
        "JSON Schema of DAG files, for editors",
        {200: "JsonSchema"},
    ),
    Route(
        "GET",
        "/api/dag-file-reference",
        "validation.get_dag_file_reference",
        "Keys of DAG files, with types, defaults and descriptions",
        {200: "DagFileReference"},
    ),
    Route(
        "GET",
        "/api/openapi.json",
        "operations.get_openapi",
        "This API as an OpenAPI 3.1 document",
        {200: "OpenApi"},
    ),
)
