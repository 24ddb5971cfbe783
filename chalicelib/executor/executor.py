"""Handles one message of the tasks queue, from claim to report.

The order is the guarantee. The claim precedes every visible effect, so a message that is delivered
twice starts nothing twice; the log is complete before the result says so; and the result
is sent before the message is acknowledged, so what dies in between is delivered again and
told apart by the claim.
"""

from __future__ import annotations

import logging
import math
import os
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from chalicelib.claims import Claim
from chalicelib.enums import Claimant, Outcome
from chalicelib.errors import OrchestratorError, Unavailable
from chalicelib.executor import sandbox
from chalicelib.executor.attempt import ClaimedAttempt, ExecutorContext
from chalicelib.executor.cleanup import Cleaner
from chalicelib.executor.command_env import CommandEnvSources
from chalicelib.executor.notifications.delivery import MAX_DELIVERY_SECONDS, deliver
from chalicelib.executor.notifications.sender import PAGERDUTY_URL, SenderContext
from chalicelib.executor.outcome import time_limit
from chalicelib.executor.patience import Patience, no_patience
from chalicelib.executor.process import ExecutorStopped, RunningCommands
from chalicelib.executor.unexpected_errors import unexpected_error
from chalicelib.executor.workspace import CannotStart, find_shell
from chalicelib.messages import (
    Attempt,
    Heartbeat,
    NotificationMessage,
    NotificationResult,
    Result,
    TaskMessage,
    decode_task,
)
from chalicelib.ports import (
    Bucket,
    Claims,
    Clock,
    Credentials,
    Mailer,
    Notifier,
    OutgoingMessage,
    Queue,
    Secrets,
)
from chalicelib.utils.lambda_env import is_lambda
from chalicelib.utils.logging import bind

if TYPE_CHECKING:
    from chalicelib.executor.containers import RunsCommandsBy
    from chalicelib.executor.materials.preparation import MaterialStore

log = logging.getLogger("orchestrator.executor")

MARGIN = 15.0
"""Seconds kept of the time that is left: SIGTERM's grace, the log's last upload, the result."""
LEAST_TIME = 5.0
"""Seconds that a command must be able to have, or the message is left for another invocation."""
LONGEST_HOLD = 30.0
"""Seconds that a claimed attempt may wait for its start time."""
LATEST_START = 7 * 24 * 3600.0
"""Seconds after its start time for which an attempt may begin. Its message is gone by then, but a
machine that was asleep may still hold it, while the claim of another may have expired."""
CLEANING = 30.0
"""Seconds for removing what a command left; what takes longer continues after the next one."""
TIME_TO_RETURN = 2.0
_REASON_LENGTH = 1000
FARGATE_LEAST_MS = 60_000
"""Fargate bills a minute at least."""


class Executor:
    """Runs attempts and delivers notifications; safe to use from several threads.

    `environ` is all that commands inherit from this process; `now` is the clock. `secrets`,
    `notifier`, `mailer` and `credentials` are for what needs them: without one, a task or
    notification that needs it fails and says so, and without `credentials` commands have no role of
    their own. `allow_private`: webhooks may go to private addresses, and tools come from there.
    `open_bucket` opens any bucket by its name, with the rights of commands. `cleaner` removes what
    commands leave. `own_environ` is this process's own environment, by which it knows Lambda.
    `clock` measures how long something takes, in seconds. `patience` is for claims, the ends of
    logs, and results.
    """

    def __init__(
        self,
        runs: Bucket,
        claims: Claims,
        results: Queue,
        heartbeat_seconds: float,
        environ: Mapping[str, str],
        now: Clock,
        *,
        secrets: Secrets | None = None,
        notifier: Notifier | None = None,
        credentials: Credentials | None = None,
        allow_private: bool = False,
        open_bucket: Callable[[str], Bucket] | None = None,
        cleaner: Cleaner | None = None,
        own_environ: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
        patience: Patience = no_patience,
        ignores_images: bool = False,
        runs_commands_by: RunsCommandsBy | None = None,
        fargate_size: tuple[int, float] | None = None,
        mailer: Mailer | None = None,
        pagerduty_url: str = PAGERDUTY_URL,
    ) -> None:
        own_environ = os.environ if own_environ is None else own_environ
        sandbox.close_process(own_environ)
        self._memory_mb = sandbox.memory_mb(own_environ)
        # Lambda gives a process one message at a time; elsewhere others may have commands, too.
        self._processes = sandbox.Processes() if is_lambda(own_environ) else None
        self._fargate_size = fargate_size
        self._runs = runs
        self._claims = claims
        self._results = results
        self._name = f"{socket.gethostname()}/{os.getpid()}"
        self._now = now
        self._running = RunningCommands()
        self._env_sources = CommandEnvSources(environ, secrets, credentials)
        shell = find_shell(environ.get("PATH"))
        self._clock = clock
        cleaner = cleaner or Cleaner()
        self._context = ExecutorContext(
            runs,
            claims,
            self._running,
            shell,
            cleaner,
            heartbeat_seconds,
            now,
            self._send,
            self._material_store,
            clock,
            patience,
            ignores_images,
            runs_commands_by,
        )
        self._patience = patience
        self._materials: MaterialStore | None = None
        self._open_bucket = open_bucket
        self._senders = SenderContext(
            shell,
            self._running,
            self._env_sources,
            cleaner,
            notifier,
            allow_private,
            mailer,
            pagerduty_url,
        )

    def handle(self, body: str, *, time_left: Callable[[], float]) -> None:
        """Handle one message; `time_left` returns the seconds left to this invocation.

        Returning means that the message can be deleted. Raises BadMessage for a body that is no
        message; Unavailable or another OrchestratorError where the queue should deliver it again.
        """
        begun = self._clock()
        message = decode_task(body)
        try:
            if isinstance(message, NotificationMessage):
                with bind(notification_id=message.id):
                    self._deliver(message, time_left())
                return
            with bind(**message.attempt.ids()):
                result = self._take(message, time_left)
                if result is not None:
                    self._report(self._billed(result, self._clock() - begun))
        finally:
            self._tidy_up(time_left)

    def stop(self) -> None:
        """Kill all running commands and start no more. A killed command reports nothing: the
        scheduler finds its attempt lost, as if the machine had failed."""
        self._running.stop()
        self._context.cleaner.close()

    def interrupt(self, grace: float) -> None:
        """End all running commands within `grace` seconds and start no more. Their attempts are
        reported as lost, so that they are tried again at once."""
        self._running.interrupt(grace)

    def _material_store(self) -> MaterialStore:
        """Made for the first task that brings something along: others pay nothing for it."""
        if self._materials is None:
            from chalicelib.executor.materials.context import Outside
            from chalicelib.executor.materials.preparation import MaterialStore

            cleaner = self._context.cleaner
            outside = Outside(self._senders.allow_private, self._open_bucket)
            self._materials = MaterialStore(
                self._runs, self._running, cleaner, self._clock, outside=outside
            )
        return self._materials

    def _tidy_up(self, time_left: Callable[[], float]) -> None:
        """Clean up last: it may take long or fail, and a result that is not sent is lost."""
        try:
            if self._processes and (ended := self._processes.kill_orphans()):
                log.warning("%d processes that had left their command were killed", ended)
            self._context.cleaner.clean(min(CLEANING, time_left() - TIME_TO_RETURN))
        except Exception as error:
            log.warning("what a command left could not be removed: %s", unexpected_error(error))

    def _take(self, message: TaskMessage, time_left: Callable[[], float]) -> Result | None:
        """Claim and run the attempt. Returns None if somebody else has claimed it."""
        self._refuse_what_cannot_run_now(message, time_left())
        claim = self._own_claim()  # the same one, however often it takes to know who has it
        holder = self._patience(lambda: self._claims.take(message.attempt, claim))
        if holder is not None:
            self._report_the_holder(message.attempt, holder)
            return None
        self._refuse_what_is_too_old(message)
        attempt = ClaimedAttempt(self._context, message)
        try:
            return self._carry_out(attempt, message, time_left)
        except ExecutorStopped:
            if self._running.interrupted:
                return attempt.interrupted()
            raise
        except Exception as error:
            return attempt.given_up(error)
        finally:
            attempt.discard()

    def _carry_out(
        self, attempt: ClaimedAttempt, message: TaskMessage, time_left: Callable[[], float]
    ) -> Result:
        try:
            # Before its start time, so that fetching secrets does not make it late.
            seconds = time_limit(message.timeout, time_left() - MARGIN).seconds
            command_env = self._env_sources.for_task(message, seconds)
            ended = attempt.prepare(message.timeout, time_left() - MARGIN, command_env.mask)
        except CannotStart as error:
            return attempt.refused(error)
        if ended is not None:
            return ended
        self._wait_for(message.not_before)
        return attempt.run(command_env, attempt.limit(message.timeout, time_left() - MARGIN))

    def _refuse_what_cannot_run_now(self, message: TaskMessage, time_left: float) -> None:
        """Raise Unavailable before the claim: a claimed attempt is never given to another."""
        # A Lambda that waits is paid for; the queue waits for nothing.
        wait = max(0.0, (message.not_before or 0.0) - self._timestamp())
        self._refuse_when_stopped()
        if wait > LONGEST_HOLD:
            raise Unavailable(f"too early by {wait:.0f} s; the queue will deliver it again")
        if time_left - wait < MARGIN + LEAST_TIME:
            raise Unavailable(f"only {time_left:.0f} s are left to this invocation")

    def _refuse_what_is_too_old(self, message: TaskMessage) -> None:
        """Raise Unavailable. Asked after the claim, so that no time can pass in between."""
        late = self._timestamp() - (message.not_before or math.inf)
        if late > LATEST_START:
            raise Unavailable(f"too late by {late:.0f} s: the scheduler has ended this attempt")

    def _refuse_when_stopped(self) -> None:
        if self._running.stopped:
            raise ExecutorStopped("this executor is being stopped")

    def _report_the_holder(self, attempt: Attempt, holder: Claim) -> None:
        """Report who holds the claim: its own reports may have been lost with it."""
        log.info("claimed by the %s already", holder.by)
        if holder.by is Claimant.SCHEDULER:
            self._send(Result(attempt, Outcome.CANCELLED, reason="cancelled before it began"))
        else:
            at = holder.claimed_at
            self._send(Heartbeat(attempt, started_at=at, at=at, claimed=True))

    def _own_claim(self) -> Claim:
        return Claim(Claimant.EXECUTOR, self._timestamp(), self._name)

    def _wait_for(self, not_before: float | None) -> None:
        left = LONGEST_HOLD  # should the clock be set back meanwhile
        while not_before is not None and (wait := min(not_before - self._timestamp(), left)) > 0:
            if self._running.wait(wait):
                break
            left -= wait
        self._refuse_when_stopped()

    def _deliver(self, notification: NotificationMessage, time_left: float) -> None:
        self._refuse_when_stopped()
        if time_left < MAX_DELIVERY_SECONDS:
            raise Unavailable(f"only {time_left:.0f} s are left to this invocation")
        result = deliver(notification, self._senders)
        # Delivered or not, what is killed with the executor is tried again by another.
        self._refuse_when_stopped()
        if result.reason:
            log.warning("a notification could not be delivered: %s", result.reason)
        self._send(result)

    def _report(self, result: Result) -> None:
        """Raises Unavailable where the queue takes nothing: the message comes back, and the attempt
        is found lost."""
        try:
            self._patience(lambda: self._send(result))
        except Exception as error:
            self._save_log(result)
            if isinstance(error, Unavailable):
                raise
            why = str(error) if isinstance(error, OrchestratorError) else unexpected_error(error)
            self._send(_without_what_was_refused(result, why))

    def _save_log(self, result: Result) -> None:
        """Store the log that would have travelled in the result."""
        if result.log:
            try:
                self._runs.put(result.attempt.log_chunk_key(0), result.log.encode())
            except Exception as error:
                log.warning("the log could not be stored: %s", unexpected_error(error))

    def _billed(self, result: Result, seconds: float) -> Result:
        """Add what Lambda or Fargate bills, as far as it can be known from inside."""
        if self._fargate_size is not None:
            memory_mb, vcpu = self._fargate_size
            ms = max(math.ceil(seconds * 1000), FARGATE_LEAST_MS)
            return replace(result, billed_ms=ms, memory_mb=memory_mb, vcpu=vcpu)
        if self._memory_mb is None:
            return result
        return replace(result, billed_ms=math.ceil(seconds * 1000), memory_mb=self._memory_mb)

    def _send(self, report: Heartbeat | Result | NotificationResult) -> None:
        self._results.send([OutgoingMessage(report.encode())])

    def _timestamp(self) -> float:
        return self._now().timestamp()


def _without_what_was_refused(result: Result, why: str) -> Result:
    """Drop the log and the outputs: what a queue refuses is what the command wrote."""
    return replace(
        result,
        outcome=Outcome.FAILED,
        log=None,
        outputs={},
        artifacts=[],
        reason=f"its result could not be sent: {why}"[:_REASON_LENGTH],
    )
