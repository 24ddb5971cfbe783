"""Real commands: where they run, what they see, and what is said of how they ended."""

from __future__ import annotations

import math
import os
import resource
import shutil
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from chalicelib.claims import claim_key
from chalicelib.errors import Unavailable
from chalicelib.executor import supervisor
from chalicelib.ports import OutgoingMessage, StoredObject
from tests.integration.executor.bench_of_one import Bench, LeapingClock, standing_still, utc_now
from tests.support.fakes import FakeBucket, FakeQueue
from tests.support.waiting import eventually


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def quick() -> Bench:
    """A bench whose supervisor goes round ten times a second."""
    return Bench(heartbeat_seconds=0.1)


UNTIL_GO = 'until [ -e "$GO" ]; do sleep 0.02; done'

# It is large from the moment on at which the file is there.
LARGE = """
import os, pathlib, sys, time
large = bytearray(50_000_000)
pathlib.Path(sys.argv[1]).touch()
while not os.path.exists(os.environ["GO"]):
    time.sleep(0.02)
"""


class Counting(FakeBucket):
    """Counts what is read from it."""

    gets = 0

    def get(self, key: str, *, limit: int | None = None) -> StoredObject | None:
        self.gets += 1
        return super().get(key, limit=limit)


class LogRefusing(FakeBucket):
    """Takes claims, but no logs."""

    def put(self, key: str, body: bytes) -> None:
        raise Unavailable("no room for logs")


class Moody(FakeQueue):
    """Refuses messages while `refuses` holds a word that they contain."""

    refuses = ""
    refused = 0

    def send(self, messages: Sequence[OutgoingMessage]) -> None:
        if self.refuses and any(self.refuses in message.body for message in messages):
            self.refused += 1
            raise Unavailable("the queue does not answer")
        super().send(messages)


def only_sh(folder: Path) -> str:
    """A PATH on which there is sh and no bash."""
    sh = shutil.which("sh")
    assert sh is not None
    (folder / "sh").symlink_to(Path(sh).resolve().parent / "dash" if shutil.which("dash") else sh)
    return str(folder)


def test_a_command_that_exits_0_is_a_success(bench: Bench) -> None:
    before = utc_now().timestamp()
    result = bench.run("echo hello")
    assert (result.outcome, result.exit_code, result.signal, result.reason) == (
        "success",
        0,
        None,
        "",
    )
    assert result.started_at is not None
    assert result.ended_at is not None
    assert before <= result.started_at <= result.ended_at <= utc_now().timestamp()
    assert bench.output() == ["hello"]


def test_an_exit_code_is_reported(bench: Bench) -> None:
    result = bench.run("exit 3")
    assert (result.outcome, result.exit_code, result.reason) == ("failed", 3, "exit code 3")


def test_a_signal_is_reported(bench: Bench) -> None:
    result = bench.run("kill -9 $$")
    assert (result.outcome, result.exit_code, result.signal) == ("failed", None, 9)
    assert result.reason == "killed by signal 9 (SIGKILL), possibly out of memory"


def test_stdout_and_stderr_are_one_log_in_order(bench: Bench) -> None:
    bench.run("echo 1; echo 2 >&2; echo 3")
    assert bench.output() == ["1", "2", "3"]


def test_stdin_is_empty(bench: Bench) -> None:
    bench.run("cat; echo done")
    assert bench.output() == ["done"]


def test_the_command_is_bash_where_there_is_bash(bench: Bench) -> None:
    bench.run('a=(x y); echo "${a[1]} $0"')
    assert bench.output() == ["y bash"]


def test_without_bash_the_command_is_sh(tmp_path: Path) -> None:
    bench = Bench({"PATH": only_sh(tmp_path)})
    bench.run('echo "$0"')
    assert bench.output() == ["sh"]


def test_a_command_that_begins_with_a_dash_is_no_option(bench: Bench) -> None:
    result = bench.run("-x; echo here")
    assert result.outcome == "success"
    assert bench.output()[-1] == "here"


def test_a_command_of_many_lines_runs_whole(bench: Bench) -> None:
    bench.run("for i in 1 2; do\n  echo $i\ndone\ncat <<'END'\n$x \"y\" 'z'\nEND\n")
    assert bench.output() == ["1", "2", "$x \"y\" 'z'"]


def test_each_command_runs_in_an_empty_directory_that_is_gone_afterwards(bench: Bench) -> None:
    bench.run("pwd; ls -A | wc -l; touch left; mkdir -p a/b; chmod 500 a; touch $DAG_OUTPUT.more")
    folder, entries = bench.output()
    assert entries.strip() == "0"
    assert not Path(folder).parent.exists()


def test_a_directory_made_unreadable_is_removed_as_well(bench: Bench) -> None:
    bench.run("pwd; mkdir -p a/b/c; touch a/b/c/d; chmod 000 a/b/c a/b a")
    assert not Path(bench.output()[0]).parent.exists()


def test_a_cwd_is_used_and_left_alone(bench: Bench, tmp_path: Path) -> None:
    bench.run("pwd; touch here", cwd=str(tmp_path))
    assert bench.output() == [str(tmp_path)]
    assert (tmp_path / "here").exists()


@pytest.mark.parametrize("missing", ["/no/such/folder", "", "/etc/passwd", "a\0b"])
def test_a_cwd_that_is_no_directory_fails_the_attempt(bench: Bench, missing: str) -> None:
    result = bench.run("echo never", cwd=missing)
    assert (result.outcome, result.exit_code) == ("failed", None)
    assert result.reason == f"cwd `{missing}` is not a directory where the command runs"
    assert "never" not in bench.log()
    assert "is not a directory" in bench.log()


def test_a_folder_that_cannot_be_made_fails_the_attempt(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    result = bench.run("echo never")
    assert (result.outcome, result.exit_code) == ("failed", None)
    assert "no folder could be made for the command: No such file or directory" in result.reason
    assert bench.output() == [result.reason]


@pytest.mark.parametrize(
    ("command", "env", "words"),
    [
        ("true " + "x" * 200_000, {}, "too long for the system"),
        ("true", {"BIG": "x" * 200_000}, "too long for the system"),
        ("echo a\0b", {}, "could not be started: embedded null byte"),
        ("true", {"A=B": "c"}, "could not be started: illegal environment variable name"),
        ("echo \ud800", {}, "could not be started"),
    ],
)
def test_what_the_system_cannot_start_fails_with_a_reason(
    bench: Bench, command: str, env: dict[str, str], words: str
) -> None:
    result = bench.run(command, env=env)
    assert result.outcome == "failed"
    assert words in result.reason


def test_commands_see_what_they_are_given_and_nothing_of_the_executors_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "ORCHESTRATOR_DATABASE", "_HANDLER", "LAMBDA_TASK_ROOT"):
        monkeypatch.setenv(name, "the executor's own")
    bench = Bench({"PATH": os.environ["PATH"], "LANG": "C.UTF-8"})
    bench.run("env -0 | tr '\\0' '\\n'", env={"RUN_ID": "r", "LANG": "de"})
    seen = dict(line.split("=", 1) for line in bench.output())
    added_by_bash = {"PWD", "SHLVL", "_", "OLDPWD"}
    assert set(seen) - added_by_bash == {"PATH", "LANG", "HOME", "RUN_ID", "DAG_OUTPUT"}
    assert (seen["RUN_ID"], seen["LANG"]) == ("r", "de")


def test_values_of_the_environment_reach_the_command_unchanged(bench: Bench) -> None:
    value = '\'; rm -rf / # $(touch x) `y` "é" \\ * '
    bench.run('printf "%s\\n" "$VALUE"; ls', env={"VALUE": value})
    assert bench.output() == [value]


def test_no_file_of_the_executor_is_open_in_the_command(bench: Bench) -> None:
    bench.run("ls /proc/self/fd | sort -n | tr '\\n' ' '")
    # 3 is the directory that ls itself reads.
    assert bench.output() == ["0 1 2 3 "]


def test_the_output_file_is_there_empty_and_private(bench: Bench) -> None:
    bench.run('stat -c "%s %a" "$DAG_OUTPUT"; echo a=b > "$DAG_OUTPUT"', outputs=["a"])
    assert bench.output() == ["0 600"]


def test_the_peak_memory_of_a_large_child_is_reported(bench: Bench) -> None:
    # The kernel counts from the peak of the process that starts it: whatever the tests before used.
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 + 100_000_000
    result = bench.run(f"python3 -c 'b = bytearray({size})'; true")
    assert result.max_rss is not None
    assert size < result.max_rss < size + 100_000_000


def test_a_command_smaller_than_the_executor_is_not_given_the_executors_memory(
    quick: Bench,
) -> None:
    ballast = bytearray(200_000_000)
    small = quick.run_until(lambda: len(quick.heartbeats()) >= 2, UNTIL_GO).max_rss
    assert small is not None
    assert 0 < small < 20_000_000
    assert len(ballast) == 200_000_000


def test_the_memory_of_a_child_counts_although_it_is_less_than_the_executors(
    tmp_path: Path,
) -> None:
    ballast = bytearray(200_000_000)
    large = tmp_path / "large"
    bench = Bench(heartbeat_seconds=0.1, clock=LeapingClock(large.exists))

    def looked_at() -> bool:
        eventually(large.exists)
        bench.wait_for_heartbeats(3)
        return True

    used = bench.run_until(looked_at, f"python3 -c '{LARGE}' {large}; :")
    assert used.max_rss is not None
    assert 50_000_000 < used.max_rss < 150_000_000
    assert len(ballast) == 200_000_000


def test_outside_lambda_nothing_is_said_of_what_it_costs(bench: Bench) -> None:
    result = bench.run("true")
    assert (result.billed_ms, result.memory_mb) == (None, None)


def test_on_lambda_the_time_and_memory_that_are_charged_are_reported() -> None:
    runs = FakeBucket()
    clock = LeapingClock(lambda: bool(runs.objects), seconds=2.5)
    bench = Bench(own_environ={"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769"}, runs=runs, clock=clock)
    before = time.monotonic()
    result = bench.run("true")
    took_ms = (time.monotonic() - before) * 1000
    assert result.memory_mb == 1769
    assert result.billed_ms is not None
    assert 2500 <= result.billed_ms <= 2500 + math.ceil(took_ms)


def test_a_short_command_sends_one_result_and_writes_one_log_object() -> None:
    bench = Bench(clock=standing_still)
    bench.run("echo one; echo two")
    assert len(bench.reports()) == 1
    assert bench.runs.puts == 2  # the claim and the log


def test_a_short_command_asks_the_bucket_for_nothing_but_its_claim() -> None:
    bucket = Counting()
    Bench(runs=bucket, clock=standing_still).run("echo one")
    assert bucket.gets == 0


def test_a_silent_command_writes_no_log(bench: Bench) -> None:
    assert bench.run("true").log_bytes == 0
    assert list(bench.runs.objects) == [claim_key(bench.last)]


def test_a_short_command_costs_no_thread() -> None:
    bench = Bench(clock=standing_still)
    before = threading.active_count()
    seen: list[int] = []
    bench.executor._now = lambda: (seen.append(threading.active_count()), utc_now())[1]  # type: ignore[func-returns-value]
    bench.run("echo x")
    assert set(seen) == {before}


def test_the_length_of_the_whole_log_is_reported(bench: Bench) -> None:
    result = bench.run("echo hello")
    assert result.log_bytes == len(bench.log()) == len("2026-11-23T10:00:00.123Z hello\n")


def test_a_command_never_starts_before_its_moment() -> None:
    # With what shifts the clock, see tests/at: the command reads it.
    needed = ("PATH", "LD_PRELOAD", "SHIFT_SECONDS")
    bench = Bench({name: os.environ[name] for name in needed if name in os.environ})
    due = utc_now().timestamp() + 0.3
    result = bench.run("date +%s.%N", not_before=due)
    assert result.started_at is not None
    assert result.started_at >= due
    assert float(bench.output()[0]) >= due


def test_a_running_command_reports_itself_again_and_again(quick: Bench) -> None:
    bench = quick
    result = bench.run_until(lambda: len(bench.heartbeats()) >= 3, UNTIL_GO)
    beats = bench.heartbeats()
    assert {beat.started_at for beat in beats} == {result.started_at}
    assert [beat.at for beat in beats] == sorted({beat.at for beat in beats})
    assert bench.reports()[-1] == result


def test_a_heartbeat_that_cannot_be_sent_does_no_harm() -> None:
    queue = Moody(utc_now)
    queue.refuses = "heartbeat"
    bench = Bench(results=queue, heartbeat_seconds=0.1)
    assert bench.run_until(lambda: queue.refused >= 2, UNTIL_GO).outcome == "success"


def test_a_result_that_cannot_be_sent_is_an_error_and_the_command_is_not_run_again(
    tmp_path: Path,
) -> None:
    queue = Moody(utc_now)
    queue.refuses = '"result"'
    bench = Bench(results=queue)
    message = bench.message(f"echo ran | tee -a {tmp_path}/ran", log_in_result=1000)
    with pytest.raises(Unavailable):
        bench.handle(message)
    assert bench.output() == ["ran"]  # what would have travelled in the result
    queue.refuses = ""
    bench.handle(message)
    assert (tmp_path / "ran").read_text() == "ran\n"
    [beat] = bench.heartbeats()
    assert beat.claimed


def test_a_result_counts_although_its_log_cannot_be_stored() -> None:
    result = Bench(runs=LogRefusing()).run("echo lost; exit 4")
    assert (result.outcome, result.exit_code) == ("failed", 4)
    assert result.reason == "exit code 4; its log could not be stored whole"


def test_of_two_executors_with_one_message_one_runs_the_command(tmp_path: Path) -> None:
    runs = FakeBucket()
    benches = [Bench(runs=runs) for _ in range(2)]
    for number in range(20):
        message = benches[0].message(f"echo {number} >> {tmp_path}/ran")
        threads = [threading.Thread(target=bench.handle, args=(message,)) for bench in benches]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert (tmp_path / "ran").read_text().split() == [str(number) for number in range(20)]
    bodies = [body for bench in benches for body in bench.results.bodies()]
    assert sum('"kind":"result"' in body for body in bodies) == 20
    assert sum('"claimed":true' in body for body in bodies) == 20


def test_an_end_is_noticed_without_pidfd_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "_pidfd_of", lambda _command: -1)
    bench = Bench()
    assert bench.run("echo a; exec >&- 2>&-; sleep 0.2; exit 3").exit_code == 3
    assert bench.output() == ["a"]


@pytest.mark.parametrize("home", [None, "", "/nonexistent"])
def test_without_a_home_a_command_gets_one_that_it_may_write_to(home: str | None) -> None:
    """Programs such as git, pip and npm write there; Lambda sets none."""
    environ = {"PATH": os.environ["PATH"], **({} if home is None else {"HOME": home})}
    bench = Bench(environ)
    result = bench.run(
        'git config --global a.b c 2>/dev/null || touch "$HOME/x"; cd; ls -A | wc -l'
    )
    assert (result.outcome, result.exit_code) == ("success", 0)
    assert bench.output()[-1].strip() == "3"  # work, output, and what was written


def test_a_home_that_can_be_written_to_stays(tmp_path: Path) -> None:
    bench = Bench({"PATH": os.environ["PATH"], "HOME": str(tmp_path)})
    bench.run('echo "$HOME"')
    assert bench.output() == [str(tmp_path)]
