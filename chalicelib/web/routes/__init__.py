"""The table of routes. Registration, checks, the OpenAPI document and the README follow from it.

Handlers and schemas stand here by name only, so that importing the table imports neither.
"""

from chalicelib.web.routes import dags, operations, runs
from chalicelib.web.routes.shape import (
    BACKFILL_STATES,
    MARKS,
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
    "MARKS",
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
