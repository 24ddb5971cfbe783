"""A worker with real commands and ports in memory: what it takes, and how it ends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from chalicelib.claims import Claim
from chalicelib.enums import Outcome
from chalicelib.errors import Unavailable
from chalicelib.executor import Executor
from chalicelib.executor.long_patience import LongPatience
from chalicelib.messages import Attempt, Heartbeat, Result, TaskMessage, decode_report
from chalicelib.ports import OutgoingMessage, ReceivedMessage
from chalicelib.worker.worker import Worker, WorkerContext
from tests.support.fakes import FakeBucket, FakeClaims, FakeClock, FakeQueue
from tests.support.waiting import HANG_SECONDS, eventually

PATH = {"PATH": "/usr/bin:/bin"}
WAIT_FOR = "until [ -e {} ]; do sleep 0.02; done"


class WatchedQueue(FakeQueue):
    """Notes for how long messages are hidden."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.hidden: list[int] = []

    def hide(self, messages: Sequence[ReceivedMessage], seconds: int) -> None:
        super().hide(messages, seconds)
        self.hidden += [seconds for _ in messages]


class Shop:
    """A worker and what it works with. `network` is called before each request to claims, results
    and bucket, and raises Unavailable while there is none."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.tasks, self.results = WatchedQueue(self.clock), FakeQueue(self.clock)
        self.runs, self.claims = FakeBucket(), FakeClaims()
        self.passed = 0.0
        self.network: Callable[[], None] = lambda: None
        self.seen: list[bool] = []
        self.patience = LongPatience(clock=lambda: self.passed, sleep=self._pass)

    def _pass(self, seconds: float) -> None:
        self.passed += seconds

    def send(self, *commands: str, poke: int = 0) -> list[Attempt]:
        attempts = [Attempt("dag", "run", f"task{n}", -1, 1, poke) for n in range(len(commands))]
        messages = zip(attempts, commands, strict=True)
        self.tasks.send([OutgoingMessage(TaskMessage(*message).encode()) for message in messages])
        return attempts

    def reported(self) -> list[Result]:
        reports = [decode_report(body) for body in self.results.bodies()]
        return [report for report in reports if isinstance(report, Result)]

    def _worker(self, parallelism: int, grace_seconds: float) -> Worker:
        executor = Executor(
            Reached(self, self.runs),  # type: ignore[arg-type]
            Reached(self, self.claims),  # type: ignore[arg-type]
            Reached(self, self.results),  # type: ignore[arg-type]
            30.0,
            PATH,
            self.clock,
            patience=self.patience,
        )
        return Worker(
            WorkerContext(
                executor,
                self.tasks,
                self.patience,
                parallelism,
                lambda _, is_leaving: self.seen.append(is_leaving),
                renewal_seconds=0.02,
                long_poll_seconds=0,
                grace_seconds=grace_seconds,
            )
        )

    @contextmanager
    def working(
        self, parallelism: int = 2, grace_seconds: float = HANG_SECONDS
    ) -> Iterator[Worker]:
        worker = self._worker(parallelism, grace_seconds)
        thread = threading.Thread(target=worker.run)
        thread.start()
        try:
            yield worker
        finally:
            worker.finish()
            thread.join()

    @contextmanager
    def prepared(self) -> Iterator[Worker]:
        """A worker that runs once the block has ended."""
        worker = self._worker(2, HANG_SECONDS)
        yield worker
        worker.run()


class Reached:
    """A port behind the network."""

    def __init__(self, shop: Shop, port: object) -> None:
        self._shop = shop
        self._port = port

    def __getattr__(self, name: str) -> object:
        method = getattr(self._port, name)

        def call(*arguments: object, **named: object) -> object:
            self._shop.network()
            return method(*arguments, **named)

        return call


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_several_commands_run_at_once_and_their_messages_are_gone(
    shop: Shop, tmp_path: Path
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    shop.send(
        f"touch {here}; {WAIT_FOR.format(there)}",
        f"touch {there}; {WAIT_FOR.format(here)}",
    )
    with shop.working():
        eventually(lambda: len(shop.reported()) == 2)
        eventually(lambda: shop.tasks.bodies() == [])
    assert [result.outcome for result in shop.reported()] == [Outcome.SUCCESS] * 2
    assert shop.seen[-1], "it tells that it leaves"


def test_a_message_is_kept_hidden_while_its_command_runs(shop: Shop, tmp_path: Path) -> None:
    go = tmp_path / "go"
    shop.send(WAIT_FOR.format(go))
    with shop.working():
        eventually(lambda: len(shop.tasks.hidden) >= 2)
        assert set(shop.tasks.hidden) == {120}
        go.touch()
        eventually(lambda: shop.reported())


def test_after_the_first_signal_commands_finish_and_nothing_new_begins(
    shop: Shop, tmp_path: Path
) -> None:
    begun, go = tmp_path / "begun", tmp_path / "go"
    shop.send(f"touch {begun}; {WAIT_FOR.format(go)}; echo finished")
    with shop.working() as worker:
        eventually(begun.exists)
        worker.finish()
        shop.send("echo never", poke=1)
        go.touch()
    (result,) = shop.reported()
    assert (result.outcome, result.exit_code) == (Outcome.SUCCESS, 0)
    assert len(shop.tasks.bodies()) == 1
    assert len(shop.claims.taken) == 1


def test_the_second_signal_ends_commands_and_reports_their_attempts_lost(
    shop: Shop, tmp_path: Path
) -> None:
    begun = tmp_path / "begun"
    shop.send(f"trap 'echo told; exit 3' TERM; touch {begun}; while :; do sleep 0.05; done")
    with shop.working() as worker:
        eventually(begun.exists)
        worker.finish()
        worker.cancel()
    (result,) = shop.reported()
    assert (result.outcome, result.reason) == (Outcome.LOST, "its worker was stopped while it ran")
    assert result.exit_code == 3


def test_the_second_signal_kills_what_ignores_it(shop: Shop, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    shop.send(f"trap '' TERM; touch {begun}; while :; do sleep 0.05; done")
    with shop.working(grace_seconds=0.2) as worker:
        eventually(begun.exists)
        worker.cancel()
    assert [result.signal for result in shop.reported()] == [9]


def test_an_attempt_that_waits_for_its_time_is_reported_when_its_worker_is_stopped(
    shop: Shop,
) -> None:
    attempt = Attempt("dag", "run", "task", -1, 1)
    later = shop.clock().timestamp() + 20
    shop.tasks.send([OutgoingMessage(TaskMessage(attempt, "true", not_before=later).encode())])
    with shop.working() as worker:
        eventually(lambda: shop.claims.taken)
        worker.cancel()
    assert [result.outcome for result in shop.reported()] == [Outcome.LOST]


def test_an_hour_without_network_loses_no_result_and_starts_nothing_twice(
    shop: Shop, tmp_path: Path
) -> None:
    starts, is_out = tmp_path / "starts", threading.Event()

    def network() -> None:
        if is_out.is_set() and shop.passed < 3600:
            raise Unavailable("no route to host")

    shop.network = network
    begun, go = tmp_path / "begun", tmp_path / "go"
    many = "for n in $(seq 3000); do echo line $n; done"
    shop.send(f"echo >> {starts}; touch {begun}; {WAIT_FOR.format(go)}; {many}")
    with shop.working():
        eventually(begun.exists)
        is_out.set()
        go.touch()
        (result,) = eventually(shop.reported)
    assert shop.passed >= 3600
    assert (result.outcome, result.reason) == (Outcome.SUCCESS, "")
    stored = b"".join(body for key, body in sorted(shop.runs.objects.items()) if "/log/" in key)
    assert stored.count(b"line ") == 3000
    assert starts.read_text() == "\n"


def test_a_result_with_its_log_in_it_waits_for_the_network(shop: Shop, tmp_path: Path) -> None:
    is_out = threading.Event()

    def network() -> None:
        if is_out.is_set() and shop.passed < 3600:
            raise Unavailable("no route to host")

    shop.network = network
    begun, go = tmp_path / "begun", tmp_path / "go"
    command = f"touch {begun}; {WAIT_FOR.format(go)}; echo short"
    attempt = Attempt("dag", "run", "task", -1, 1)
    message = TaskMessage(attempt, command, log_in_result=4096)
    shop.tasks.send([OutgoingMessage(message.encode())])
    with shop.working():
        eventually(begun.exists)
        is_out.set()
        go.touch()
        (result,) = eventually(shop.reported)
    assert shop.passed >= 3600
    assert (result.log or "").endswith("short\n")


def test_what_the_last_poll_brings_is_given_back(shop: Shop) -> None:
    class Late(WatchedQueue):
        worker: Worker

        def receive(self, limit: int = 10, *, wait: int = 0) -> list[ReceivedMessage]:
            self.worker.finish()
            return super().receive(limit, wait=wait)

    shop.tasks = Late(shop.clock)
    shop.send("true")
    with shop.prepared() as worker:
        shop.tasks.worker = worker
    assert shop.tasks.hidden == [0]
    assert shop.claims.taken == {}
    assert len(shop.tasks.receive()) == 1


class LostAnswers(FakeClaims):
    """Stores a claim, and loses the answer of the first `count` requests."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def take(self, attempt: Attempt, claim: Claim) -> Claim | None:
        standing = super().take(attempt, claim)
        if self.count > 0:
            self.count -= 1
            raise Unavailable("the connection was reset")
        return standing


def test_a_claim_whose_answer_is_lost_is_asked_for_until_it_is_certain(shop: Shop) -> None:
    shop.claims = LostAnswers(20)
    shop.send("true")
    with shop.working():
        (result,) = eventually(shop.reported)
    assert result.outcome is Outcome.SUCCESS
    assert shop.claims.count == 0


def test_who_finds_another_worker_at_it_starts_nothing(shop: Shop, tmp_path: Path) -> None:
    (attempt,) = shop.send(f"touch {tmp_path / 'started'}")
    other = Claim.decode('{"by": "executor", "claimed_at": 7.0, "token": "another"}')
    assert shop.claims.take(attempt, other) is None
    with shop.working():
        eventually(lambda: shop.tasks.bodies() == [])
    assert [decode_report(body) for body in shop.results.bodies()] == [
        Heartbeat(attempt, started_at=7.0, at=7.0, claimed=True)
    ]
    assert not (tmp_path / "started").exists()


def test_what_is_no_message_is_left_to_the_dead_letters(shop: Shop) -> None:
    shop.tasks.send([OutgoingMessage("{}")])
    shop.send("true")
    with shop.working(1):
        eventually(shop.reported)
    assert shop.tasks.bodies() == ["{}"]


def test_a_queue_that_cannot_be_reached_is_asked_again(shop: Shop) -> None:
    class Shy(WatchedQueue):
        failures = 2

        def receive(self, limit: int = 10, *, wait: int = 0) -> list[ReceivedMessage]:
            if self.failures:
                self.failures -= 1
                raise Unavailable("no route to host")
            return super().receive(limit, wait=wait)

    shop.tasks = Shy(shop.clock)
    shop.send("true")
    with shop.working():
        eventually(shop.reported)
