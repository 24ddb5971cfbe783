"""Metrics as Prometheus reads them."""

from __future__ import annotations

import json

from prometheus_client.parser import text_string_to_metric_families

from chalicelib.database.queries import metric_totals
from chalicelib.database.reads import metrics as metric_reads
from chalicelib.metric_bounds import DURATION_BOUNDS, MAX_DAGS
from chalicelib.places import DEFAULT_PLACE
from chalicelib.ports import OutgoingMessage
from tests.acceptance.test_api_operations import SilentQueue
from tests.support.api import Api

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def scrape(api: Api) -> Samples:
    response = api.http.request("GET", "/api/metrics")
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/plain")
    families = text_string_to_metric_families(response.body.decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[(f"orchestrator_{name}", tuple(sorted(labels.items())))]


def test_a_scrape_shows_what_has_ended_and_what_is_active(api: Api) -> None:
    api.rows.dag("d")
    api.rows.run("d", "running")
    api.rows.run("d", "queued")
    api.rows.pool("database", slots=3)
    api.rows.broken("b.yaml")
    api.rows.tick(errors=["x"])
    with api.database.write() as tx:
        metric_totals.add(tx, "d", "runs", "failed", count=2, total=0)
        buckets = (0, 1, 2, 3, 3, 3, 3, 3, 3)
        assert len(buckets) == len(DURATION_BOUNDS)
        metric_totals.add(tx, "d", "run_duration", "", count=3, total=60.5, buckets=buckets)
        metric_totals.add(tx, "d", "usage", "invocations", count=0, total=1000)
    api.queues["tasks"].send([OutgoingMessage("x"), OutgoingMessage("y", delay=60)])
    samples = scrape(api)
    assert value(samples, "runs_total", dag_id="d", state="failed") == 2
    assert value(samples, "run_duration_seconds_bucket", dag_id="d", le="15.0") == 2
    assert value(samples, "run_duration_seconds_count", dag_id="d") == 3
    assert value(samples, "run_duration_seconds_sum", dag_id="d") == 60.5
    assert 0 < value(samples, "cost_dollars_total", dag_id="d") < 0.1
    assert value(samples, "active_runs", dag_id="d", state="running") == 1
    assert value(samples, "queue_messages", queue=DEFAULT_PLACE, state="visible") == 1
    assert value(samples, "queue_messages", queue=DEFAULT_PLACE, state="delayed") == 1
    assert value(samples, "pool_slots", pool="database") == 3
    assert value(samples, "dags", is_paused="false") == 1
    assert value(samples, "import_errors") == 1
    assert value(samples, "tick_errors") == 1
    assert value(samples, "commits_total") > 0


def test_a_queue_that_does_not_answer_hides_nothing_else(api: Api) -> None:
    api.configure(results=SilentQueue)
    samples = scrape(api)
    queues = {dict(labels)["queue"] for name, labels in samples if name.endswith("queue_messages")}
    assert DEFAULT_PLACE in queues
    assert "results" not in queues
    assert value(samples, "import_errors") == 0


def test_the_series_are_bounded_whatever_the_number_of_dags(api: Api) -> None:
    for number in range(MAX_DAGS + 20):
        api.rows.dag(f"d{number:04}")
        api.rows.run(f"d{number:04}", "running")
    samples = scrape(api)
    active = [dict(labels) for name, labels in samples if name == "orchestrator_active_runs"]
    assert len(active) == MAX_DAGS + 1
    assert value(samples, "active_runs", dag_id="_other", state="running") == 20


def test_a_long_queue_costs_no_more_than_its_beginning(api: Api) -> None:
    """Every statement of a scrape reads a bounded number of rows."""
    assert f"LIMIT {metric_reads.COUNTED}" in metric_reads._RUNS
    with api.database.read() as tx:
        for sql in (metric_reads._RUNS, metric_reads._TASKS):
            plan = json.dumps(
                [row["detail"] for row in tx.all(f"EXPLAIN QUERY PLAN {sql}", ("x",))]
            )
            assert "USING INDEX" in plan or "USING COVERING INDEX" in plan, plan


def test_the_document_says_that_metrics_are_text(api: Api) -> None:
    document = api.get("/api/openapi.json").json
    content = document["paths"]["/api/metrics"]["get"]["responses"]["200"]["content"]
    assert list(content) == ["text/plain"]
