"""Metrics in the text format of Prometheus. `README.md` beside it lists them all.

Series are bounded: the DAGs counted by name are at most `MAX_DAGS`, the others are
`_other` together; states, outcomes and pools are few.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import generate_latest

from chalicelib.api_version import API_VERSION
from chalicelib.database.reads.costs import Usage
from chalicelib.database.reads.metrics import Metrics, Total
from chalicelib.metric_bounds import DURATION_BOUNDS, LATENESS_BOUNDS, MAX_DAGS, OTHER_DAGS
from chalicelib.ports import QueueDepth
from chalicelib.web.costs import cost

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PREFIX = "orchestrator"


@dataclass(frozen=True, slots=True)
class Scrape:
    """What one scrape shows: what the database says, and the depths of the queues, None for one
    that does not answer."""

    metrics: Metrics
    queues: Mapping[str, QueueDepth | None]
    now: datetime
    architecture: str = "x86_64"


def text(scrape: Scrape) -> str:
    """Return all metrics in the text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(scrape))
    return generate_latest(registry).decode()


class _Collector:
    """Collects the metrics of one scrape."""

    def __init__(self, scrape: Scrape) -> None:
        self._scrape = scrape
        self._by_name: dict[str, list[Total]] = {}
        for total in scrape.metrics.totals:
            self._by_name.setdefault(total.metric, []).append(total)
        self._named = _named(scrape.metrics)

    def collect(self) -> Iterator[Metric]:
        yield from self._ended()
        yield from self._active()
        yield from self._queues()
        yield from self._pools()
        yield from self._scheduler()

    def _ended(self) -> Iterator[Metric]:
        runs = _counter("runs", "Runs that have ended.", "dag_id", "state")
        attempts = _counter("attempts", "Attempts of tasks that have ended.", "dag_id", "outcome")
        for family, name in ((runs, "runs"), (attempts, "attempts")):
            for total in self._by_name.get(name, ()):
                family.add_metric([total.dag_id, total.label], total.count)
            yield family
        text = "Seconds from the start of a run's first task to its end."
        yield self._histogram("run_duration", text, DURATION_BOUNDS, "dag_id")
        text = "Seconds from the start of an attempt to its end."
        yield self._histogram("attempt_duration", text, DURATION_BOUNDS, "dag_id")
        text = "Seconds from the time of a scheduled run to the start of its first task."
        yield self._histogram("lateness", text, LATENESS_BOUNDS)
        dollars = _counter("cost_dollars", "What runs have cost, at AWS's list prices.", "dag_id")
        for dag_id, usage in _usage(self._by_name.get("usage", ())).items():
            dollars.add_metric([dag_id], cost(usage, self._scrape.architecture).dollars)
        yield dollars

    def _histogram(
        self, name: str, text: str, bounds: Sequence[float], *labels: str
    ) -> HistogramMetricFamily:
        family = HistogramMetricFamily(f"{PREFIX}_{name}_seconds", text, labels=labels)
        for total in self._by_name.get(name, ()):
            if len(total.buckets) == len(bounds):
                limits = [*bounds, inf]
                buckets = [
                    ("+Inf" if bound == inf else str(bound), float(count))
                    for bound, count in zip(limits, [*total.buckets, total.count], strict=True)
                ]
                family.add_metric([total.dag_id] if labels else [], buckets, total.total)
        return family

    def _active(self) -> Iterator[Metric]:
        metrics = self._scrape.metrics
        runs = _gauge("active_runs", "Runs that have not ended.", "dag_id", "state")
        tasks = _gauge("active_tasks", "Task instances in these states.", "dag_id", "state")
        for family, states in ((runs, metrics.runs), (tasks, metrics.tasks)):
            for state, by_dag in states.items():
                for dag_id, count in self._labelled(by_dag).items():
                    family.add_metric([dag_id, state], count)
            yield family
        failures = _gauge("open_failures", "Runs of a DAG that need attention.", "dag_id")
        for dag_id, count in self._labelled(metrics.open_failures).items():
            failures.add_metric([dag_id], count)
        yield failures
        dags = _gauge("dags", "Registered DAGs.", "is_paused")
        for is_paused in (False, True):
            dags.add_metric([str(is_paused).lower()], metrics.dags.get(is_paused, 0))
        yield dags

    def _labelled(self, by_dag: Mapping[str, int]) -> dict[str, int]:
        """Counts by label: DAGs without one are added up."""
        counts: dict[str, int] = {}
        for dag_id, count in by_dag.items():
            label = dag_id if dag_id in self._named else OTHER_DAGS
            counts[label] = counts.get(label, 0) + count
        return counts

    def _queues(self) -> Iterator[Metric]:
        text = "Messages of a queue; `delayed` ones are not due, `in_flight` ones are handled."
        messages = _gauge("queue_messages", text, "queue", "state")
        for queue, depth in self._scrape.queues.items():
            if depth is not None:
                messages.add_metric([queue, "visible"], depth.visible)
                messages.add_metric([queue, "delayed"], depth.delayed)
                messages.add_metric([queue, "in_flight"], depth.in_flight)
        yield messages
        text = "Seconds for which the oldest task has waited for an executor; 0 if none waits."
        age = _gauge("queue_age_seconds", text)
        age.add_metric([], self._age(self._scrape.metrics.oldest_queued_at))
        yield age

    def _pools(self) -> Iterator[Metric]:
        slots = _gauge("pool_slots", "Slots of a pool.", "pool")
        used = _gauge("pool_used_slots", "Slots of a pool that are taken.", "pool")
        waiting = _gauge("pool_waiting_tasks", "Task instances that wait for a slot.", "pool")
        for pool in self._scrape.metrics.pools:
            slots.add_metric([pool.name], pool.slots)
            used.add_metric([pool.name], pool.used)
            waiting.add_metric([pool.name], pool.waiting)
        yield from (slots, used, waiting)

    def _scheduler(self) -> Iterator[Metric]:
        signs, tick = self._scrape.metrics.signs, self._scrape.metrics.tick
        if tick is not None:
            yield _value(
                "tick_age_seconds", "Seconds since the last tick began.", self._age(tick.started_at)
            )
            yield _value("tick_duration_seconds", "Seconds that the last tick took.", tick.seconds)
            yield _value("tick_errors", "Errors of the last tick.", tick.errors)
        yield _value("import_errors", "Files that could not be registered.", signs.import_errors)
        yield _value("dead_letters", "Messages that were set aside.", signs.dead_letters)
        commits = _counter("commits", "Write transactions of the database.")
        commits.add_metric([], signs.commit_seq)
        yield commits
        info = InfoMetricFamily(PREFIX, "The version of the REST API.")
        info.add_metric([], {"api_version": API_VERSION})
        yield info

    def _age(self, since: datetime | None) -> float:
        """Return the seconds since then. A time in the future is from before the clock was set
        back."""
        return 0.0 if since is None else max(0.0, (self._scrape.now - since).total_seconds())


def _named(metrics: Metrics) -> set[str]:
    """Return the DAGs that are shown by name: those counted so, and others while there is room."""
    named = {total.dag_id for total in metrics.totals} - {"", OTHER_DAGS}
    groups = (*metrics.runs.values(), *metrics.tasks.values(), metrics.open_failures)
    for dag_id in sorted({dag_id for by_dag in groups for dag_id in by_dag} - named):
        if len(named) >= MAX_DAGS:
            break
        named.add(dag_id)
    return named


def _usage(totals: Sequence[Total]) -> dict[str, Usage]:
    values: dict[str, dict[str, float]] = {}
    for total in totals:
        values.setdefault(total.dag_id, {})[total.label] = total.total
    return {
        dag_id: Usage(
            invocations=int(used.get("invocations", 0)),
            stored_logs=int(used.get("stored_logs", 0)),
            billed_ms=0,
            mb_ms=int(used.get("mb_ms", 0)),
            attempts=0,
            estimated=0,
            fargate_vcpu_ms=used.get("fargate_vcpu_ms", 0.0),
            fargate_mb_ms=int(used.get("fargate_mb_ms", 0)),
        )
        for dag_id, used in values.items()
    }


def _counter(name: str, text: str, *labels: str) -> CounterMetricFamily:
    return CounterMetricFamily(f"{PREFIX}_{name}", text, labels=labels)


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{PREFIX}_{name}", text, labels=labels)


def _value(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{PREFIX}_{name}", text, value=value)
