"""The table of routes. Registration, checks, the OpenAPI document and the README follow from it.

Handlers and schemas stand here by name only, so that importing the table imports neither.

dags        DAGs
operations  limits and backfills, the record of what was done, and how the orchestrator itself
route       what a row of the table of routes holds, and what several rows share
runs        runs, their tasks and logs, and what people do to them
"""

from chalicelib.web.routes import dags, operations, runs
from chalicelib.web.routes.route import (
    POOL_NAME,
    JsonBody,
    Param,
    Route,
    TextBody,
)

__all__ = [
    "POOL_NAME",
    "ROUTES",
    "JsonBody",
    "Param",
    "Route",
    "TextBody",
]

ROUTES: tuple[Route, ...] = (*dags.ROUTES, *runs.ROUTES, *operations.ROUTES)
"""A path without a variable stands before the one with a variable that would match it, too."""
