"""Commands that begin with `#!`: run by the program on that line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from chalicelib.enums import Outcome
from tests.integration.executor.bench_of_one import Bench

PYTHON = f"#!{sys.executable}\n"


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_script_is_run_by_its_program_with_values_from_the_environment(bench: Bench) -> None:
    script = "import os, sys\nprint(os.environ['WHO'], sys.argv[1:])\n"
    result = bench.run(PYTHON + script, env={"WHO": "it's $(id)"})
    assert result.outcome is Outcome.SUCCESS
    assert bench.output() == ["it's $(id) []"]


def test_env_finds_the_program_on_the_path_and_passes_options_on(bench: Bench) -> None:
    bench.run("#!/usr/bin/env -S sh -u\necho before\necho $NOT_SET\necho after\n")
    assert bench.output()[0] == "before"
    assert "after" not in bench.output()


def test_the_program_gets_its_one_argument(bench: Bench) -> None:
    assert bench.run("#!/usr/bin/awk -f\nBEGIN { print 6 * 7 }\n").outcome is Outcome.SUCCESS
    assert bench.output() == ["42"]


def test_line_ends_of_windows_do_no_harm(bench: Bench) -> None:
    result = bench.run("#!/bin/sh\r\nif true; then\r\n  echo fine\r\nfi\r\n")
    assert (result.outcome, bench.output()) == (Outcome.SUCCESS, ["fine"])


def test_carriage_returns_within_a_script_of_unix_stay(bench: Bench) -> None:
    bench.run("#!/bin/sh\nprintf 'a\r\n' | od -An -c\n")
    assert bench.output()[0].split() == ["a", "\\r", "\\n"]


def test_a_first_line_may_be_longer_than_linux_reads(bench: Bench, tmp_path: Path) -> None:
    folder = tmp_path.joinpath(*["f" * 100] * 4)
    folder.mkdir(parents=True)
    (folder / "sh").symlink_to("/bin/sh")
    assert bench.run(f"#!{folder}/sh\necho far away\n").outcome is Outcome.SUCCESS
    assert bench.output() == ["far away"]


def test_a_script_may_be_longer_than_an_argument(bench: Bench) -> None:
    lines = "# some words to fill the line\n" * 6_000
    assert bench.run(f"#!/bin/sh\n{lines}echo end\n").outcome is Outcome.SUCCESS
    assert bench.output() == ["end"]


def test_a_script_runs_in_an_empty_directory_of_its_own(bench: Bench) -> None:
    bench.run('#!/bin/sh\nls -A\ncase "$0" in "$PWD"/*) echo here;; *) echo elsewhere;; esac\n')
    assert bench.output() == ["elsewhere"]


def test_a_script_runs_in_its_cwd(bench: Bench, tmp_path: Path) -> None:
    bench.run("#!/bin/sh\npwd\n", cwd=str(tmp_path))
    assert bench.output() == [str(tmp_path)]


def test_a_program_beside_the_command_is_found_from_its_cwd(bench: Bench, tmp_path: Path) -> None:
    tool = tmp_path / "tool"
    tool.write_text('#!/bin/sh\necho "tool runs $(basename "$1")"\n')
    tool.chmod(0o700)
    bench.run("#!./tool\nanything\n", cwd=str(tmp_path))
    assert bench.output() == ["tool runs script"]


def test_nothing_of_a_script_is_left(bench: Bench, tmp_path: Path) -> None:
    bench.run('#!/bin/sh\nprintf %s "$0" > "$NOTE"\n', env={"NOTE": str(tmp_path / "note")})
    assert not Path((tmp_path / "note").read_text()).parent.exists()


def test_a_script_writes_outputs_and_ends_as_any_command_does(bench: Bench) -> None:
    script = "import os\nopen(os.environ['DAG_OUTPUT'], 'w').write('n=1\\n')\n"
    assert bench.run(PYTHON + script, outputs=["n"]).outputs == {"n": "1"}
    assert bench.run(f"{PYTHON}raise SystemExit(7)\n").exit_code == 7


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        ("#!/no/such/ruby", "the script's program `/no/such/ruby` is not there"),
        ("#!/etc/passwd/x", "the script's program `/etc/passwd/x` is not there"),
        ("#!/tmp", "the script's program `/tmp` cannot be executed"),
        ("#!/etc/passwd", "the script's program `/etc/passwd` cannot be executed"),
        ("#! ", "the script's first line, #!, names no program"),
    ],
)
def test_a_program_that_cannot_run_is_named_in_the_reason(
    bench: Bench, first: str, reason: str
) -> None:
    result = bench.run(f"{first}\nx\n")
    assert (result.outcome, result.is_transient) == (Outcome.FAILED, False)
    assert result.reason.startswith(reason)
    assert bench.output()[0].startswith(reason)


def test_a_program_that_env_does_not_find_is_a_command_not_found(bench: Bench) -> None:
    result = bench.run("#!/usr/bin/env no-such-program\nx\n")
    assert result.reason == "exit code 127 (command not found)"
    assert "no-such-program" in bench.log()


def test_the_shell_script_of_a_test_decides_whether_the_command_runs(bench: Bench) -> None:
    assert bench.run("true", when="#!/bin/sh\nexit 1\n").outcome is Outcome.SKIPPED
    assert bench.run("true", when="#!/bin/sh\nexit 0\n").outcome is Outcome.SUCCESS


def test_a_script_needs_no_permission_to_be_executed_and_nobody_else_can_read_it(
    bench: Bench,
) -> None:
    bench.run('#!/bin/sh\nstat -c %a "$0"\n')
    assert bench.output() == ["600"]
