"""The whole cloud in one process: moto for S3 and SQS, a disk behind it, and loops that invoke the
same entry points that Lambda would.

It may die at any instruction, and mostly does: Chalice's reloader ends it without a word. What has
to survive is on disk before anybody is told; messages are lost, as they can be on AWS, and the
scheduler's repair sends them again; commands left behind are stopped (see leftovers.py).
"""

from __future__ import annotations

import atexit
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from chalicelib import bootstrap
from chalicelib.aws.clients import CONFIG
from chalicelib.aws.notifications import SnsNotifier
from chalicelib.aws.s3 import S3Bucket
from chalicelib.aws.secrets import AwsSecrets
from chalicelib.aws.sqs import SqsQueue
from chalicelib.config import Settings
from chalicelib.database import Database
from chalicelib.local import aws_env, events, loops, moto_events, orphans, s3_endpoint
from chalicelib.local.dags_bucket import KeptBucket, KeptBuckets
from chalicelib.local.dags_folder import DagsFolder, FolderedBucket
from chalicelib.local.durable_bucket import DurableBucket
from chalicelib.local.events import Event, LambdaContext
from chalicelib.local.home import Home
from chalicelib.local.moto_queue import LocalQueue
from chalicelib.ports import Bucket, ReceivedMessage
from chalicelib.scheduler import repair

Handler = Callable[[Event, LambdaContext], Any]

TASK_VISIBILITY = 930
"""Seconds; SQS wants at least what the function may take."""
RESULT_VISIBILITY = 60
SETTLING = 5.0
"""Seconds that a tick waits at most for the bucket's events."""
LOOK_AT_FOLDER = 1.0
"""Seconds between two looks at the folder of DAG files."""


@dataclass(frozen=True)
class Cloud:
    """What has been built and not yet started."""

    settings: Settings
    home: Home
    dags: S3Bucket
    runs: DurableBucket
    tasks: SqsQueue
    results: SqsQueue
    dead_letters: SqsQueue
    database: Database
    folder: DagsFolder | None
    kept: KeptBucket
    buckets: KeptBuckets

    @property
    def seen_dags(self) -> Bucket:
        """As the scheduler sees it."""
        return self.dags if self.folder is None else FolderedBucket(self.dags, self.folder)


def build(settings: Settings, home: Home, dags_dir: Path | None) -> Cloud:
    """Everything behind the ports. moto must have been started."""
    s3, sqs = _client("s3"), _client("sqs")
    for name in (settings.dags_bucket, settings.runs_bucket):
        s3.create_bucket(Bucket=name)
    _create_queues(settings)
    dags, shown_runs = (
        S3Bucket(name, lambda: s3) for name in (settings.dags_bucket, settings.runs_bucket)
    )
    kept = KeptBucket(dags.name, dags, home.dags)
    runs = DurableBucket(shown_runs, home.runs)
    kept_runs = KeptBucket(shown_runs.name, shown_runs, home.runs, runs.is_shown)
    folder = None if dags_dir is None else DagsFolder(dags_dir, dags, home.copied_files)
    return Cloud(
        settings=settings,
        home=home,
        dags=dags,
        runs=runs,
        tasks=SqsQueue(settings.tasks_queue, lambda: sqs),
        results=SqsQueue(settings.results_queue, lambda: sqs),
        dead_letters=SqsQueue(settings.dead_letter_queue, lambda: sqs),
        database=_database(home),
        folder=folder,
        kept=kept,
        buckets=KeptBuckets(
            {dags.name: kept, shown_runs.name: kept_runs},
            home.buckets,
            lambda name: S3Bucket(name, lambda: s3),
        ),
    )


def _create_queues(settings: Settings) -> None:
    region = aws_env.REGION
    dead = LocalQueue.create(settings.dead_letter_queue, region, RESULT_VISIBILITY)
    LocalQueue.create(settings.tasks_queue, region, TASK_VISIBILITY, dead)
    LocalQueue.create(settings.results_queue, region, RESULT_VISIBILITY)


def configure(cloud: Cloud, endpoint: str, mark: str) -> None:
    """Tell the composition root."""
    bootstrap.configure(
        bootstrap.Ports(
            tasks=lambda: cloud.tasks,
            results=lambda: cloud.results,
            dead_letters=lambda: cloud.dead_letters,
            dags=lambda: cloud.seen_dags,
            runs=lambda: cloud.runs,
            database=lambda: cloud.database,
            settings=cloud.settings,
            secrets=AwsSecrets,
            notifier=SnsNotifier,
            allow_private=True,
            command_environ={**aws_env.command_variables(endpoint), orphans.MARK: mark},
        )
    )


def _serve(cloud: Cloud, listener: socket.socket) -> None:
    """Open the S3 and SQS endpoint."""

    def before(bucket: str, prefix: str) -> None:
        if bucket == cloud.settings.runs_bucket:
            cloud.runs.show(prefix)

    s3_endpoint.serve(listener, before)


def start(
    cloud: Cloud,
    handlers: Mapping[str, Handler],
    stop: threading.Event,
    listener: socket.socket,
) -> None:
    """Start the loops that invoke the entry points, and answer at `listener` once all that is
    answered there will last. Whoever asks earlier waits."""
    repair.recover_after_restart(bootstrap.scheduler())
    bucket = _start_bucket(cloud, handlers["register"], stop)
    _serve(cloud, listener)
    executors = loops.Executors(
        cloud.tasks, _of_messages("execute", cloud, handlers), cloud.settings.parallelism
    )
    executors.start(stop)
    results = loops.Results(
        cloud.results, _of_batches("apply", cloud, handlers), executors.is_crowded, stop
    )
    loops.start("results", results.step, stop)
    schedule = loops.Schedule(
        _of_the_clock(handlers["tick"], bucket), cloud.settings.tick_seconds, stop
    )
    loops.start("schedule", schedule.step, stop)


def stop_commands_at_exit() -> None:
    """At an orderly end, stop what runs; leftovers.py is for the other ends."""
    atexit.register(_stop_commands)


def _stop_commands() -> None:
    if bootstrap.executor.cache_info().currsize:
        bootstrap.executor().stop()


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
    cloud.buckets.restore_others(lambda name: _client("s3").create_bucket(Bucket=name))
    moto_events.listen(heard)
    if cloud.folder is not None:
        cloud.folder.on_complaint = lambda key: waiting.add(
            events.of_the_bucket(cloud.settings.dags_bucket, key, created=True)
        )
        with cloud.kept.synced_at_the_end():
            cloud.folder.copy_changes()
        loops.start("dags-folder", _look_at(cloud.folder, stop), stop)
    loops.start("bucket-events", waiting.step, stop)
    return waiting


def _look_at(folder: DagsFolder, stop: threading.Event) -> Callable[[], None]:
    def step() -> None:
        if not stop.wait(LOOK_AT_FOLDER):
            folder.copy_changes()

    return step


def _of_the_clock(tick: Handler, bucket: loops.BucketEvents) -> Callable[[datetime], None]:
    def invoke(now: datetime) -> None:
        # A tick compares the bucket with the database; at the start it would do all of it twice.
        bucket.settled.wait(SETTLING)
        tick(events.of_the_clock(now), LambdaContext("tick", events.SHORT))

    return invoke


def _of_batches(
    name: str, cloud: Cloud, handlers: Mapping[str, Handler]
) -> Callable[[list[ReceivedMessage]], None]:
    def invoke(batch: list[ReceivedMessage]) -> None:
        event = events.of_the_queue(cloud.settings.results_queue, batch)
        handlers[name](event, LambdaContext(name, events.SHORT))

    return invoke


def _of_messages(
    name: str, cloud: Cloud, handlers: Mapping[str, Handler]
) -> Callable[[ReceivedMessage], None]:
    def invoke(message: ReceivedMessage) -> None:
        event = events.of_the_queue(cloud.settings.tasks_queue, [message])
        handlers[name](event, LambdaContext(name, events.LONGEST))

    return invoke


def _database(home: Home) -> Database:
    database = Database(home.database)
    database.create_if_missing()
    return database


def _client(service: str) -> Any:
    """For calls from inside: to moto at once, not through its HTTP endpoint, which the
    environment names for others."""
    inside = Config(ignore_configured_endpoint_urls=True)
    return boto3.client(service, region_name=aws_env.REGION, config=CONFIG.merge(inside))
