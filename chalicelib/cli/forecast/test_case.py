"""Plays one case of a test file on the virtual clock, and compares what happened."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from chalicelib.cli.failure import USAGE, CliFailure, nearest
from chalicelib.cli.forecast.driver import create, play
from chalicelib.cli.forecast.test_file import Case, Mock
from chalicelib.cli.forecast.workload import SourceFile, upload
from chalicelib.dag.states import RUN_ENDED
from chalicelib.database.reads import history as reads
from chalicelib.database.reads import runs as run_reads
from chalicelib.database.reads import task_instances as task_reads
from chalicelib.database.reads.history import PastRun, PastTask
from chalicelib.enums import Outcome, RunType
from chalicelib.errors import OrchestratorError
from chalicelib.messages import TaskMessage
from chalicelib.scheduler.commands import dags as dag_commands
from chalicelib.scheduler.commands import pools as pool_commands
from chalicelib.scheduler.commands import runs as run_commands
from chalicelib.simulation.scripted_executor import ScriptedOutcome
from chalicelib.simulation.system import SimulatedSystem

BEGINS = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
"""A Monday, where a case names no date."""
LONGEST = timedelta(days=60)
WHEN_WAS_FALSE = "skipped: its `when` was false"
WHO = "orchestrator test"


@dataclass
class Played:
    """What happened in a case: `messages` are the task messages in the order in which commands
    began."""

    runs: list[PastRun]
    tasks: list[PastTask]
    messages: list[TaskMessage]
    notified: Sequence[Mapping[str, Any]]
    outputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def run(self) -> PastRun | None:
        return self.runs[0] if self.runs else None


class Mocks:
    """The script of a case. Remembers the messages."""

    def __init__(self, mocks: Mapping[str, Mock]) -> None:
        self._mocks = mocks
        self.messages: list[TaskMessage] = []

    def __call__(self, task: TaskMessage) -> ScriptedOutcome:
        self.messages.append(task)
        mock = self._mocks.get(task.attempt.task_id, Mock())
        if mock.is_skipped:
            return ScriptedOutcome(Outcome.SKIPPED, 0.0, None, reason=WHEN_WAS_FALSE)
        code = mock.exit_code_of(task.attempt.try_number)
        outputs = {name: _text(value) for name, value in mock.outputs.items()}
        promised = dict.fromkeys(task.outputs, "")
        return ScriptedOutcome.of_exit_code(
            code,
            seconds=mock.seconds,
            outputs={**promised, **outputs} if code == 0 else {},
            log=mock.log,
            reason="" if code == 0 else f"exit code {code}",
        )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def play_case(file: SourceFile, case: Case) -> Played:
    """Play the case. Raises OrchestratorError for a run that cannot be made, and CliFailure."""
    begins = case.begins or case.logical_date or BEGINS
    _check_names(file, case)
    mocks = Mocks(case.mocks)
    with tempfile.TemporaryDirectory(prefix="orchestrator-test-") as folder:
        system = create(Path(folder), mocks, begins)
        try:
            for name, slots in case.pools.items():
                pool_commands.put_pool(system.scheduler, name, int(slots), who=WHO)
            upload(system, file)
            if case.ends is not None:
                play(system, case.ends)
            else:
                _play_one(system, file, case)
            return _played(system, mocks)
        finally:
            system.close()


def _check_names(file: SourceFile, case: Case) -> None:
    """Raises CliFailure for a mock of no task: it would do nothing."""
    known = [task.id for task in file.dag.tasks]
    for name in case.mocks:
        if name not in known:
            raise CliFailure(
                f"case {case.name!r}: {file.path} has no task {name!r}{nearest(name, known)}", USAGE
            )


def _play_one(system: SimulatedSystem, file: SourceFile, case: Case) -> None:
    dag_commands.set_paused(system.scheduler, file.dag.dag_id, True, who=WHO)
    run_id, _ = run_commands.trigger_run(
        system.scheduler,
        file.dag.dag_id,
        who=WHO,
        logical_date=case.logical_date,
        params=case.params,
    )

    def has_ended() -> bool:
        with system.database.read() as tx:
            run = run_reads.run(tx, run_id)
        return run is not None and run.state in RUN_ENDED

    if play(system, system.clock() + LONGEST, has_ended):
        play(system, system.clock() + timedelta(minutes=1))  # for its notifications


def _played(system: SimulatedSystem, mocks: Mocks) -> Played:
    with system.database.read() as tx:
        runs, tasks = reads.all_runs(tx), reads.all_tasks(tx)
        outputs: dict[str, Mapping[str, Any]] = {}
        for task in tasks if runs else ():
            if task.run_key == runs[0].key and task.map_index < 0:
                row = task_reads.task_instance(tx, runs[0].run_id, task.task_id, -1, limit=1)
                outputs[task.task_id] = row[0].outputs if row else {}
    notified = [message.payload for message in system.executor.notified]
    return Played(runs, tasks, mocks.messages, notified, outputs)


def differences(case: Case, file: SourceFile, played: Played) -> list[str]:
    """How what happened differs from what the case expects, one line each."""
    return [line for key in case.expect for line in _CHECKS[key](case.expect[key], file, played)]


def _same(what: str, expected: Any, actual: Any) -> Iterator[str]:
    if expected != actual:
        yield f"{what}: expected {expected!r}, got {actual!r}"


def _states(played: Played, file: SourceFile) -> dict[str, str]:
    """The state of each task of the first run: of a mapped one, the states of its instances."""
    states: dict[str, list[str]] = {}
    for task in _of_first_run(played):
        states.setdefault(task.task_id, []).append(str(task.state))
    del file
    return {name: ", ".join(dict.fromkeys(found)) for name, found in states.items()}


def _of_first_run(played: Played) -> list[PastTask]:
    run = played.run
    return [task for task in played.tasks if run is not None and task.run_key == run.key]


def _check_state(expected: Any, _: SourceFile, played: Played) -> Iterator[str]:
    for run in played.runs:
        yield from _same(f"state of {run.run_id}", expected, str(run.state))
    if not played.runs:
        yield f"state: expected {expected!r}, but there was no run"


def _check_each(what: str, expected: Any, actual: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(expected, dict):
        yield f"{what}: expected a mapping of tasks"
        return
    for name, value in expected.items():
        if name not in actual:
            yield f"{what}: there is no task {name!r}"
        else:
            yield from _same(f"{what} of {name}", value, actual[name])


def _check_tasks(expected: Any, file: SourceFile, played: Played) -> Iterator[str]:
    yield from _check_each("state", expected, _states(played, file))


def _check_tries(expected: Any, _: SourceFile, played: Played) -> Iterator[str]:
    tries = {task.task_id: task.try_number for task in _of_first_run(played)}
    yield from _check_each("tries", expected, tries)


def _check_reasons(expected: Any, _: SourceFile, played: Played) -> Iterator[str]:
    reasons = {task.task_id: task.reason for task in _of_first_run(played)}
    for name, text in expected.items():
        if text not in reasons.get(name, ""):
            yield f"reason of {name}: expected {text!r} in {reasons.get(name, '')!r}"


def _check_order(expected: Any, _: SourceFile, played: Played) -> Iterator[str]:
    """The tasks begin in this order; others may begin in between."""
    begun = list(dict.fromkeys(message.attempt.task_id for message in played.messages))
    yield from _same("order", list(expected), [name for name in begun if name in expected])


def _check_commands(expected: Any, _: SourceFile, played: Played) -> Iterator[str]:
    commands = {message.attempt.task_id: message.command for message in played.messages}
    yield from _check_each("command", expected, commands)


def _check_outputs(expected: Any, _: SourceFile, played: Played) -> Iterator[str]:
    for name, values in expected.items():
        actual = played.outputs.get(name, {})
        for output, value in values.items():
            yield from _same(f"output {output} of {name}", _text(value), actual.get(output))


def _check_notifications(expected: Any, _: SourceFile, played: Played) -> Iterator[str]:
    sent = [f"{row.get('task_id') or 'run'}: {row.get('event')}" for row in played.notified]
    yield from _same("notifications", list(expected), sent)


def _check_ends_at(expected: Any, file: SourceFile, played: Played) -> Iterator[str]:
    run = played.run
    actual = run.ended_at if run is not None else None
    wanted = _time(expected, file)
    if actual is None or abs((actual - wanted).total_seconds()) >= 1:
        yield f"ends_at: expected {wanted.isoformat()}, got {actual and actual.isoformat()}"


def _check_duration(expected: Any, _: SourceFile, played: Played) -> Iterator[str]:
    from chalicelib.dag.schedule.durations import parse_duration

    run = played.run
    if run is None or run.started_at is None or run.ended_at is None:
        yield f"duration: expected {expected}, but the run has not ended"
        return
    seconds = (run.ended_at - run.started_at).total_seconds()
    if abs(seconds - parse_duration(str(expected))) >= 1:
        yield f"duration: expected {expected}, got {seconds:g} s"


def _check_fire_times(expected: Any, file: SourceFile, played: Played) -> Iterator[str]:
    run_dates = [run.logical_date for run in played.runs if run.run_type is RunType.SCHEDULED]
    wanted = [_time(text, file) for text in expected]
    if run_dates != wanted:
        shown = [time.isoformat() for time in run_dates]
        yield f"fire_times: expected {[time.isoformat() for time in wanted]}, got {shown}"


def _check_runs(expected: Any, _: SourceFile, played: Played) -> Iterator[str]:
    yield from _same("runs", expected, len(played.runs))


def _time(value: Any, file: SourceFile) -> datetime:
    from chalicelib.cli import times

    text = value.isoformat() if hasattr(value, "isoformat") else str(value)
    return times.parse(times.instant(text, file.dag.timezone)).astimezone(UTC)


_CHECKS = {
    "state": _check_state,
    "tasks": _check_tasks,
    "order": _check_order,
    "commands": _check_commands,
    "outputs": _check_outputs,
    "reasons": _check_reasons,
    "tries": _check_tries,
    "notifications": _check_notifications,
    "ends_at": _check_ends_at,
    "duration": _check_duration,
    "fire_times": _check_fire_times,
    "runs": _check_runs,
}


def run_case(file: SourceFile, case: Case) -> list[str]:
    """Play and compare. Returns the differences; none if the case passes."""
    try:
        return differences(case, file, play_case(file, case))
    except OrchestratorError as error:
        return [f"the run could not be made: {error.message}"]
