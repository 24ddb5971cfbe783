"""The scheduler on the virtual clock: exact, repeatable, and without waiting."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.enums import Outcome
from chalicelib.messages import TaskMessage
from chalicelib.scheduler.commands import runs
from chalicelib.simulation.scripted_executor import ScriptedOutcome
from chalicelib.simulation.system import SimulatedSystem

DAY_SECONDS = 24 * 3600

HOURLY = """
name: Hourly
schedule: "0 * * * *"
tasks:
  - {id: extract, command: x}
  - {id: load, command: x, dependencies: extract}
"""
PICKY = """
name: Picky
dag_id: picky
tasks:
  - {id: slow, command: x, execution_timeout: 5}
  - {id: absent, command: x, skip_on_exit_code: 99}
  - {id: broken, command: x}
"""


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    yield tmp_path / "one", tmp_path / "two"


def states(system: SimulatedSystem) -> dict[str, tuple[str, str]]:
    with system.database.read() as tx:
        rows = tx.all("SELECT task_id, state, reason FROM task_instances", ())
    return {row[0]: (row[1], row[2]) for row in rows}


def test_a_day_of_schedules_happens_on_time(tmp_path: Path) -> None:
    system = SimulatedSystem(tmp_path)
    system.upload(HOURLY)
    system.play(DAY_SECONDS)
    starts = [at for at, task in system.executor.started if task.attempt.task_id == "extract"]
    system.close()
    assert len(starts) == 24
    assert {(at.minute, at.second, at.microsecond) for at in starts} == {(0, 0, 0)}


def test_the_same_input_gives_the_same_output(folders: tuple[Path, Path]) -> None:
    def story(folder: Path) -> list[tuple[object, str, int]]:
        system = SimulatedSystem(folder, _fails_first)
        system.upload(HOURLY.replace("command: x}", "command: x, retries: 2, retry_delay: 30}"))
        system.play(6 * 3600)
        system.close()
        return [(at, t.attempt.task_id, t.attempt.try_number) for at, t in system.executor.started]

    first, second = map(story, folders)
    assert len(first) > 6 * 2
    assert first == second


def _fails_first(task: TaskMessage) -> ScriptedOutcome:
    return ScriptedOutcome.of_exit_code(int(task.attempt.try_number == 1), seconds=12.5)


def test_time_limits_and_codes_that_mean_skipped_hold_for_scripted_attempts(tmp_path: Path) -> None:
    script = {
        "slow": ScriptedOutcome(seconds=60),
        "absent": ScriptedOutcome.of_exit_code(99),
        "broken": ScriptedOutcome.of_exit_code(1, log="what went wrong\n"),
    }
    system = SimulatedSystem(tmp_path, lambda task: script[task.attempt.task_id])
    system.upload(PICKY)
    runs.trigger_run(system.scheduler, "picky", who="ann")
    system.play(10)
    ended = states(system)
    sql = (
        "SELECT task_id, outcome, log FROM attempts a JOIN task_instances t"
        " ON t.id = a.task_instance_id LEFT JOIN short_logs l ON l.task_instance_id = t.id"
    )
    with system.database.read() as tx:
        rows = tx.all(sql, ())
    system.close()
    assert {name: state for name, (state, _) in ended.items()} == {
        "slow": "failed",
        "absent": "skipped",
        "broken": "failed",
    }
    assert {row[0]: (row[1], row[2]) for row in rows} == {
        "slow": (Outcome.TIMEOUT, None),
        "absent": (Outcome.SKIPPED, None),
        "broken": (Outcome.FAILED, "what went wrong\n"),
    }
