"""The simulated AWS of the benchmarks: repeatable, with Lambda's ramp and SQLite's one lock, and no
number without a source."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from chalicelib.ports import OutgoingMessage, ReceivedMessage
from chalicelib.simulation.event_loop import EventLoop
from chalicelib.simulation.virtual_clock import VirtualClock
from tests.bench.aws.cloud import SimulatedAws
from tests.bench.aws.deployment import NOW, Deployment
from tests.bench.aws.efs import Efs
from tests.bench.aws.functions import Function
from tests.bench.aws.latencies import FACTS, LATENCIES
from tests.bench.aws.pollers import EventSourceMapping
from tests.bench.aws.scenarios import BEGINS, SCENARIOS
from tests.bench.dag_files import chain


def play(folder: Path, deployment: Deployment = NOW, seed: int = 1) -> SimulatedAws:
    """A run of a chain of five on a cold installation."""
    cloud = SimulatedAws(folder, deployment, seed, lambda _: 1.0, BEGINS)
    cloud.register({"five.yaml": chain("five", 5)})
    cloud.request("five")
    cloud.play_until(lambda: len(cloud.ran) == 5, 120.0)
    cloud.close()
    return cloud


def starts(cloud: SimulatedAws) -> list[float]:
    return [(command.started_at - BEGINS).total_seconds() for command in cloud.ran]


def test_the_same_seed_gives_the_same_figures(tmp_path: Path) -> None:
    first, second = play(tmp_path / "a"), play(tmp_path / "b")
    assert len(first.ran) == 5
    assert starts(first) == starts(second)
    assert starts(play(tmp_path / "c", seed=2)) != starts(first)


def test_claims_in_s3_start_commands_later_than_claims_in_dynamodb(tmp_path: Path) -> None:
    dynamodb = starts(play(tmp_path / "a"))
    s3 = starts(play(tmp_path / "b", replace(NOW, claims="s3")))
    assert s3[-1] > dynamodb[-1]


def test_a_command_starts_only_after_the_one_that_it_depends_on(tmp_path: Path) -> None:
    ran = play(tmp_path).ran
    assert [command.attempt.task_id for command in ran] == ["t0", "t1", "t2", "t3", "t4"]
    assert all(after.started_at > before.ended_at for before, after in pairwise(ran))


@pytest.fixture
def loop() -> EventLoop:
    return EventLoop(VirtualClock(BEGINS))


def poll(
    loop: EventLoop, messages: int, seconds: float, batch_size: int = 1, provisioned: int = 0
) -> list[float]:
    """Return when each message is handled, if handling takes an hour, in the first seconds."""
    handled: list[float] = []

    def handle(batch: Sequence[ReceivedMessage], done: Callable[[], None]) -> None:
        handled.extend((loop.clock() - BEGINS).total_seconds() for _ in batch)
        loop.after(3600, done)

    mapping = EventSourceMapping(
        loop,
        random.Random(1),
        handle,
        batch_size=batch_size,
        concurrency=990,
        provisioned=provisioned,
    )
    mapping.queue.send([OutgoingMessage("x")] * messages)
    loop.run_until(BEGINS + timedelta(seconds=seconds))
    return handled


def test_a_mapping_begins_with_five_batches_and_adds_five_a_second(loop: EventLoop) -> None:
    handled = poll(loop, 200, 20.5)
    assert sum(at < 0.2 for at in handled) == pytest.approx(5, abs=1)
    assert len(handled) == pytest.approx(5 + 20 * 5, abs=2)


def test_a_mapping_hands_over_whole_batches(loop: EventLoop) -> None:
    assert len(poll(loop, 40, 0.15, batch_size=10)) == 40


def test_provisioned_pollers_begin_with_ten_each(loop: EventLoop) -> None:
    assert len(poll(loop, 200, 0.15, provisioned=2)) == pytest.approx(20, abs=2)


def test_transactions_never_overlap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[tuple[float, float]] = []
    real = SimulatedAws._seconds_of_transaction

    def noted(self: SimulatedAws, *arguments: object) -> float:
        seconds = real(self, *arguments)  # type: ignore[arg-type]
        at = (self.loop.clock() - BEGINS).total_seconds()
        held.append((at, at + seconds))
        return seconds

    monkeypatch.setattr(SimulatedAws, "_seconds_of_transaction", noted)
    cloud = SimulatedAws(tmp_path, NOW, 1, lambda _: 0.1, BEGINS)
    cloud.register({f"c{n}.yaml": chain(f"c{n}", 3) for n in range(10)})
    for n in range(10):
        cloud.request(f"c{n}")
    cloud.play_until(lambda: len(cloud.ran) == 30, 60.0)
    cloud.close()
    assert len(held) > 20
    assert all(before[1] <= after[0] for before, after in pairwise(held))


def test_a_short_burst_runs_at_full_speed_and_long_work_at_the_functions_share() -> None:
    function = Function(512, random.Random(1), has_database=False)
    assert function.seconds_of(0.004) == 0.004
    assert function.seconds_of(1.0) == pytest.approx(1769 / 512, rel=0.02)


def test_a_commit_after_another_hosts_takes_longer_and_a_large_one_too() -> None:
    def of(rows: int, *, is_own: bool) -> float:
        return sum(Efs(random.Random(seed)).commit(rows, is_own=is_own) for seed in range(20))

    assert of(5, is_own=True) < of(5, is_own=False) < of(1000, is_own=False)


def test_every_assumption_has_a_source_and_a_date() -> None:
    table = {name: (row.source, row.as_of) for name, row in LATENCIES.items()}
    table |= {name: (row.source, row.as_of) for name, row in FACTS.items()}
    assert [name for name, (source, _) in table.items() if len(source) < 15] == []
    assert [n for n, (_, at) in table.items() if not re.fullmatch(r"20\d\d-[01]\d", at)] == []


def test_every_scenario_that_was_asked_for_is_there() -> None:
    assert [scenario.name for scenario in SCENARIOS] == [
        "chain of 40",
        "20 chains of 40",
        "fan-out of 125",
        "fan-out of 1,000",
        "10,000 DAGs on the hour",
    ]
