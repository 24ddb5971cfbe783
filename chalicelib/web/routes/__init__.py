"""The table of routes. Registration, checks, the OpenAPI document and the README follow from it.

Handlers and schemas stand here by name only, so that importing the table imports neither.

dags        DAGs
operations  limits and backfills, the record of what was done, and how the orchestrator itself
route       what a row of the table of routes holds, and what several rows share
runs        runs, their tasks and logs, and what people do to them
"""

from chalicelib.web.routes import dags, operations, runs
from chalicelib.web.routes.route import (
    BACKFILL_STATES,
    MARKABLE_STATES,
    NOTIFICATION_STATES,
    POOL_NAME,
    RUN_STATES,
    TASK_STATES,
    JsonBody,
    Param,
    Role,
    Route,
    TextBody,
)

__all__ = [
    "BACKFILL_STATES",
    "MARKABLE_STATES",
    "NOTIFICATION_STATES",
    "POOL_NAME",
    "ROUTES",
    "RUN_STATES",
    "TASK_STATES",
    "JsonBody",
    "Param",
    "Role",
    "Route",
    "TextBody",
]

ROUTES: tuple[Route, ...] = (*dags.ROUTES, *runs.ROUTES, *operations.ROUTES)
"""A path without a variable stands before the one with a variable that would match it, too."""
