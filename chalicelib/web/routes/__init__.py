"""The table of routes, from which registration, request parsing and the OpenAPI document follow.

It names handlers and response classes without importing them.

dags        routes of DAGs
operations  routes of backfills, pools, records and the orchestrator itself
route       what a row of the table of routes is made of, and what several rows share
runs        routes of runs, task instances and logs
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
"""Fixed paths come before paths with a variable that would also match."""
