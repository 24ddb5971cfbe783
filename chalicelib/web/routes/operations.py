"""Limits and backfills, the record of what was done, and how the orchestrator itself fares."""

from __future__ import annotations

from chalicelib.enums import BackfillState, NotificationState, words
from chalicelib.web.param_types import Choice, Flag, Integer, Text
from chalicelib.web.routes.route import (
    DAG_ID,
    NOTHING,
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
            "backfills", DAG_ID, Param("state", Choice(words(BackfillState)), "in this state")
        ),
    ),
    Route(
        "GET",
        "/api/backfills/{backfill_id}",
        "backfills.get_backfill",
        "One backfill and how far it has come",
        {200: "Backfill"},
        errors=(404,),
    ),
    Route(
        "POST",
        "/api/backfills/{backfill_id}/pause",
        "backfills.pause_backfill",
        "Let a backfill make no more runs for now",
        {200: "Backfill"},
        errors=(404, 409),
        body=NOTHING,
    ),
    Route(
        "POST",
        "/api/backfills/{backfill_id}/resume",
        "backfills.resume_backfill",
        "Let a paused backfill go on",
        {200: "Backfill"},
        errors=(404, 409),
        body=NOTHING,
    ),
    Route(
        "POST",
        "/api/backfills/{backfill_id}/cancel",
        "backfills.cancel_backfill",
        "End a backfill: it makes no more runs, and those that have not started are cancelled",
        {200: "Backfill"},
        errors=(404, 409),
        body=JsonBody(
            (
                Param(
                    "stop_running",
                    Flag(),
                    "stop the runs that have started, too; otherwise they finish",
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
        "Pools by name, with what is in use",
        {200: "PoolList"},
        params=page("pools", is_text=True),
    ),
    Route(
        "GET",
        "/api/pools/{pool}",
        "pools.get_pool",
        "One pool with what is in use",
        {200: "Pool"},
        errors=(404,),
    ),
    Route(
        "PUT",
        "/api/pools/{pool}",
        "pools.put_pool",
        "Make a pool, or change it",
        {200: "Pool"},
        body=JsonBody(
            (
                Param("slots", Integer(0, 1_000_000), "how many at once", required=True),
                Param("description", Text(1000), "for people"),
            )
        ),
    ),
    Route(
        "DELETE",
        "/api/pools/{pool}",
        "pools.delete_pool",
        "Remove a pool that no task needs now",
        {204: ""},
        errors=(404, 409),
    ),
    Route(
        "GET",
        "/api/audit",
        "operations.list_audit",
        "Who changed what, newest first",
        {200: "AuditList"},
        params=page(
            "audit",
            Param("who", Text(300), "changes by this caller"),
            Param("action", Text(100), "changes of this kind"),
            Param("target", Text(300), "changes of the thing with this id"),
        ),
    ),
    Route(
        "GET",
        "/api/notifications",
        "operations.list_notifications",
        "What people were told, or are to be, newest first",
        {200: "NotificationList"},
        params=page(
            "notifications",
            RUN_ID,
            Param("state", Choice(words(NotificationState)), "in this state"),
        ),
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
        "DAGs with warnings: legal, and probably not meant; by dag_id",
        {200: "DagWarningsList"},
        params=page("dag_warnings", is_text=True),
    ),
    Route(
        "GET",
        "/api/ticks",
        "operations.list_ticks",
        "What the last ticks did, newest first",
        {200: "TickList"},
        params=page("ticks"),
    ),
    Route(
        "GET",
        "/api/health",
        "operations.get_health",
        "Whether the orchestrator works: 503 if the database cannot be reached. Without a token the"
        " status alone; HEAD works, too",
        {200: "Health"},
        is_open=True,
        has_head=True,
    ),
    Route(
        "GET",
        "/api/session",
        "operations.get_session",
        "Who asks, and with which role",
        {200: "Session"},
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
