"""Starts the attempt of each message on Fargate, or puts the message back.

The order is the guarantee. A message that is delivered twice starts one task, because ECS knows the
attempt by its token; and the sidecar claims the attempt before the command starts. Where Fargate
cannot start it, `launch` claims the attempt itself before it reports so.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from chalicelib.claims import Claim
from chalicelib.enums import Claimant, Outcome
from chalicelib.errors import Forbidden, OrchestratorError, Unavailable
from chalicelib.fargate.task_definition import Installed, definition, start, token
from chalicelib.fargate_sizes import round_up
from chalicelib.messages import Attempt, BadMessage, Result, TaskMessage
from chalicelib.ports import Bucket, Claims, Clock, OutgoingMessage, Queue, ReceivedMessage
from chalicelib.utils.logging import bind

log = logging.getLogger("orchestrator.fargate")

FIRST_WAIT_SECONDS = 15
LONGEST_WAIT_SECONDS = 900


@dataclass(frozen=True, slots=True)
class StartedTask:
    """A task of ECS. `stopped_reason` is why it has ended already; None while it has not."""

    arn: str
    stopped_reason: str | None = None


class Containers(Protocol):
    """Amazon ECS, as far as it is needed."""

    def define(self, request: Mapping[str, Any]) -> None:
        """Register the task definition unless there is one of this family. Raises Unavailable where
        asking later helps, else OrchestratorError."""

    def start(self, request: Mapping[str, Any]) -> StartedTask:
        """Start a task, or return the one that was started for the same token. Raises Unavailable
        where asking later helps, as without capacity, else OrchestratorError."""

    def code_url(self, function: str) -> str:
        """Return an address of the function's bundle that is good for some minutes."""


class Sessions(Protocol):
    """The sessions of sidecars."""

    def environ(self, attempt: Attempt, name: str) -> Mapping[str, str]:
        """Return the AWS variables of a session by that name, limited to the attempt's run."""

    def name_of(self, url: str) -> str:
        """Return the name of the session that signed the request for its own identity. Raises
        Forbidden for anything else."""


class Launcher:
    """Safe to use for many messages; `tasks` is the queue that they come from."""

    def __init__(
        self,
        *,
        installed: Installed,
        runs: Bucket,
        claims: Claims,
        results: Queue,
        tasks: Queue,
        containers: Containers,
        sessions: Sessions,
        now: Clock,
    ) -> None:
        self._installed = installed
        self._runs = runs
        self._claims = claims
        self._results = results
        self._tasks = tasks
        self._containers = containers
        self._sessions = sessions
        self._now = now

    def handle_event(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Handle what Lambda was invoked with: messages of the queue, whose answer names those to
        be put back, or a sidecar's request for its next session."""
        if "renew" in event:
            return self.renew(str(event["renew"]), str(event.get("prefix", "")))
        put_back = []
        for record in event["Records"]:
            message = _received(record)
            try:
                self.launch(message.body)
            except Unavailable as error:
                seconds = wait_seconds(message.receive_count)
                log.warning("put back for %d s: %s", seconds, error.message)
                self._tasks.hide([message], seconds)
                put_back.append({"itemIdentifier": message.message_id})
        return {"batchItemFailures": put_back}

    def launch(self, body: str) -> None:
        """Start the attempt of a message. Returning means that the message can be deleted. Raises
        BadMessage, or Unavailable where the message has to come back."""
        message = TaskMessage.decode(body)
        with bind(**message.attempt.ids()):
            if self._claims.is_taken(message.attempt):
                log.info("claimed already; nothing to start")
                return
            try:
                self._start(message)
            except Unavailable:
                raise
            except OrchestratorError as error:
                self._report(message.attempt, f"Fargate cannot run it: {error.message}")

    def _start(self, message: TaskMessage) -> None:
        attempt = message.attempt
        size = round_up(message.vcpu, message.memory_mb)
        if size is None:
            raise OrchestratorError("it sells no size as large as that")
        wanted = definition(self._installed, message.image, size)
        self._containers.define(wanted)
        self._runs.put(attempt.message_key, message.encode().encode())
        environment = {
            **self._sessions.environ(attempt, token(attempt.prefix)),
            "FARGATE_CODE_URL": self._containers.code_url(self._installed.function),
            "FARGATE_MESSAGE_KEY": attempt.message_key,
        }
        request = start(
            self._installed, wanted["family"], attempt, environment, has_retries=message.has_retries
        )
        task = self._containers.start(request)
        if task.stopped_reason is not None:
            reason = f"Fargate stopped it before it began: {task.stopped_reason}"
            self._report(attempt, reason, is_transient=True)
            return
        log.info("started %s in %s", task.arn, size)

    def _report(self, attempt: Attempt, reason: str, *, is_transient: bool = False) -> None:
        """Report that the attempt failed, once nobody can start it any more."""
        claim = Claim(Claimant.EXECUTOR, self._now().timestamp(), "launch")
        if self._claims.take(attempt, claim) is not None:
            log.info("claimed meanwhile; its executor reports")
            return
        log.warning("%s", reason)
        result = Result(attempt, Outcome.FAILED, reason=reason, is_transient=is_transient)
        self._results.send([OutgoingMessage(result.encode())])

    def renew(self, url: str, prefix: str) -> dict[str, Any]:
        """Return the next session of the sidecar that proves, by a signed request, that it has the
        session of this attempt. Raises Forbidden."""
        name = self._sessions.name_of(url)
        if name != token(prefix):
            raise Forbidden("this session belongs to another attempt")
        return dict(self._sessions.environ(_attempt_of(prefix), name))


def _received(record: Mapping[str, Any]) -> ReceivedMessage:
    count = int(record["attributes"]["ApproximateReceiveCount"])
    return ReceivedMessage(record["body"], record["messageId"], record["receiptHandle"], count)


def wait_seconds(receive_count: int) -> int:
    """Return how long to leave a message alone that was received so often."""
    return int(min(FIRST_WAIT_SECONDS * 2.0 ** min(receive_count - 1, 10), LONGEST_WAIT_SECONDS))


def _attempt_of(prefix: str) -> Attempt:
    """Return the attempt whose keys have the prefix. Raises BadMessage."""
    parts = prefix.strip("/").split("/")
    if len(parts) != 5:
        raise BadMessage(f"{prefix!r} is not the prefix of an attempt")
    try_number, _, poke = parts[4].partition(".")
    return Attempt(parts[0], parts[1], parts[2], int(parts[3]), int(try_number), int(poke or 0))
