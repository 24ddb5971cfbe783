"""Runs one DAG to its end in this process: the real scheduler and the real executor on a throwaway
database, with queues and bucket in memory.

The main thread schedules: it applies reports and ticks. Worker threads run commands. Nothing
survives the process, so a killed run leaves nothing behind but what its commands did.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from chalicelib import config
from chalicelib.cli.failure import USAGE, CliFailure
from chalicelib.cli.local_run.log_tap import LogTap, OnLine
from chalicelib.dag.model import Dag
from chalicelib.dag.states import RUN_ENDED, TASK_ENDED, TaskState
from chalicelib.database import Database
from chalicelib.database.reads import runs as run_reads
from chalicelib.database.reads import task_instances as task_reads
from chalicelib.database.reads.run_values import RunWithParams, TaskInstance
from chalicelib.enums import Outcome
from chalicelib.errors import InvalidRequest, OrchestratorError
from chalicelib.executor import Executor
from chalicelib.local.folder_bucket import FolderBucket
from chalicelib.messages import Result, TaskMessage, decode_report, decode_task
from chalicelib.places import for_each_place, installed
from chalicelib.ports import Bucket, OutgoingMessage, ReceivedMessage
from chalicelib.scheduler import registration, results, shared_defaults
from chalicelib.scheduler.commands import dags as dag_commands
from chalicelib.scheduler.commands import runs as run_commands
from chalicelib.scheduler.context import SchedulerContext
from chalicelib.scheduler.tick import tick
from chalicelib.simulation.memory_bucket import MemoryBucket
from chalicelib.simulation.memory_claims import MemoryClaims
from chalicelib.simulation.memory_queue import MemoryQueue
from chalicelib.simulation.throwaway_database import throwaway_database
from chalicelib.utils.time import utc_now

WHO = "orchestrator run"
TICK_SECONDS = 0.5
VISIBILITY = 7 * 86_400.0
"""Seconds: nobody else takes a message, so it never needs to appear again."""
LONGEST_COMMAND = 7 * 86_400.0
MOST_TASKS = 10_000
INHERITED = ("PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "USER")


_IMAGES = f"{config.PREFIX}IMAGES"
"""The one setting of an installation that counts here: what runs a task's image."""


def _settings() -> config.Settings:
    """Return the settings of a throwaway installation. Raises CliFailure."""
    try:
        return config.load({k: v for k, v in os.environ.items() if k == _IMAGES})
    except config.BadSetting as error:
        raise CliFailure(str(error), USAGE) from error


@dataclass(frozen=True)
class RunPlan:
    """What to run, and how.

    Attributes:
        mocks: Commands that replace those of these tasks.
        skipped: Tasks whose command is not run; they count as successful.
        selected: If not None, the only tasks that run; all others are treated as `skipped`.
        is_fast: Waits between retries and between two pokes of a sensor are passed over.
        parallelism: Maximum number of commands that run at the same time.
    """

    params: Mapping[str, Any] = field(default_factory=dict)
    logical_date: datetime | None = None
    mocks: Mapping[str, str] = field(default_factory=dict)
    skipped: Collection[str] = ()
    selected: Collection[str] | None = None
    is_fast: bool = False
    parallelism: int = 8

    def command_of(self, task_id: str) -> str | None:
        """What replaces the task's command; None if nothing does, an empty text for no command."""
        if task_id in self.mocks:
            return self.mocks[task_id]
        is_left_out = self.selected is not None and task_id not in self.selected
        return "" if is_left_out or task_id in self.skipped else None


class Clock:
    """The present time, and whatever was passed over."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self._ahead

    def pass_over(self, seconds: float) -> None:
        self._ahead += timedelta(seconds=max(0.0, seconds))


class EnvironmentSecrets:
    """Secrets come from this process's environment: `NAME: ssm:/path` is its variable NAME."""

    def __init__(self, dag: Dag) -> None:
        self._names = {reference: name for name, reference in dag.secrets.items()}

    def get(self, reference: str) -> str:
        name = reference.removeprefix("env:") if reference.startswith("env:") else None
        name = name or self._names[reference]
        if name not in os.environ:
            raise InvalidRequest(f"set the environment variable {name}: it stands for {reference}")
        return os.environ[name]


class LocalRun:
    """One run of `dag`, whose file is an object of `dags`. `on_line` is called with each line that
    a command writes, from any thread. `home` must be empty; it holds the database and, with
    `is_kept`, all that the run leaves. `shared` are shared defaults by key."""

    def __init__(
        self,
        dag: Dag,
        dags: Bucket,
        key: str,
        home: Path,
        plan: RunPlan,
        on_line: OnLine,
        *,
        is_kept: bool = False,
        shared: Mapping[str, str] | None = None,
    ) -> None:
        self.dag, self.plan = dag, plan
        self._key = key
        self._shared = shared or {}
        self.now = Clock()
        self._arrived = threading.Condition()
        self._stopping = threading.Event()
        self._busy = 0
        self._begun: set[tuple[str, int, int]] = set()
        self._tasks = self._queue()
        self._results = self._queue()
        kept: Bucket = FolderBucket(home / "runs") if is_kept else MemoryBucket()
        self._runs = LogTap(kept, on_line)
        self.database = _database(home / "database" / "orchestrator.db")
        self._claims = MemoryClaims()
        self.scheduler = self._scheduler(dags)
        self._executor = self._make_executor()
        self.run_id = ""

    def _queue(self) -> MemoryQueue:
        return MemoryQueue(self.now, visibility=VISIBILITY, on_visible=self._wake)

    def _wake(self, _: object) -> None:
        with self._arrived:
            self._arrived.notify_all()

    def _scheduler(self, dags: Bucket) -> SchedulerContext:
        settings = replace(
            _settings(),
            fargate="yes",
            worker_queues=config.ANY_QUEUE,
            reconcile_seconds=86_400,
        )
        return SchedulerContext(
            database=self.database,
            task_queues=for_each_place(installed(settings), lambda _: self._tasks),
            results=self._results,
            dead_letters=self._queue(),
            dags=dags,
            runs=self._runs,
            claims=self._claims,
            settings=settings,
            now=self.now,
        )

    def _make_executor(self) -> Executor:
        visible = {name: text for name, text in os.environ.items() if name in INHERITED}
        return Executor(
            runs=self._runs,
            claims=self._claims,
            results=self._results,
            heartbeat_seconds=2.0,
            environ=visible,
            now=self.now,
            secrets=EnvironmentSecrets(self.dag),
            allow_private=True,
            ignores_images=self.scheduler.settings.images == "host",
        )

    def start(self) -> str:
        """Register the file, paused, and create the run. Returns its id. Raises
        OrchestratorError."""
        shared_defaults.seed(self.scheduler, self._shared)
        registration.register(self.scheduler, [self._key])
        dag_commands.set_paused(self.scheduler, self.dag.dag_id, True, who=WHO)
        if any(task.trigger_dag_id for task in self.dag.tasks):
            tick(self.scheduler)  # registers the folder's other DAGs before a task triggers them
        self.run_id, _ = run_commands.trigger_run(
            self.scheduler,
            self.dag.dag_id,
            who=WHO,
            logical_date=self.plan.logical_date,
            params=self.plan.params,
        )
        for number in range(self.plan.parallelism):
            threading.Thread(target=self._work, name=f"worker-{number}", daemon=True).start()
        return self.run_id

    def step(self) -> bool:
        """Apply what has arrived, or wait for it a moment. Returns whether the run goes on."""
        batch = self._results.receive(10)
        if batch:
            self._apply(batch)
        else:
            tick(self.scheduler)
            if not (self.plan.is_fast and self._pass_over_waits()):
                self._wait()
        return self.run().state not in RUN_ENDED

    def _apply(self, batch: list[ReceivedMessage]) -> None:
        while more := self._results.receive(10):
            batch += more
        for message in batch:
            self._print_short_log(message.body)
        results.apply(self.scheduler, [message.body for message in batch])
        self._results.delete(batch)

    def _print_short_log(self, body: str) -> None:
        """Print a log that travels in the result. All others come by way of the bucket."""
        report = decode_report(body)
        if isinstance(report, Result):
            self._runs.end(report.attempt, report.log or "")

    def _wait(self) -> None:
        with self._arrived:
            if not self._results.depth().visible:
                self._arrived.wait(TICK_SECONDS)

    def _pass_over_waits(self) -> bool:
        """Move the clock to the next time at which something is due, if nothing runs until then.
        Returns whether it was moved."""
        if self._busy or self._tasks.depth().visible or self._results.depth().visible:
            return False
        due = [row.not_before for row in self.tasks() if row.state not in TASK_ENDED]
        times = [time for time in due if time is not None and time > self.now()]
        if times:
            self.now.pass_over((min(times) - self.now()).total_seconds())
        return bool(times)

    def cancel(self) -> None:
        """Cancel the run, as the page would."""
        run_commands.cancel_run(self.scheduler, self.run_id, who=WHO)

    def close(self) -> None:
        """Kill what still runs, and close the database."""
        self._stopping.set()
        self._executor.stop()
        self._wake(None)
        self.database.close()

    def run(self) -> RunWithParams:
        with self.database.read() as tx:
            run = run_reads.detail(tx, self.run_id)
        if run is None:
            raise LookupError(self.run_id)
        return run

    def tasks(self) -> list[TaskInstance]:
        """The task instances in the order of the DAG. What a worker has begun is running, although
        an executor says so only after some seconds."""
        with self.database.read() as tx:
            rows = task_reads.of_run(tx, self.run_id, limit=MOST_TASKS).items
        return [
            replace(row, state=TaskState.RUNNING)
            if row.state is TaskState.QUEUED and _name(row) in self._begun
            else row
            for row in rows
        ]

    def _work(self) -> None:
        """A worker: run one command after the other."""
        while not self._stopping.is_set():
            batch = self._tasks.receive(1)
            if not batch:
                with self._arrived:
                    if not self._tasks.depth().visible:
                        self._arrived.wait(TICK_SECONDS)
                continue
            self._count(+1)
            try:
                self._execute(batch[0])
            finally:
                self._tasks.delete(batch)
                self._count(-1)

    def _count(self, change: int) -> None:
        with self._arrived:
            self._busy += change

    def _execute(self, received: ReceivedMessage) -> None:
        message = decode_task(received.body)
        if not isinstance(message, TaskMessage):
            return  # nobody is notified of a run that only its author sees
        command = self.plan.command_of(message.attempt.task_id)
        if command == "":
            self._report_success(message)
            return
        if command is not None:
            message = replace(message, command=command, when=None)
        attempt = message.attempt
        self._runs.begin(attempt)
        self._begun.add((attempt.task_id, attempt.map_index, attempt.try_number))
        self._wake(None)
        try:
            self._executor.handle(message.encode(), time_left=lambda: LONGEST_COMMAND)
        except OrchestratorError as error:
            now = self.now().timestamp()
            failed = Result(message.attempt, Outcome.FAILED, now, now, reason=str(error))
            self._results.send([OutgoingMessage(failed.encode())])

    def _report_success(self, message: TaskMessage) -> None:
        now = self.now().timestamp()
        done = Result(
            message.attempt,
            Outcome.SUCCESS,
            started_at=now,
            ended_at=now,
            exit_code=0,
            reason="not run: left out",
        )
        self._results.send([OutgoingMessage(done.encode())])


def _name(row: TaskInstance) -> tuple[str, int, int]:
    return row.task_id, row.map_index, row.try_number


def _database(path: Path) -> Database:
    database = throwaway_database(path)
    database.create_if_missing()
    return database
