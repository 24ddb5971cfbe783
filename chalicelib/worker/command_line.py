"""Reads the arguments and settings of a worker, and runs it."""

from __future__ import annotations

import argparse
import os
import socket
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from chalicelib import bootstrap, config
from chalicelib.executor import orphans
from chalicelib.executor.long_patience import LongPatience
from chalicelib.messages import WorkerSeen
from chalicelib.places import QUEUE_NAME, QUEUE_PREFIX, installed
from chalicelib.ports import OutgoingMessage, Queue
from chalicelib.utils.logging import configure as configure_logging
from chalicelib.utils.time import utc_now
from chalicelib.worker.signals import Signals
from chalicelib.worker.worker import Worker, WorkerContext

LOCAL_ENDPOINT = "http://127.0.0.1:4566"
MAX_PARALLELISM = 256
USAGE_ERROR = 2


def main(arguments: Sequence[str]) -> int:
    """Run a worker until it is told to stop. Returns the exit code."""
    options = parser().parse_args(arguments)
    if options.local is not None:
        from chalicelib.local import aws_env

        aws_env.isolate_from_real_aws(options.local)
        visible = aws_env.command_variables(options.local)
    else:
        visible = {}
    try:
        settings = config.load(_with_queue(os.environ, options.queue))
    except config.BadSetting as error:
        sys.stderr.write(f"error: {error}\n")
        return USAGE_ERROR
    configure_logging(settings.log_level)
    patience = LongPatience()
    queue = _queue(settings, options.queue)
    mark = f"worker-{os.urandom(4).hex()}:{os.getpid()}"
    ports = bootstrap.on_aws(settings)
    if options.local is not None:
        ports = replace(ports, allow_private=True, open_bucket=bootstrap.open_bucket)
    environ = {**visible, orphans.MARK: mark}
    bootstrap.configure(replace(ports, patience=patience, command_environ=environ))
    watcher = orphans.start_watcher(mark)
    seen = _reporter(options.queue, options.parallelism, bootstrap.ports().results())
    worker = Worker(WorkerContext(bootstrap.executor(), queue, patience, options.parallelism, seen))
    _run(worker, Signals())
    watcher.communicate()  # at the end of its input, it ends
    return 0


def _run(worker: Worker, signals: Signals) -> None:
    """Run the worker in a thread: the main one is for signals."""

    def work() -> None:
        try:
            worker.run()
        finally:
            signals.close()

    thread = threading.Thread(target=work, name="worker")
    thread.start()
    signals.serve(worker.finish, worker.cancel)
    thread.join()


def _reporter(queue: str, parallelism: int, results: Queue) -> Callable[[int, bool], None]:
    """What tells the scheduler that this worker is there."""
    name, started_at = f"{socket.gethostname()}/{os.getpid()}", utc_now().timestamp()

    def seen(running: int, is_leaving: bool) -> None:
        at = utc_now().timestamp()
        report = WorkerSeen(name, queue, parallelism, running, started_at, at, is_leaving)
        results.send([OutgoingMessage(report.encode())])

    return seen


def _queue(settings: config.Settings, name: str) -> Queue:
    from chalicelib.aws.sqs import SqsQueue

    place = installed(settings).find(f"{QUEUE_PREFIX}{name}")
    assert place is not None  # by `_with_queue`
    return SqsQueue(place.queue)


def _with_queue(environ: Mapping[str, str], name: str) -> dict[str, str]:
    return {**environ, f"{config.PREFIX}WORKER_QUEUES": name}


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m chalicelib.worker",
        description="Run the tasks of a queue on this machine. The first SIGTERM or SIGINT lets"
        " running commands finish; the second one ends them.",
    )
    parser.add_argument(
        "--queue", required=True, type=_queue_name, help="the name that tasks give as their `queue`"
    )
    parser.add_argument(
        "--parallelism",
        type=_parallelism,
        default=1,
        metavar="N",
        help=f"commands that run at the same time, 1 to {MAX_PARALLELISM} (default: 1)",
    )
    parser.add_argument(
        "--local",
        nargs="?",
        const=LOCAL_ENDPOINT,
        metavar="URL",
        help="work for the local cloud, whose S3 and SQS are at this address (default:"
        f" {LOCAL_ENDPOINT})",
    )
    return parser


def _queue_name(text: str) -> str:
    if not QUEUE_NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not the name of a queue")
    return text


def _parallelism(text: str) -> int:
    try:
        return int(config.integer(1, MAX_PARALLELISM)(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} {error}") from None
