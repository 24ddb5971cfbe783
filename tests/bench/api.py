"""How long the list routes take on a large database, without the network."""

from __future__ import annotations

import json
import random
import statistics
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from chalice.test import Client

from chalicelib import bootstrap, config
from chalicelib.database import Database
from chalicelib.places import DEFAULT_PLACE
from tests.bench.big_database import FULL, NOW, QUICK, Size, big_database, dag_id_of
from tests.bench.machine import milliseconds
from tests.bench.own_engine import InstantQueue
from tests.bench.report import Line, Target, percentile
from tests.support.fakes import FakeBucket, FakeClaims

Pick = Callable[[random.Random, Size], str]
"""Makes the path and query of one request."""


def _listing(path: str, **query: str) -> Pick:
    return lambda _, __: f"{path}?{urlencode(query)}" if query else path


def _of_a_dag(path: str, **query: str) -> Pick:
    """`{dag}` in the path, or in the query, is a DAG picked at random."""

    def pick(dice: random.Random, size: Size) -> str:
        dag_id = dag_id_of(dice.randrange(size.dags))
        filled = {name: value.format(dag=dag_id) for name, value in query.items()}
        return path.format(dag=dag_id) + (f"?{urlencode(filled)}" if filled else "")

    return pick


def _of_a_tag(dice: random.Random, size: Size) -> str:
    return f"/api/dags?tag=team-{dice.randrange(20)}"


ROUTES: dict[str, Pick] = {
    "dags": _listing("/api/dags"),
    "dags, tag": _of_a_tag,
    "dags, paused": _listing("/api/dags", paused="true"),
    "dags, search": _of_a_dag("/api/dags", search="{dag}"),
    "dags, search for what is not there": _listing("/api/dags", search="nothing like it"),
    "dags, recent runs": _listing("/api/dags", recent="12"),
    "dags, failing": _listing("/api/dags", failing="true", recent="12", limit="20"),
    "overview": _listing("/api/overview"),
    "failures": _listing("/api/failures"),
    "changes": _listing("/api/changes", since="1"),
    "grid of a DAG": _of_a_dag("/api/dags/{dag}/grid"),
    "durations of a DAG": _of_a_dag("/api/dags/{dag}/durations"),
    "runs": _listing("/api/runs"),
    "runs, dag_id": _of_a_dag("/api/runs", dag_id="{dag}"),
    "runs, state": _listing("/api/runs", state="failed"),
    "runs, state that none has": _listing("/api/runs", state="running"),
    "runs, dag_id and state": _of_a_dag("/api/runs", dag_id="{dag}", state="failed"),
    "runs of a DAG": _of_a_dag("/api/dags/{dag}/runs"),
    "runs of a DAG, state": _of_a_dag("/api/dags/{dag}/runs", state="success"),
    "versions of a DAG": _of_a_dag("/api/dags/{dag}/versions"),
    "task_instances": _listing("/api/task_instances"),
    "task_instances, dag_id": _of_a_dag("/api/task_instances", dag_id="{dag}"),
    "task_instances, task_id": _listing("/api/task_instances", task_id="load"),
    "task_instances, state": _listing("/api/task_instances", state="success"),
    "task_instances, rare state": _listing("/api/task_instances", state="failed"),
    "task_instances, state that none has": _listing("/api/task_instances", state="running"),
    "task_instances, dag_id and state": _of_a_dag(
        "/api/task_instances", dag_id="{dag}", state="failed"
    ),
    "task_instances, task_id and state": _listing(
        "/api/task_instances", task_id="load", state="failed"
    ),
    "task_instances, task_id and state that never meet": _listing(
        "/api/task_instances", task_id="extract", state="failed"
    ),
    "import_errors": _listing("/api/import_errors"),
    "dag_warnings": _listing("/api/dag_warnings"),
    "ticks": _listing("/api/ticks"),
}
"""The run of a task instance is picked from the database, see `_of_a_run`."""

LONG_PAGES = {
    f"{name}, limit=500": _listing(path, limit="500")
    for name, path in [
        ("dags", "/api/dags"),
        ("runs", "/api/runs"),
        ("task_instances", "/api/task_instances"),
    ]
}


def run(is_quick: bool) -> Line:
    size, requests = (QUICK, 20) if is_quick else (FULL, 200)
    with big_database(size) as database:
        client = _client(database)
        routes = {**ROUTES, "task_instances, run_id": _of_a_run(database)}
        deep = _pages_far_down(client)
        usual = _measure(client, routes, size, requests)
        others = _measure(client, {**LONG_PAGES, **deep}, size, requests // 4)
        constant = [milliseconds(lambda: _get(client, "/api/ticks?limit=1")) for _ in range(100)]
    return _line(usual, others, constant, size, requests)


def _line(
    usual: dict[str, list[float]],
    others: dict[str, list[float]],
    constant: list[float],
    size: Size,
    requests: int,
) -> Line:
    every = [took for of_route in usual.values() for took in of_route]
    slowest = max(usual, key=lambda name: percentile(usual[name], 0.99))
    return Line(
        name="api",
        runs=requests,
        figures={
            "p50_ms": percentile(every, 0.5),
            "p99_ms": percentile(every, 0.99),
            "slowest_route": slowest,
            "slowest_route_p99_ms": percentile(usual[slowest], 0.99),
            "routes": {name: _spread(values) for name, values in usual.items()},
            "longest_and_farthest_pages": {name: _spread(v) for name, v in others.items()},
        },
        targets=[
            Target("p99_ms", "at most", 50),
            Target("slowest_route_p99_ms", "at most", 50),
        ],
        here={"a_page_of_one_row_ms": statistics.median(constant)},
        published={"Airflow, 10,000 task instances": {"p99_ms": 419}},
        note=f"{size.dags} DAGs, {size.task_instances} task instances; through"
        " chalice.test.Client, without HTTP; 50 items a page; runs are requests of each route",
    )


def _spread(values: list[float]) -> dict[str, float]:
    return {"p50_ms": percentile(values, 0.5), "p99_ms": percentile(values, 0.99)}


def _client(database: Database) -> Client:
    bootstrap.configure(
        bootstrap.Ports(
            task_queues=lambda: {DEFAULT_PLACE: InstantQueue()},
            results=InstantQueue,
            dead_letters=InstantQueue,
            dags=FakeBucket,
            runs=FakeBucket,
            claims=FakeClaims,
            database=lambda: database,
            settings=replace(config.load({}), auth="none"),
            now=lambda: NOW,
        )
    )
    from app import app

    return Client(app)


def _measure(
    client: Client, routes: dict[str, Pick], size: Size, requests: int
) -> dict[str, list[float]]:
    """Milliseconds of each request. The routes take turns, so that none has the pages of the file
    to itself."""
    dice = random.Random(1)
    took: dict[str, list[float]] = {name: [] for name in routes}
    for pick in routes.values():
        _get(client, pick(dice, size))
    for _ in range(requests):
        for name, pick in routes.items():
            path = pick(dice, size)
            took[name].append(milliseconds(lambda path=path: _get(client, path)))  # type: ignore[misc]
    return took


def _get(client: Client, path: str) -> Any:
    answer = client.http.get(path)
    if answer.status_code != 200:
        raise RuntimeError(f"GET {path} answered {answer.status_code}: {answer.body!r}")
    return answer


def _of_a_run(database: Database) -> Pick:
    with database.read() as tx:
        run_ids = [row[0] for row in tx.all("SELECT run_id FROM runs WHERE id % 101 = 0")]
    return lambda dice, _: f"/api/task_instances?run_id={dice.choice(run_ids)}"


def _pages_far_down(client: Client) -> dict[str, Pick]:
    """Return the cursor after twenty long pages."""
    deep: dict[str, Pick] = {}
    for name in ("runs", "task_instances"):
        path = f"/api/{name}?limit=500"
        for _ in range(20):
            cursor = json.loads(_get(client, path).body)["next_cursor"]
            path = f"/api/{name}?limit=500&cursor={cursor}" if cursor else path
        deep[f"{name}, page 21 of 500"] = _listing(path)
    return deep
