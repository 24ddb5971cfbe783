"""`when`, skipping by exit code, and what a command hands on, with real commands."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.executor import executor
from tests.integration.executor.bench_of_one import Bench, LeapingClock

# What an environment variable can hold, and the texts that a shell would choke on first.
VALUES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=50)
NASTY = ["$(touch x); \"'", "`id`", "\\", "'\n'", "$HOME", "*", "-n", "é\u2028", "\x1b[0m\r", ""]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_when_that_exits_0_runs_the_command(bench: Bench) -> None:
    result = bench.run("echo command", when="echo asked; test 1 = 1")
    assert (result.outcome, result.exit_code) == ("success", 0)
    assert bench.output() == ["asked", "command"]


def test_a_when_that_says_no_skips_the_command(bench: Bench) -> None:
    result = bench.run("echo never", when="echo asked; false")
    assert (result.outcome, result.exit_code) == ("skipped", None)
    assert result.reason == "skipped: its `when` was false (exit code 1)"
    assert bench.output() == ["asked"]


@pytest.mark.parametrize(
    "when", ["grepp -q x /etc/passwd", "[ 1 -gt ]", "exit 2", "fi", "echo (", "kill -9 $$"]
)
def test_a_when_that_cannot_answer_fails_the_attempt(bench: Bench, when: str) -> None:
    result = bench.run("echo never", when=when, skip_exit_codes=[2, 127])
    assert (result.outcome, result.exit_code) == ("failed", None)
    assert result.reason.startswith("its `when` ")
    assert result.reason.endswith(": only exit code 0 runs the task and 1 skips it")
    assert "never" not in bench.output()


@pytest.mark.parametrize(("when", "outcome"), [("fi", "failed"), ("false", "skipped")])
def test_a_syntax_error_fails_the_attempt_under_a_shell_that_answers_1_for_it(
    tmp_path: Path, when: str, outcome: str
) -> None:
    old = tmp_path / "bash"
    old.write_text(f'#!/bin/sh\n{shutil.which("bash")} "$@"; test $? -eq 0\n')
    old.chmod(0o700)
    bench = Bench({"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert bench.run("echo never", when=when).outcome == outcome


def test_a_when_runs_where_and_with_what_the_command_runs(bench: Bench, tmp_path: Path) -> None:
    show = 'echo "$0 $PWD $X $DAG_OUTPUT"'
    bench.run(show, when=show, env={"X": "y"}, cwd=str(tmp_path))
    first, second = bench.output()
    assert first == second
    assert first.startswith(f"bash {tmp_path} y /")


def test_a_line_that_when_does_not_end_is_a_line_of_its_own(bench: Bench) -> None:
    bench.run("echo two", when="printf one")
    assert bench.output() == ["one", "two"]


def test_when_and_command_share_the_time(tmp_path: Path) -> None:
    asked, begun = tmp_path / "asked", tmp_path / "begun"
    bench = Bench(clock=LeapingClock(asked.exists, begun.exists, seconds=200))
    result = bench.run(f"touch {begun}; sleep 600", when=f"touch {asked}", timeout=300)
    assert result.outcome == "timeout"
    assert result.started_at is not None
    assert result.ended_at is not None
    assert result.ended_at - result.started_at >= 300


def test_a_when_that_never_ends_is_stopped(bench: Bench) -> None:
    result = bench.run("echo never", when="sleep 600", timeout=0.3)
    assert result.outcome == "timeout"
    assert result.reason == "its `when`: stopped after 0.3 s, the task's execution_timeout"
    assert bench.log() == ""


def test_an_attempt_without_time_left_is_stopped_at_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "LEAST_TIME", 0.0)
    result = bench.run("sleep 600", time_left=executor.MARGIN)
    assert result.outcome == "timeout"


def test_a_command_skips_itself_by_its_exit_code(bench: Bench) -> None:
    result = bench.run("echo nothing to do; exit 99", skip_exit_codes=[98, 99])
    assert (result.outcome, result.exit_code) == ("skipped", 99)
    assert result.reason == "skipped: exit code 99 is in the task's skip_on_exit_code"
    assert bench.output() == ["nothing to do"]


def test_outputs_are_handed_on_as_they_were_written(bench: Bench) -> None:
    command = """
        echo 'count=12' >> "$DAG_OUTPUT"
        echo 'items=["a", {"b": 1}]' >> "$DAG_OUTPUT"
        printf 'text<<END\none\ntwo\nEND\n' >> "$DAG_OUTPUT"
    """
    result = bench.run(command, outputs=["count", "items", "text"])
    assert (result.outcome, result.reason) == ("success", "")
    assert result.outputs == {"count": "12", "items": '["a", {"b": 1}]', "text": "one\ntwo"}


def test_an_output_that_is_missing_fails_the_attempt_and_its_log_says_so(bench: Bench) -> None:
    result = bench.run("echo done", outputs=["count"])
    assert (result.outcome, result.exit_code, result.outputs) == ("failed", 0, {})
    assert result.reason == "the command did not write `count` to $DAG_OUTPUT as promised"
    assert bench.output() == ["done", result.reason]


def test_an_output_that_was_not_promised_fails_the_attempt(bench: Bench) -> None:
    result = bench.run('echo a=1 > "$DAG_OUTPUT"')
    assert result.outcome == "failed"
    assert "wrote `a` to $DAG_OUTPUT" in result.reason


def test_too_much_output_fails_the_attempt(bench: Bench) -> None:
    result = bench.run('{ printf a=; head -c 40000 /dev/zero | tr "\\0" x; } > "$DAG_OUTPUT"')
    assert result.outcome == "failed"
    assert "longer than 32 KiB" in result.reason


def test_what_a_failed_command_wrote_is_not_handed_on(bench: Bench) -> None:
    result = bench.run('echo a=1 > "$DAG_OUTPUT"; exit 3', outputs=["a"])
    assert (result.outcome, result.reason, result.outputs) == ("failed", "exit code 3", {})


def test_the_environment_of_the_executor_cannot_be_read_by_way_of_the_output_file(
    bench: Bench,
) -> None:
    result = bench.run('ln -sf /proc/$PPID/environ "$DAG_OUTPUT"', outputs=["PATH"])
    assert result.outcome == "failed"
    assert result.reason.startswith("$DAG_OUTPUT cannot be read")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(NASTY) | VALUES)
def test_any_value_reaches_the_command_and_comes_back_exactly(value: str) -> None:
    bench = Bench()
    back = 'printf "value<<E-O-F\\n%s\\nE-O-F\\nbeside=x\\n" "$VALUE" > "$DAG_OUTPUT"; ls -A'
    result = bench.run(f"test -n x; {back}", env={"VALUE": f"text:{value}"}, outputs=OUTPUTS)
    assert (result.outcome, result.outputs) == (
        "success",
        {"value": f"text:{value}", "beside": "x"},
    )
    assert bench.log() == ""


OUTPUTS = ["value", "beside"]
