"""A claimed attempt, from its first process to its result: `when`, the command, the outputs, the
log."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from chalicelib.enums import Outcome
from chalicelib.errors import OrchestratorError
from chalicelib.executor import outputs
from chalicelib.executor.attempt_log import AttemptLog
from chalicelib.executor.cancellation import Cancellation
from chalicelib.executor.cause_line import cause_line
from chalicelib.executor.cleanup import Cleaner
from chalicelib.executor.command_env import CommandEnv
from chalicelib.executor.invocation import invocation_of
from chalicelib.executor.log_store import LogStore
from chalicelib.executor.masking import Mask
from chalicelib.executor.outcome import (
    WHEN_SAYS_NO,
    TimeLimit,
    Verdict,
    time_limit,
    verdict_of,
    verdict_of_interrupted_storing,
    verdict_of_interruption,
    verdict_of_when,
)
from chalicelib.executor.patience import Patience, no_patience
from chalicelib.executor.process import (
    Command,
    ExecutorStopped,
    Exit,
    RunningCommands,
    start,
)
from chalicelib.executor.shell_syntax import SYNTAX_ERROR, is_refused
from chalicelib.executor.supervisor import Ending, Pulse, watch
from chalicelib.executor.unexpected_errors import unexpected_error
from chalicelib.executor.workspace import CannotStart, Shell, Workspace, workspace
from chalicelib.messages import Heartbeat, Result, TaskMessage
from chalicelib.ports import Bucket, Claims, Clock

if TYPE_CHECKING:
    from chalicelib.executor.containers import RemoteCommand, RunsCommandsBy
    from chalicelib.executor.materials.preparation import MaterialStore, Prepared

log = logging.getLogger("orchestrator.executor")


@dataclass(frozen=True, slots=True)
class ExecutorContext:
    """What all attempts of one executor share; `send` raises OrchestratorError. `clock` measures
    how long something takes, in seconds. `ignores_images`: a command runs on this machine although
    its task names an image, and its log says so. `runs_commands_by`: what runs every command
    elsewhere."""

    runs: Bucket
    claims: Claims
    running: RunningCommands
    shell: Shell
    cleaner: Cleaner
    heartbeat_seconds: float
    now: Clock
    send: Callable[[Heartbeat | Result], None]
    materials: Callable[[], MaterialStore]
    clock: Callable[[], float] = time.monotonic
    patience: Patience = no_patience
    ignores_images: bool = False
    runs_commands_by: RunsCommandsBy | None = None

    def timestamp(self) -> float:
        return self.now().timestamp()


class ClaimedAttempt:
    """A claimed attempt: run it once, refuse it, or give it up."""

    def __init__(self, context: ExecutorContext, message: TaskMessage) -> None:
        self._context = context
        self._message = message
        self._attempt = message.attempt
        self._store = LogStore(context.runs, message.attempt)
        self._cancellation = Cancellation(context.claims, message.attempt)
        self._started_at = context.timestamp()
        self._begun = self._ended = context.clock()
        self._prepared: Prepared | None = None

    def prepare(self, timeout: float | None, time_left: float, mask: Mask) -> Result | None:
        """Put what the task brings along in place. The attempt's time begins now or at its start
        time, whichever is later. Returns a result if the attempt ends here. Raises CannotStart, or
        ExecutorStopped."""
        if not self._message.materials:
            return None
        from chalicelib.executor.materials.watch import Interrupted

        self._begin(self._message.not_before)
        limit = self.limit(timeout, time_left)
        until = self._begun + limit.seconds
        try:
            store = self._context.materials()
            self._prepared = store.prepare(self._message.materials, self._pulse(), until)
        except Interrupted as interrupted:
            self._ended = max(self._begun, self._context.clock())
            verdict = verdict_of_interruption(interrupted.stop, limit)
            AttemptLog(self._store, mask, self._context.now).note(verdict.reason)
            return self._result(verdict, mask)
        return None

    def limit(self, timeout: float | None, time_left: float) -> TimeLimit:
        """The attempt's time limit, counted from its beginning; `time_left` to this executor, in
        seconds from now."""
        spent = self._context.clock() - self._begun if self._message.materials else 0.0
        return time_limit(timeout, spent + time_left)

    def discard(self) -> None:
        """Have what was put in place removed."""
        if self._prepared is not None:
            self._context.cleaner.later(self._prepared.root)

    def _begin(self, not_before: float | None = None) -> None:
        """Begin the attempt's time, now or at `not_before`, in seconds since the epoch."""
        now = self._context.timestamp()
        self._started_at = max(now, not_before or now)
        self._begun = self._ended = self._context.clock() + self._started_at - now

    def run(self, command_env: CommandEnv, limit: TimeLimit) -> Result:
        """Raises ExecutorStopped, and then nothing is reported."""
        if self._prepared is None:
            self._begin()
        attempt_log = AttemptLog(self._store, command_env.mask, self._context.now)
        try:
            with self._workspace() as place:
                self._note_ignored_image(attempt_log)
                verdict = self._decide(command_env, place, attempt_log, limit)
        except CannotStart as error:
            return self.refused(error, command_env.mask)
        except _Interrupted as interrupted:
            verdict = Verdict(Outcome.LOST, _WORKER_STOPPED, interrupted.exit)
        return self._result(verdict, command_env.mask, attempt_log.gap)

    def interrupted(self) -> Result:
        """The result of an attempt whose executor was told to end before the command began."""
        return self._result(Verdict(Outcome.LOST, _WORKER_STOPPED), Mask())

    def refused(self, error: CannotStart, mask: Mask | None = None) -> Result:
        """The result of an attempt whose command cannot be started. The reason goes into the log
        too, where people look first."""
        mask = mask or Mask()
        AttemptLog(self._store, mask, self._context.now).note(str(error))
        result = self._result(Verdict(Outcome.FAILED, str(error)), mask)
        return replace(result, is_transient=error.is_transient, is_permanent=error.is_permanent)

    def given_up(self, error: Exception) -> Result:
        """The result of an attempt that ended with an unexpected error."""
        reason = unexpected_error(error)
        try:
            return self.refused(CannotStart(reason))
        except Exception:  # what failed may be needed for this, too
            ended_at = self._started_at + self._ended - self._begun
            return Result(
                self._attempt,
                Outcome.FAILED,
                started_at=self._started_at,
                ended_at=ended_at,
                reason=reason,
            )

    def _cwd(self) -> str | None:
        wanted = self._message.cwd
        return self._prepared.cwd(wanted) if self._prepared else wanted

    def _pulse(self) -> Pulse:
        return Pulse(self._beat, self._flush, self._context.heartbeat_seconds, self._cancellation)

    def _decide(
        self, command_env: CommandEnv, place: Workspace, attempt_log: AttemptLog, limit: TimeLimit
    ) -> Verdict:
        environ = place.environ(command_env.environ)
        if self._prepared is not None:
            environ = self._prepared.environ_of(environ)

        def end_of(text: str) -> Ending:
            return self._watch(text, place, environ, attempt_log, limit)

        if self._message.when is not None:
            verdict = verdict_of_when(self._answer(end_of, self._message.when), limit)
            if verdict is not None:
                return verdict
        ending = end_of(self._message.command)
        verdict = verdict_of(ending, limit, self._message.skip_exit_codes)
        if verdict.outcome != Outcome.SUCCESS:
            return verdict
        verdict = self._with_outputs(verdict, place, command_env.mask, attempt_log)
        if not self._message.artifacts or verdict.outcome != Outcome.SUCCESS:
            return verdict
        return self._with_artifacts(verdict, place.cwd, attempt_log, limit)

    def _answer(self, end_of: Callable[[str], Ending], when: str) -> Ending:
        ending = end_of(when)
        if ending.exit.code == WHEN_SAYS_NO and is_refused(self._context.shell, when):
            return replace(ending, exit=replace(ending.exit, code=SYNTAX_ERROR))
        return ending

    def _watch(
        self,
        text: str,
        place: Workspace,
        environ: dict[str, str],
        attempt_log: AttemptLog,
        limit: TimeLimit,
    ) -> Ending:
        pulse = self._pulse()
        term_at = self._begun + limit.seconds  # `when` and the command share the time
        with self._started(text, place, environ) as (command, container):
            ending = watch(
                command, self._context.running, attempt_log, pulse, term_at, self._context.clock
            )
        if container is not None and ending.stop is None:
            container.require_created()
        if command.stopped:
            raise ExecutorStopped("the command was killed because this executor is being stopped")
        if command.interrupted:
            self._ended = ending.ended
            raise _Interrupted(ending.exit)
        self._ended = ending.ended
        if container is not None:  # the memory seen here is that of its client
            return replace(ending, exit=replace(ending.exit, max_rss=container.max_rss()))
        return ending

    def _workspace(self) -> AbstractContextManager[Workspace]:
        """A command's `cwd` is a folder of its image, if it runs in one."""
        cwd = self._cwd()
        is_inside = self._runs_image and self._prepared is None
        return workspace(None if is_inside else cwd, self._context.cleaner)

    @property
    def _runs_image(self) -> bool:
        if self._context.runs_commands_by is not None:
            return True
        return self._message.image is not None and not self._context.ignores_images

    def _note_ignored_image(self, attempt_log: AttemptLog) -> None:
        if self._message.image is not None and self._context.ignores_images:
            attempt_log.note(
                f"runs on this machine, without its image {self._message.image}"
                " (ORCHESTRATOR_IMAGES=host)"
            )

    @contextmanager
    def _started(
        self, text: str, place: Workspace, environ: dict[str, str]
    ) -> Iterator[tuple[Command, RemoteCommand | None]]:
        """Start the command, here or in a container of its image. Raises CannotStart."""
        if not self._runs_image:
            invocation = invocation_of(text, self._context.shell, place)
            yield start(invocation, place.cwd, environ), None
            return
        container = self._remote(place, environ)
        invocation = container.invocation(text, environ)
        try:
            environ = container.environ(environ, os.environ)
            yield start(invocation, place.home, environ), container
        finally:
            container.remove()

    def _remote(self, place: Workspace, environ: dict[str, str]) -> RemoteCommand:
        prepared = self._prepared
        root, tools = (prepared.root, prepared.tools) if prepared else (None, None)
        if self._context.runs_commands_by is not None:
            return self._context.runs_commands_by(self._message, place, root, tools)
        from chalicelib.executor.containers import Container, find_engine

        engine = find_engine(environ.get("PATH"))
        return Container(engine, self._message, place, (root,) if root else (), tools)

    def _with_outputs(
        self, verdict: Verdict, place: Workspace, mask: Mask, attempt_log: AttemptLog
    ) -> Verdict:
        try:
            written = outputs.collect(place.output, self._message.outputs, mask)
        except outputs.BadOutputs as error:
            reason = str(error)
        except Exception as error:
            reason = f"$DAG_OUTPUT could not be read: {unexpected_error(error)}"
        else:
            return replace(verdict, outputs=written)
        attempt_log.note(reason)
        return replace(verdict, outcome=Outcome.FAILED, reason=reason)

    def _with_artifacts(
        self, verdict: Verdict, cwd: str, attempt_log: AttemptLog, limit: TimeLimit
    ) -> Verdict:
        from chalicelib.executor.artifacts.sources import BadArtifact
        from chalicelib.executor.artifacts.storing import ArtifactStore
        from chalicelib.executor.materials.watch import Interrupted, Watch

        context = self._context
        watch = Watch(context.running, self._pulse(), context.clock)
        until = self._begun + limit.seconds  # shared with the command
        store = ArtifactStore(context.runs, self._attempt)
        try:
            stored = store.store(self._message.artifacts, cwd, watch, until)
            return replace(verdict, artifacts=stored)
        except Interrupted as interrupted:
            verdict = verdict_of_interrupted_storing(verdict, interrupted.stop, limit)
        except ExecutorStopped:
            raise
        except BadArtifact as error:
            verdict = replace(verdict, outcome=Outcome.FAILED, reason=str(error))
        except Exception as error:
            reason = f"its artifacts could not be stored: {unexpected_error(error)}"
            verdict = replace(verdict, outcome=Outcome.FAILED, reason=reason)
        finally:
            self._ended = context.clock()
        attempt_log.note(verdict.reason)
        return verdict

    def _result(self, verdict: Verdict, mask: Mask, gap: str = "") -> Result:
        short = self._store.whole(self._message.log_in_result)
        stored = short is not None or self._store_log()
        unstored = "" if stored else "its log could not be stored whole"
        return Result(
            self._attempt,
            verdict.outcome,
            started_at=self._started_at,
            # Not the clock's second answer: it may have been set back meanwhile.
            ended_at=self._started_at + self._ended - self._begun,
            exit_code=verdict.exit.code,
            signal=verdict.exit.signal,
            max_rss=verdict.exit.max_rss,
            log_bytes=self._store.length,
            log=None if short is None else short.decode("utf-8", "replace"),
            reason="; ".join(filter(None, [mask.hide(verdict.reason), gap, unstored])),
            cause=self._cause() if verdict.outcome == Outcome.FAILED else "",
            outputs=verdict.outputs,
            artifacts=verdict.artifacts,
        )

    def _cause(self) -> str:
        last = self._store.last
        return cause_line(last, is_whole=len(last) == self._store.length)

    def _store_log(self) -> bool:
        """Put what is not there yet into the bucket; whether that succeeded."""
        patience = self._context.patience
        return _warn_of(lambda: patience(self._store.flush), "the log could not be stored")

    def _flush(self) -> None:
        _warn_of(self._store.flush, "the log cannot be stored for now")

    def _beat(self) -> None:
        beat = Heartbeat(self._attempt, started_at=self._started_at, at=self._context.timestamp())
        _warn_of(lambda: self._context.send(beat), "a heartbeat could not be sent")


_WORKER_STOPPED = "its worker was stopped while it ran"


class _Interrupted(Exception):
    """The command was ended because its executor ends."""

    def __init__(self, exit_: Exit) -> None:
        super().__init__(_WORKER_STOPPED)
        self.exit = exit_


def _warn_of(action: Callable[[], None], message: str) -> bool:
    """Whether `action` succeeded; if it did not, that is logged and nothing more."""
    try:
        action()
    except OrchestratorError:
        log.warning(message, exc_info=True)
        return False
    except Exception as error:
        log.warning("%s: %s", message, unexpected_error(error))
        return False
    return True
