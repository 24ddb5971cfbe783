"""Metrics, for Prometheus and everything that reads its format."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from chalicelib import bootstrap
from chalicelib.database.reads import metrics
from chalicelib.errors import Unavailable
from chalicelib.ports import Queue, QueueDepth
from chalicelib.web import metrics_text
from chalicelib.web.handlers.read_transaction import read_transaction
from chalicelib.web.request_parsing import Call
from chalicelib.web.responses import TextResponse


def get_metrics(_: Call) -> TextResponse:
    scheduler = bootstrap.scheduler()
    with read_transaction() as tx:
        snapshot = metrics.metrics(tx)
    queues = {
        **scheduler.task_queues,
        "results": scheduler.results,
        "dead_letters": scheduler.dead_letters,
    }
    # At once: each may take as long as API Gateway waits for all of this.
    with ThreadPoolExecutor(max_workers=8) as pool:
        depths = dict(zip(queues, pool.map(_depth, queues.values()), strict=True))
    scrape = metrics_text.Scrape(snapshot, depths, scheduler.now(), scheduler.settings.architecture)
    return TextResponse(metrics_text.text(scrape), metrics_text.MEDIA_TYPE)


def _depth(queue: Queue) -> QueueDepth | None:
    try:
        return queue.depth()
    except Unavailable:
        return None
