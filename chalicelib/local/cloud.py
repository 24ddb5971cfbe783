"""The whole cloud in one process: moto for S3 and SQS, files on disk, and loops that invoke the
same entry points as Lambda.

The process may die at any instruction, and usually does: Chalice's reloader kills it. Whatever must
survive is on disk before the request is answered. Messages are lost, as they can be on AWS, and the
scheduler's repair sends them again. Orphaned commands are killed (see orphans.py).
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from chalicelib import bootstrap
from chalicelib.config import Settings
from chalicelib.enums import PlaceKind
from chalicelib.local import aws_env, events, loops, moto_events, s3_endpoint
from chalicelib.local.creation_journal import Journal
from chalicelib.local.dags_bucket import PersistentBucket, PersistentBuckets
from chalicelib.local.dags_folder import DagsFolder, FolderedBucket
from chalicelib.local.durable_bucket import DurableBucket
from chalicelib.local.events import Event, LambdaContext
from chalicelib.local.home import Home
from chalicelib.local.in_process_bucket import InProcessBucket, create_bucket
from chalicelib.local.in_process_queue import InProcessQueue
from chalicelib.local.moto_queue import LocalQueue
from chalicelib.places import (
    DEFAULT_FUNCTION,
    DEFAULT_PLACE,
    FARGATE_PLACE,
    FARGATE_SECONDS,
    Place,
    for_each_place,
    installed,
)
from chalicelib.ports import Bucket, Queue, ReceivedMessage
from chalicelib.scheduler import repair
from chalicelib.scheduler.file_match import patterns_in

Handler = Callable[[Event, LambdaContext], Any]

TASK_VISIBILITY = 930
"""Seconds; SQS requires at least the timeout of the function."""
RESULT_VISIBILITY = 60
SETTLING = 5.0
"""Seconds that a tick waits for pending bucket events, at most."""
LOOK_AT_FOLDER = 1.0
"""Seconds between two scans of the folder of DAG files."""


@dataclass(frozen=True)
class Cloud:
    """Everything that is built before the loops start."""

    settings: Settings
    home: Home
    dags: InProcessBucket
    runs: DurableBucket
    task_queues: Mapping[str, Queue]
    results: Queue
    dead_letters: Queue
    folder: DagsFolder | None
    kept: PersistentBucket
    buckets: PersistentBuckets

    @property
    def seen_dags(self) -> Bucket:
        """The dags bucket as the scheduler sees it."""
        return self.dags if self.folder is None else FolderedBucket(self.dags, self.folder)


def build(settings: Settings, home: Home, dags_dir: Path | None) -> Cloud:
    """Build what is behind the ports. moto must have been started."""
    for name in (settings.dags_bucket, settings.runs_bucket):
        create_bucket(name)
    task_queues, results, dead_letters = _create_queues(settings)
    dags, shown_runs = (
        InProcessBucket(name) for name in (settings.dags_bucket, settings.runs_bucket)
    )
    kept = PersistentBucket(dags.name, dags, home.dags)
    runs = DurableBucket(shown_runs, home.runs, Journal(home.claim_journal))
    kept_runs = PersistentBucket(shown_runs.name, shown_runs, home.runs, runs.is_shown)
    folder = (
        None if dags_dir is None else DagsFolder(dags_dir, dags, home.copied_files, patterns_in)
    )
    return Cloud(
        settings=settings,
        home=home,
        dags=dags,
        runs=runs,
        task_queues=task_queues,
        results=results,
        dead_letters=dead_letters,
        folder=folder,
        kept=kept,
        buckets=PersistentBuckets(
            {dags.name: kept, shown_runs.name: kept_runs},
            home.buckets,
            InProcessBucket,
        ),
    )


def _create_queues(settings: Settings) -> tuple[Mapping[str, Queue], Queue, Queue]:
    """The queue of each place, that of results, and that of dead letters. All places but those with
    workers share the default one's queue: this process runs their commands, and what a message
    asks for stands in it."""
    region = aws_env.REGION
    dead_letters = LocalQueue.create(settings.dead_letter_queue, region, RESULT_VISIBILITY)
    results = LocalQueue.create(settings.results_queue, region, RESULT_VISIBILITY)

    def task_queue(name: str) -> Queue:
        return InProcessQueue(LocalQueue.create(name, region, TASK_VISIBILITY, dead_letters))

    places = installed(settings)
    own = task_queue(places.default.queue)

    def queue_of(place: Place) -> Queue:
        return task_queue(place.queue) if place.kind is PlaceKind.WORKER else own

    return for_each_place(places, queue_of), InProcessQueue(results), InProcessQueue(dead_letters)


def _serve(cloud: Cloud, listener: socket.socket) -> None:
    """Serve S3 and SQS at `listener`."""

    def before(bucket: str, prefix: str) -> None:
        if bucket == cloud.settings.runs_bucket:
            cloud.runs.show(prefix)

    def create(bucket: str, key: str, read: Callable[[], bytes]) -> bool | None:
        # Claims of workers: of all that ask, this process included, one may win.
        return cloud.runs.create(key, read()) if bucket == cloud.settings.runs_bucket else None

    s3_endpoint.serve(listener, before, create)


def start(
    cloud: Cloud,
    handlers: Mapping[str, Handler],
    stop: threading.Event,
    listener: socket.socket,
) -> loops.BucketEvents:
    """Start the loops that invoke the entry points, then serve S3 and SQS at `listener`. Earlier
    requests wait, so that whatever they change is persisted. Returns the loop that registers what
    is in the dags bucket."""
    repair.recover_after_restart(bootstrap.scheduler())
    bucket = _start_bucket(cloud, handlers["register"], stop)
    _serve(cloud, listener)
    executors = loops.Executors(
        cloud.task_queues[DEFAULT_PLACE],
        _message_handler(cloud, handlers),
        cloud.settings.parallelism,
    )
    executors.start(stop)
    results = loops.Results(
        cloud.results,
        _batch_handler("apply", cloud, handlers),
        executors.is_crowded,
        stop,
    )
    loops.start("results", results.step, stop)
    schedule = loops.Schedule(
        _schedule_handler(handlers["tick"], bucket), cloud.settings.tick_seconds, stop
    )
    loops.start("schedule", schedule.step, stop)
    return bucket


def _start_bucket(cloud: Cloud, register: Handler, stop: threading.Event) -> loops.BucketEvents:
    waiting = loops.BucketEvents(
        lambda event: register(event, LambdaContext("register", events.SHORT))
    )

    def heard(event: Event) -> None:
        cloud.buckets.keep(event)
        if events.bucket_of(event) == cloud.settings.dags_bucket:
            waiting.add(event)

    for event in cloud.kept.restore():
        waiting.add(event)
    cloud.buckets.restore_others(create_bucket)
    moto_events.listen(heard)
    if cloud.folder is not None:
        cloud.folder.on_complaint = lambda key: waiting.add(
            events.bucket_event(cloud.settings.dags_bucket, key, created=True)
        )
        with cloud.kept.synced_at_end():
            cloud.folder.copy_changes()
        loops.start("dags-folder", _look_at(cloud.folder, stop), stop)
    loops.start("bucket-events", waiting.step, stop)
    return waiting


def _look_at(folder: DagsFolder, stop: threading.Event) -> Callable[[], None]:
    def step() -> None:
        if not stop.wait(LOOK_AT_FOLDER):
            folder.copy_changes()

    return step


def _schedule_handler(tick: Handler, bucket: loops.BucketEvents) -> Callable[[datetime], None]:
    def invoke(now: datetime) -> None:
        # A tick compares the bucket with the database: at startup it would register files twice.
        bucket.settled.wait(SETTLING)
        tick(events.schedule_event(now), LambdaContext("tick", events.SHORT))

    return invoke


def _batch_handler(
    name: str, cloud: Cloud, handlers: Mapping[str, Handler]
) -> Callable[[list[ReceivedMessage]], None]:
    def invoke(batch: list[ReceivedMessage]) -> None:
        event = events.queue_event(cloud.settings.results_queue, batch)
        handlers[name](event, LambdaContext(name, events.SHORT))

    return invoke


def _message_handler(
    cloud: Cloud, handlers: Mapping[str, Handler]
) -> Callable[[ReceivedMessage], None]:
    def invoke(message: ReceivedMessage) -> None:
        event = events.queue_event(cloud.settings.tasks_queue, [message])
        seconds = events.LONGEST + _extra_seconds(message.body)
        handlers[DEFAULT_FUNCTION](event, LambdaContext(DEFAULT_FUNCTION, seconds))

    return invoke


def _extra_seconds(body: str) -> float:
    """How much longer than a Lambda function a message's command may run."""
    return FARGATE_SECONDS if f'"place":"{FARGATE_PLACE}"' in body else 0.0
