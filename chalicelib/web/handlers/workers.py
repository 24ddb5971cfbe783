"""Workers and their queues: reads."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from chalicelib import bootstrap
from chalicelib.database.reads import workers
from chalicelib.errors import OrchestratorError
from chalicelib.places import QUEUE_PREFIX
from chalicelib.ports import QueueDepth
from chalicelib.scheduler.context import SchedulerContext
from chalicelib.scheduler.wait_reasons import WORKER_SILENCE
from chalicelib.web.handlers.read_transaction import read_transaction
from chalicelib.web.request_parsing import Call
from chalicelib.web.response_models import WorkerList, WorkerQueue

MAX_QUEUES = 100


def list_workers(call: Call) -> WorkerList:  # noqa: ARG001 - it has no parameters
    scheduler = bootstrap.scheduler()
    with read_transaction() as tx:
        listed = workers.list_workers(tx, scheduler.now() - WORKER_SILENCE)
    alive = Counter(worker.queue for worker in listed if worker.is_alive)
    # Those that exist, and those that somebody works for.
    existing = [name for name in scheduler.task_queues if name.startswith(QUEUE_PREFIX)]
    names = {name.removeprefix(QUEUE_PREFIX) for name in existing} | {w.queue for w in listed}
    queues = sorted(names)[:MAX_QUEUES]
    with ThreadPoolExecutor() as pool:
        depths = pool.map(lambda name: _depth(scheduler, name), queues)
    return WorkerList(
        listed,
        [WorkerQueue(name, alive[name], depth) for name, depth in zip(queues, depths, strict=True)],
    )


def _depth(scheduler: SchedulerContext, queue: str) -> QueueDepth | None:
    try:
        return scheduler.task_queues[f"{QUEUE_PREFIX}{queue}"].depth()
    except (KeyError, OrchestratorError):
        return None
