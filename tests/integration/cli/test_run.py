"""`orchestrator run`: a DAG file runs to its end in this process, with real commands."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chalicelib.cli.main import main
from tests.support.waiting import HANG_SECONDS, eventually

ROOT = Path(__file__).parents[3]
CHAIN = """
name: Chain
params: {who: world, count: {type: integer, default: 1}}
secrets: {PASSWORD: ssm:/prod/password}
tasks:
  - id: first
    command: 'echo "hello $PARAM_WHO on $DS"; echo rows=3 >> $DAG_OUTPUT'
    outputs: [rows]
  - {id: second, command: 'echo "rows: $OUTPUT_FIRST_ROWS"', dependencies: first}
  - {id: third, command: 'echo "${#PASSWORD} letters: $PASSWORD"', dependencies: second}
"""


def write(folder: Path, text: str) -> str:
    path = folder / "dag.yaml"
    path.write_text(text)
    return str(path)


@pytest.fixture
def chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("PASSWORD", "correct horse")
    return write(tmp_path, CHAIN)


def test_a_run_prints_its_logs_and_states_and_a_summary(
    chain: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", chain, "-p", "who=you", "--logical-date", "2026-03-01"]) == 0
    out = capsys.readouterr().out

    assert "first  | hello you on 2026-03-01\n" in out
    assert "second | rows: 3\n" in out
    assert out.index("first: success") < out.index("second | ")
    assert out.splitlines()[-1].startswith("chain: success in ")
    assert out.splitlines()[-1].endswith(": 3 success")


def test_the_setting_decides_what_runs_an_image(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path, "name: I\ntasks: [{id: a, image: alpine, command: echo on the host}]")
    monkeypatch.setenv("ORCHESTRATOR_IMAGES", "host")
    assert main(["run", file]) == 0
    assert "a | on the host\n" in capsys.readouterr().out
    monkeypatch.setenv("ORCHESTRATOR_IMAGES", "nothing")
    assert main(["run", file]) == 2
    assert "must be one of engine, host" in capsys.readouterr().err


def test_secrets_come_from_the_environment_and_are_masked(
    chain: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["run", chain]) == 0
    assert "third  | 13 letters: ***" in capsys.readouterr().out

    monkeypatch.delenv("PASSWORD")
    assert main(["run", chain, "--fast"]) == 1
    assert "set the environment variable PASSWORD" in capsys.readouterr().out


def test_a_failure_is_exit_code_1_and_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path, "name: A\ntasks: [{id: a, command: echo oh no; exit 3}]")

    assert main(["run", file]) == 1
    assert "a: failed" in (out := capsys.readouterr().out)
    assert "exit code 3" in out


def ran(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    rows = json.loads(capsys.readouterr().out)["task_instances"]
    return {row["task_id"]: row for row in rows}


def test_mocked_tasks_run_another_script_and_its_outputs_are_used(
    chain: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", chain, "--mock", "first=echo rows=77 >> $DAG_OUTPUT"]) == 0
    assert "rows: 77\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "left_out"),
    [
        (["--skip", "third"], {"third"}),
        (["--task", "third"], {"first", "second"}),
        (["--from", "second"], {"first"}),
        (["--from", "second", "--skip", "third"], {"first", "third"}),
    ],
)
def test_tasks_are_left_out(
    options: list[str], left_out: set[str], chain: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", chain, "--format", "json", *options]) == 0
    rows = ran(capsys)

    assert {name for name, row in rows.items() if row["reason"]} == left_out
    assert {row["state"] for row in rows.values()} == {"success"}


def test_fast_passes_over_the_waits_of_retries_and_sensors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    counter, other = tmp_path / "tries", tmp_path / "pokes"
    file = write(
        tmp_path,
        f"""
name: Patient
tasks:
  - id: retried
    command: echo x >> {counter}; test $(wc -l < {counter}) -ge 3
    retries: 3
    retry_delay: 6h
  - id: poked
    command: echo x >> {other}; test $(wc -l < {other}) -ge 4
    sensor: {{poke_interval: 1h, timeout: 1d}}
""",
    )

    assert main(["run", file, "--fast", "--format", "json"]) == 0
    assert ran(capsys)["retried"]["try_number"] == 3


def test_a_schedule_adds_no_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "log"
    file = write(
        tmp_path,
        f"name: A\nschedule: '@every 1s'\ntasks: [{{id: a, command: echo x >> {log}; sleep 1.5}}]",
    )

    assert main(["run", file]) == 0
    assert log.read_text() == "x\n"
    assert capsys.readouterr().out.count("a: success in ") == 2  # of the task, and of the run


def test_what_a_run_leaves_is_kept_where_asked(
    chain: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "kept"

    assert main(["run", chain, "--keep", str(kept)]) == 0
    assert (kept / "database" / "orchestrator.db").exists()
    assert main(["run", chain, "--keep", str(kept)]) == 2
    assert "is not empty" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--task", "frist"], "there is no task 'frist'; did you mean first?"),
        (["--mock", "first"], "'first' is no mock: write TASK=SCRIPT"),
        (["-p", "whom=x"], "the DAG has no param 'whom'; did you mean who?"),
        (["--logical-date", "soon"], "'soon' is no date or time"),
    ],
)
def test_wrong_usage_is_told_before_anything_runs(
    options: list[str], message: str, chain: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", chain, *options]) == 2
    assert message in capsys.readouterr().err


def test_the_files_beside_it_are_brought_along(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "scripts").mkdir()
    script = tmp_path / "scripts" / "say.sh"
    script.write_text("#!/bin/sh\necho said $1\n")
    script.chmod(0o755)
    file = write(
        tmp_path,
        "name: A\nfiles: [scripts/]\ntasks: [{id: a, command: scripts/say.sh hello}]",
    )

    assert main(["run", file]) == 0
    assert "a | said hello\n" in capsys.readouterr().out

    script.unlink()
    assert main(["run", file]) == 1
    assert f"{file}:2:9: 'scripts/' stands for no file" in capsys.readouterr().err
    assert main(["validate", file]) == 1
    assert f"{file}:2:9: 'scripts/' stands for no file" in capsys.readouterr().out


def test_an_invalid_file_is_told_line_by_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path, "name: A\ntasks: [{id: a, comand: b}]")

    assert main(["run", file]) == 1
    assert f"{file}:2:17: unknown key 'comand'" in capsys.readouterr().err


def test_a_long_log_is_printed_while_it_is_written_and_ctrl_c_cancels(tmp_path: Path) -> None:
    ended = tmp_path / "ended"
    command = (
        f"trap 'echo bye; touch {ended}; exit 1' TERM; echo begun; while sleep 0.1; do :; done"
    )
    file = write(tmp_path, f"name: Long\ntasks:\n  - id: a\n    command: {json.dumps(command)}\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "chalicelib.cli", "run", file],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "a | begun\n"

    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=HANG_SECONDS)

    assert process.returncode == 130
    assert "a | bye" in rest
    assert "a: cancelled" in rest
    assert eventually(ended.exists)


def test_a_first_task_may_trigger_another_dag_of_the_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "called.yaml").write_text(
        "name: Called\ntasks:\n  - {id: say, command: echo I was called}\n"
    )
    caller = write(
        tmp_path,
        "name: Caller\ntasks:\n  - {id: call, trigger_dag_id: called, wait_for_completion: true}\n",
    )

    assert main(["run", caller]) == 0
    assert "| I was called\n" in capsys.readouterr().out


def test_kept_logs_are_files_that_people_can_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = """
name: Logs
tasks:
  - {id: flaky, command: 'echo "try $TRY_NUMBER"; [ "$TRY_NUMBER" = 2 ]', retries: 1}
  - {id: each, command: 'printf "%s" "item $ITEM"', expand: {ITEM: [a, b]}}
"""
    kept = tmp_path / "kept"
    assert main(["run", write(tmp_path, text), "--fast", "--keep", str(kept)]) == 0

    logs = {file.name: file.read_text() for file in (kept / "logs").iterdir()}
    assert sorted(logs) == ["each[0].try1.log", "each[1].try1.log"] + [
        f"flaky.try{number}.log" for number in (1, 2)
    ]
    assert logs["flaky.try2.log"].endswith("Z try 2\n")
    assert logs["each[1].try1.log"].endswith("Z item b\n")
    assert capsys.readouterr().err == f"logs: {kept}/logs\n"
