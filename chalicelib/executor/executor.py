"""The life of one attempt, from the task message to the result.

The order is the guarantee. The claim comes before everything that can be seen, so a message that is
delivered twice starts nothing twice; the log is complete before the result says so; and the result
is sent before the message is acknowledged, so what dies in between is delivered again and
told apart by the claim.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping

from chalicelib.errors import OrchestratorError, Unavailable
from chalicelib.executor import claims
from chalicelib.executor.environment import Workspace, find_shell, workspace
from chalicelib.executor.log_lines import LineMaker
from chalicelib.executor.log_store import LogStore
from chalicelib.executor.process import CannotStart, Command, Running, start
from chalicelib.executor.reasons import TimeLimit, outcome_of, reason_for, time_limit
from chalicelib.executor.supervisor import Ending, Pulse, Supervisor
from chalicelib.messages import Attempt, Heartbeat, Result, TaskMessage
from chalicelib.ports import Bucket, Clock, OutgoingMessage, Queue

log = logging.getLogger("orchestrator.executor")

MARGIN = 15.0
"""Seconds kept of the time that is left: SIGTERM's grace, the log's last upload, the result."""
LEAST_TIME = 5.0
"""Seconds that a command must be able to have, or the message is left for another invocation."""
LONGEST_HOLD = 30.0
"""Seconds for which a claimed attempt may wait for its moment."""


class Executor:
    """Runs attempts; may be used by several threads at once.

    `environ` is all that commands see of their surroundings; `now` is the clock.
    """

    def __init__(
        self,
        runs: Bucket,
        results: Queue,
        heartbeat_seconds: float,
        environ: Mapping[str, str],
        now: Clock,
    ) -> None:
        self._runs = runs
        self._results = results
        self._heartbeat_seconds = heartbeat_seconds
        self._environ = dict(environ)
        self._now = now
        self._shell = find_shell(environ.get("PATH"))
        self._running = Running()

    def handle(self, body: str, *, time_left: Callable[[], float]) -> None:
        """Take one task message through its whole life; `time_left` answers in seconds.

        Return means that the message is done with. Raises BadMessage for what is none; Unavailable
        or another OrchestratorError where the queue should deliver it again.
        """
        message = TaskMessage.decode(body)
        self._refuse_what_cannot_run_now(message, time_left())
        holder = claims.take(self._runs, message.attempt, self._moment())
        if holder is not None:
            self._report_the_holder(message.attempt, holder)
            return
        self._wait_for(message.not_before)
        self._send(self._run(message, time_left))

    def stop(self) -> None:
        """Kill what runs, and run nothing more. What is killed reports nothing: to the scheduler it
        is lost, as if the machine had gone."""
        self._running.stop()

    def _refuse_what_cannot_run_now(self, message: TaskMessage, time_left: float) -> None:
        """Before the claim, because a claimed attempt is never given to another executor."""
        if self._running.stopped:
            raise Unavailable("this executor is being stopped")
        # A Lambda that waits is paid for; the queue waits for nothing.
        wait = max(0.0, (message.not_before or 0.0) - self._moment())
        if wait > LONGEST_HOLD:
            raise Unavailable(f"too early by {wait:.0f} s; the queue will deliver it again")
        if time_left - wait < MARGIN + LEAST_TIME:
            raise Unavailable(f"only {time_left:.0f} s are left to this invocation")

    def _report_the_holder(self, attempt: Attempt, holder: claims.Claim) -> None:
        """Its own reports may have died with it. The scheduler decides what that means."""
        log.info("claimed by the %s already", holder.by, extra=attempt.ids())
        if holder.by == "scheduler":
            self._send(Result(attempt, "cancelled", reason="cancelled before it began"))
        else:
            at = holder.claimed_at
            self._send(Heartbeat(attempt, started_at=at, at=at, claimed=True))

    def _wait_for(self, not_before: float | None) -> None:
        while not_before is not None and (wait := not_before - self._moment()) > 0:
            if self._running.wait(wait):
                break
        if self._running.stopped:
            raise Unavailable("this executor is being stopped")

    def _run(self, message: TaskMessage, time_left: Callable[[], float]) -> Result:
        store = LogStore(self._runs, message.attempt)
        with workspace(message.cwd) as place:
            started_at = self._moment()
            try:
                command = self._start(message, place)
            except CannotStart as error:
                return self._not_started(message.attempt, store, started_at, str(error))
            limit = time_limit(message.timeout, time_left() - MARGIN)
            begun = time.monotonic()
            ending = self._watch(command, message.attempt, store, limit, started_at)
        if command.stopped:
            raise Unavailable("the command was killed because this executor is being stopped")
        reason = _joined(reason_for(ending, limit), self._store_the_rest(store, message.attempt))
        return Result(
            message.attempt,
            outcome_of(ending),
            started_at=started_at,
            # Not the clock's second answer: it may have been set back meanwhile.
            ended_at=started_at + ending.ended - begun,
            exit_code=ending.exit.code,
            signal=ending.exit.signal,
            max_rss=ending.exit.max_rss,
            log_bytes=store.length,
            reason=reason,
        )

    def _start(self, message: TaskMessage, place: Workspace) -> Command:
        environ = place.environ(self._environ, message)
        command = start(self._shell, message.command, place.cwd, environ)
        self._running.add(command)
        return command

    def _watch(
        self,
        command: Command,
        attempt: Attempt,
        store: LogStore,
        limit: TimeLimit,
        started_at: float,
    ) -> Ending:
        pulse = Pulse(
            beat=lambda: self._beat(attempt, started_at),
            flush=lambda: self._flush(store, attempt),
            every=self._heartbeat_seconds,
        )
        return Supervisor(command, self._running, store, pulse, limit.seconds, self._now).watch()

    def _flush(self, store: LogStore, attempt: Attempt) -> None:
        _warn_of(store.flush, "the log cannot be stored for now", attempt)

    def _beat(self, attempt: Attempt, started_at: float) -> None:
        beat = Heartbeat(attempt, started_at=started_at, at=self._moment())
        _warn_of(lambda: self._send(beat), "a heartbeat could not be sent", attempt)

    def _not_started(
        self, attempt: Attempt, store: LogStore, started_at: float, reason: str
    ) -> Result:
        """The reason goes into the log too, where people look first."""
        store.write(LineMaker().feed(f"{reason}\n".encode(), self._now()))
        reason = _joined(reason, self._store_the_rest(store, attempt))
        return Result(
            attempt,
            "failed",
            started_at=started_at,
            ended_at=started_at,
            log_bytes=store.length,
            reason=reason,
        )

    def _store_the_rest(self, store: LogStore, attempt: Attempt) -> str:
        """Empty, or what to say of a log that is not stored: the result counts all the same."""
        stored = _warn_of(store.flush, "the log could not be stored", attempt)
        return "" if stored else "its log could not be stored whole"

    def _send(self, report: Heartbeat | Result) -> None:
        self._results.send([OutgoingMessage(report.encode())])

    def _moment(self) -> float:
        return self._now().timestamp()


def _warn_of(action: Callable[[], None], message: str, attempt: Attempt) -> bool:
    """Whether `action` succeeded; if it did not, that is logged and nothing more."""
    try:
        action()
    except OrchestratorError:
        log.warning(message, exc_info=True, extra=attempt.ids())
        return False
    return True


def _joined(*parts: str) -> str:
    return "; ".join(part for part in parts if part)
