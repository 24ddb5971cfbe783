"""`python -m chalicelib.fargate.sidecar`: the container beside a command.

It is an executor like any other: it claims the attempt of its task message, watches the command in
the other container, streams the log and reports. Whatever happens, it ends the other container.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import tempfile
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from chalicelib import bootstrap
from chalicelib.aws.clients import client, forget_clients
from chalicelib.executor import Executor, sandbox
from chalicelib.executor.long_patience import LongPatience
from chalicelib.fargate.remote import LOST_LATER_SECONDS, LOST_SECONDS
from chalicelib.fargate.shared_files import replace_shared
from chalicelib.fargate.volume import ANYBODY, VolumeCommand
from chalicelib.fargate_sizes import round_up
from chalicelib.messages import TaskMessage
from chalicelib.utils.logging import configure as configure_logging

log = logging.getLogger("orchestrator.fargate")

RENEW_SECONDS = 30 * 60
STOP_GRACE_SECONDS = 90.0
"""Of the two minutes that Fargate leaves; the rest is for the log and the report."""
PATIENCE_SECONDS = 3600.0
"""How long a claim, the end of a log and the result wait for AWS: no queue delivers the message
again, and a session is good for as long."""


def main() -> None:
    volume = Path(os.environ.get("FARGATE_VOLUME", "/orchestrator"))
    configure_logging(os.environ.get("ORCHESTRATOR_LOG_LEVEL", "INFO"))
    try:
        run(volume, os.environ["FARGATE_MESSAGE_KEY"])
    finally:
        replace_shared(volume / "end", "")


def run(volume: Path, key: str) -> None:
    """Run the attempt whose task message has this key in the runs bucket."""
    sandbox.close_to_root()  # the client of a command, too, is another process
    _prepare(volume)
    ports = bootstrap.ports()
    patience = LongPatience(PATIENCE_SECONDS)
    stored = patience(lambda: ports.runs().get(key))
    if stored is None:
        raise LookupError(f"there is no task message {key}")
    message = TaskMessage.decode(stored.body.decode())
    size = round_up(message.vcpu, message.memory_mb)
    bootstrap.configure(
        replace(
            ports,
            runs_commands_by=partial(VolumeCommand, volume, lost=_lost_seconds()),
            patience=patience,
            open_bucket=bootstrap.bucket_of_container() or ports.open_bucket,
            fargate_size=(size.memory_mb, size.vcpu) if size else None,
        )
    )
    executor: Executor = bootstrap.executor()

    def interrupt(*_: object) -> None:
        patience.hurry()
        executor.interrupt(STOP_GRACE_SECONDS)

    signal.signal(signal.SIGTERM, interrupt)
    done = threading.Event()
    if function := os.environ.get("FARGATE_RENEW"):
        renew = partial(_renew, function, message.attempt.prefix)
        threading.Thread(target=_repeat, args=(renew, done), daemon=True).start()
    try:
        executor.handle(stored.body.decode(), time_left=lambda: float("inf"))
    finally:
        done.set()


def _lost_seconds() -> tuple[float, float]:
    first, later = str(LOST_SECONDS), str(LOST_LATER_SECONDS)
    return (
        float(os.environ.get("FARGATE_LOST_SECONDS", first)),
        float(os.environ.get("FARGATE_LOST_LATER_SECONDS", later)),
    )


def _prepare(volume: Path) -> None:
    """Have the folders of attempts made in the volume, where the other container finds them."""
    volume.chmod(ANYBODY)
    for name in ("tmp", "jobs"):
        (volume / name).mkdir(exist_ok=True)
        (volume / name).chmod(ANYBODY)
    tempfile.tempdir = str(volume / "tmp")
    # The client of a command starts in the command's folder, and is part of the bundle, too.
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[2])


def _repeat(action: Callable[[], None], done: threading.Event) -> None:
    while not done.wait(RENEW_SECONDS):
        try:
            action()
        except Exception:
            log.exception("the session could not be renewed; tried again later")


def _renew(function: str, prefix: str) -> None:
    """Have `launch` make the next session, proving who asks by a request that only this session can
    sign."""
    url = client("sts").generate_presigned_url("get_caller_identity", ExpiresIn=60)
    payload = json.dumps({"renew": url, "prefix": prefix})
    answer = client("lambda").invoke(FunctionName=function, Payload=payload)
    session = json.loads(answer["Payload"].read())
    if answer.get("FunctionError") or "AWS_SESSION_TOKEN" not in session:
        raise RuntimeError(f"`{function}` made no session")
    os.environ.update(session)
    forget_clients()


if __name__ == "__main__":
    main()
