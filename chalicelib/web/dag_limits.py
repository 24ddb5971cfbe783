"""What callers may reach whose token is limited to some DAGs.

Every read that a handler makes sees these DAGs only; see `database/reads/dag_scope.py`. A change
must say which DAG it is about, and that DAG must be one of them. To such a caller, all others do
not exist.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from chalicelib import bootstrap
from chalicelib.errors import Forbidden, NotFound
from chalicelib.web.request_parsing import Call
from chalicelib.web.routes import Route

_limits: ContextVar[str | None] = ContextVar("dag_limits", default=None)

_BEYOND_DAGS = frozenset(
    {"/api/dag-file", "/api/metrics", "/api/ticks", "/api/tokens", "/api/tokens/{token}"}
)
"""Paths that reveal more than single DAGs: files by their key, what the scheduler did."""
_HARMLESS = frozenset({"/api/dags/validate"})
"""Paths that take a body and change nothing."""


def limits() -> str | None:
    """The patterns of the DAGs that the caller of this request is limited to."""
    return _limits.get()


@contextmanager
def limited_to(patterns: str | None) -> Iterator[None]:
    """Limit what is read in this block."""
    token = _limits.set(patterns)
    try:
        yield
    finally:
        _limits.reset(token)


def check_reach(route: Route, call: Call) -> None:
    """Raise NotFound for a change of what does not exist for the caller, and Forbidden for one that
    is not about single DAGs."""
    if call.dags is None or route.path in _HARMLESS:
        return
    if route.path in _BEYOND_DAGS:
        raise _forbidden(route, call, call.dags)
    if route.method == "GET":
        return
    if not _names_something(call):
        raise _forbidden(route, call, call.dags)
    _check_dag(call, call.dags)
    _check_runs(call, call.dags)


def _names_something(call: Call) -> bool:
    in_path = {"dag_id", "run_id", "backfill_id"} & call.path.keys()
    return bool(in_path or call.body.get("run_ids"))


def _check_dag(call: Call, patterns: str) -> None:
    from chalicelib.database.reads import dag_scope  # for few requests, and no executor

    dag_id = call.path.get("dag_id")
    if dag_id is not None and not dag_scope.matches(patterns, dag_id):
        raise NotFound(f"there is no DAG {dag_id!r}; GET /api/dags lists those that exist")


def _check_runs(call: Call, patterns: str) -> None:
    """Runs and backfills are looked up, because their ids need not say which DAG is theirs."""
    from chalicelib.database.reads import backfills, dag_scope, runs

    run_ids = [call.path["run_id"]] if "run_id" in call.path else call.body.get("run_ids") or []
    backfill_id = call.path.get("backfill_id", "")
    with bootstrap.scheduler().database.read() as tx:
        dag_scope.limit(tx, patterns)
        for run_id in run_ids:
            if runs.run(tx, run_id) is None:
                raise NotFound(f"there is no run {run_id!r}; GET /api/runs lists those that exist")
        if backfill_id.isdecimal() and backfills.backfill(tx, int(backfill_id)) is None:
            raise NotFound(
                f"there is no backfill {backfill_id!r}; GET /api/backfills lists those that exist"
            )


def _forbidden(route: Route, call: Call, patterns: str) -> Forbidden:
    return Forbidden(
        f"{route.method} {route.path} is about more than the DAGs {patterns}, to which the token"
        f" {call.who} is limited; use a token without that limit",
        dags=patterns,
    )
