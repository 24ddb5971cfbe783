"""The watch over one running command: its output, its end, its limits, its heartbeats.

One loop in the calling thread sleeps in `poll` until there is output, the command ends or the next
moment comes, so a short command costs no thread and its end is noticed at once.
"""

from __future__ import annotations

import math
import os
import select
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from chalicelib.enums import Outcome
from chalicelib.executor.background import Background
from chalicelib.executor.cancellation import FIRST_LOOK, NEXT_LOOK, Cancellation
from chalicelib.executor.memory import MemoryProbe
from chalicelib.executor.process import Command, Exit, RunningCommands
from chalicelib.executor.unexpected_errors import unexpected_error

READ_BYTES = 64 * 1024

FIRST_HEARTBEAT = 2.0
"""Seconds before the first heartbeat. Each one costs money, and short commands are over by then."""
TERM_GRACE = 5.0
"""Seconds between SIGTERM and SIGKILL."""
LEFTOVER_GRACE = 0.5
"""Seconds for which output is still read when the command has ended but a child holds the pipe."""
LAST_WORDS = 0.2
"""Seconds to read what was written before SIGKILL."""
GROUP_STEP = 0.05
"""Seconds between two looks whether a group is gone, which nothing tells."""
NO_PIDFD_STEP = 0.02
BUSY_STEP = 0.1
"""Seconds between two looks whether a job in the background is done."""
LONGEST_SLEEP = 3600.0


Stop = Literal[Outcome.TIMEOUT, Outcome.CANCELLED]


@dataclass(frozen=True, slots=True)
class Ending:
    """`ended` is a time of the supervisor's clock; `stop` why it was stopped, None if it ended by
    itself; `killed`: it did not heed SIGTERM."""

    exit: Exit
    ended: float
    stop: Stop | None = None
    killed: bool = False


class Sink(Protocol):
    """Receives the output. Times are those of the supervisor's clock."""

    def feed(self, data: bytes) -> None:
        """What has just arrived."""

    def finish(self) -> None:
        """End the output: the command writes nothing more."""

    def flush_at(self, now: float) -> float:
        """Return when to flush next; infinite while there is nothing to flush."""

    def flushed(self, now: float) -> None:
        """A flush begins."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """`beat` says that the command runs, `every` so many seconds; `flush` stores its output. Both
    handle their own errors. Without a `cancellation` nobody can cancel it."""

    beat: Callable[[], None]
    flush: Callable[[], None]
    every: float
    cancellation: Cancellation | None = None


class Supervisor:
    """Watches `command` until it and its group have ended, or stops it at `term_at`, a time of
    `clock`, which counts seconds."""

    def __init__(
        self,
        command: Command,
        running: RunningCommands,
        sink: Sink,
        pulse: Pulse,
        term_at: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._command = command
        self._running = running
        self._sink = sink
        self._pulse = pulse
        self._background = Background()
        self._clock = clock
        started = clock()
        self._probe = MemoryProbe(command.pid, started)
        self._beat_at = started + min(FIRST_HEARTBEAT, pulse.every)
        self._look_at = started + FIRST_LOOK if pulse.cancellation else math.inf
        self._term_at = term_at
        self._kill_at = math.inf
        self._stop: Stop | None = None
        self._killed = False
        self._exited = self._drained = False
        self._exit: Exit | None = None
        self._poll = select.poll()
        self._pidfd = _pidfd_of(command)

    def watch(self) -> Ending:
        """Returns when nothing of the command is left but what left its session, its output
        is in the sink (not all flushed yet), and no heartbeat will come any more."""
        try:
            self._poll.register(self._command.output, select.POLLIN)
            if self._pidfd >= 0:
                self._poll.register(self._pidfd, select.POLLIN)
            self._until(lambda: self._exited)
            ended = self._clock()
            exit_ = self._end_politely() if self._stop else self._end_leftovers()
            self._until(lambda: self._drained, self._clock() + LAST_WORDS)
            self._sink.finish()
            return Ending(exit_, ended, self._stop, self._killed)
        finally:
            self._close()

    def _end_leftovers(self) -> Exit:
        """Kill what the command left running when it ended."""
        self._until(lambda: self._drained, self._clock() + LEFTOVER_GRACE)
        self._command.signal_group(signal.SIGKILL)
        return self._reap()

    def _end_politely(self) -> Exit:
        """The command has ended by SIGTERM; its children have the rest of the grace to do so."""
        exit_ = self._reap()
        while not self._command.group_is_gone():
            now = self._clock()
            if self._killed or now >= self._kill_at:
                self._command.signal_group(signal.SIGKILL)
                break
            self._until(lambda: False, min(now + GROUP_STEP, self._kill_at))
        return exit_

    def _reap(self) -> Exit:
        self._running.remove(self._command)
        self._exit = self._command.reap(self._probe.peak)
        return self._exit

    def _kill(self) -> None:
        self._killed = True
        self._command.signal_group(signal.SIGKILL)

    def _close(self) -> None:
        if self._exit is None:  # an error of our own: leave nothing behind
            self._command.signal_group(signal.SIGKILL)
            self._reap()
        self._command.close()
        if self._pidfd >= 0:
            os.close(self._pidfd)
        self._background.finish()

    def _until(self, so: Callable[[], bool], deadline: float = math.inf) -> None:
        """Do what comes up until `so`, or the deadline."""
        while not so():
            now = self._clock()
            if now >= deadline:
                return
            self._keep_time(now)
            self._wait(min(deadline, self._next_moment(now)) - now)

    def _next_moment(self, now: float) -> float:
        moments = [self._beat_at, self._flush_at(now), self._term_at, now + LONGEST_SLEEP]
        if not self._exited:
            moments += [self._probe.due_at, self._look_again_at(now)]
        if not self._exited and not self._killed:
            moments.append(self._kill_at)
        if not self._exited and self._pidfd < 0:
            moments.append(now + NO_PIDFD_STEP)
        return min(moments)

    def _flush_at(self, now: float) -> float:
        if self._background.is_busy_with(self._pulse.flush):
            return now + BUSY_STEP
        return self._sink.flush_at(now)

    def _look_again_at(self, now: float) -> float:
        asked = self._pulse.cancellation
        if asked is None or self._stop is not None:
            return math.inf
        if self._background.is_busy_with(asked.look):
            return now + BUSY_STEP
        return now if asked.asked else self._look_at

    def _wait(self, seconds: float) -> None:
        # Rounded up: woken a fraction early, the loop would spin until the moment comes.
        ready = {fd for fd, _ in self._poll.poll(max(0, math.ceil(seconds * 1000)))}
        if self._command.output in ready:
            self._read()
        if self._pidfd in ready or (self._pidfd < 0 and not self._exited):
            self._notice_exit()

    def _read(self) -> None:
        data = os.read(self._command.output, READ_BYTES)
        if data:
            self._sink.feed(data)
        else:
            self._drained = True
            self._poll.unregister(self._command.output)

    def _notice_exit(self) -> None:
        self._exited = self._command.has_exited()
        if self._exited:
            self._term_at = self._beat_at = self._look_at = math.inf
            if self._pidfd >= 0:
                self._poll.unregister(self._pidfd)

    def _keep_time(self, now: float) -> None:
        if now >= self._term_at:
            self._stop_it(Outcome.TIMEOUT, now)
        if now >= self._kill_at and not self._exited and not self._killed:
            self._kill()
        if now >= self._beat_at:
            self._beat_at = now + self._pulse.every
            self._background.submit(self._pulse.beat)
        if not self._exited:
            self._look_around(now)
        if now >= self._flush_at(now):
            self._sink.flushed(now)
            self._background.submit(self._pulse.flush)

    def _look_around(self, now: float) -> None:
        """Whether it is to be cancelled, and how much memory it uses."""
        asked = self._pulse.cancellation
        if asked is not None and asked.asked and self._stop is None:
            self._stop_it(Outcome.CANCELLED, now)
        elif asked is not None and now >= self._look_at:
            self._look_at = now + NEXT_LOOK
            self._background.submit(asked.look)
        if now >= self._probe.due_at:
            self._measure(now)

    def _measure(self, now: float) -> None:
        try:
            self._probe.look(now)
        except Exception as error:
            # A command need not end because its memory cannot be measured.
            unexpected_error(error)

    def _stop_it(self, why: Stop, now: float) -> None:
        self._stop, self._kill_at = why, now + TERM_GRACE
        self._term_at = self._look_at = math.inf
        self._command.signal_group(signal.SIGTERM)


def watch(
    command: Command,
    running: RunningCommands,
    sink: Sink,
    pulse: Pulse,
    term_at: float,
    clock: Callable[[], float] = time.monotonic,
) -> Ending:
    """Watch a command that has just been started, as `Supervisor`. Where that fails, it is killed:
    nothing runs that nobody watches."""
    try:
        running.add(command)
        supervisor = Supervisor(command, running, sink, pulse, term_at, clock)
    except BaseException:
        running.remove(command)
        command.discard()
        raise
    return supervisor.watch()


def _pidfd_of(command: Command) -> int:
    """A file that becomes readable when the command ends; -1 where the system has no such thing."""
    try:
        return os.pidfd_open(command.pid)
    except (AttributeError, OSError):
        return -1
