"""`orchestrator test`: cases on a virtual clock, and what they can expect."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from chalicelib.cli.main import main

DAG = """
name: Nightly
schedule: "30 6 * * *"
timezone: Europe/Berlin
params: {day: {type: string, default: today}}
on_failure: [{command: "echo $DAG_ID"}]
tasks:
  - id: fetch
    command: "fetch --day {{ params.day }}"
    retries: 3
    retry_delay: 10m
    outputs: [rows]
  - {id: load, command: "load {{ outputs.fetch.rows }}", dependencies: fetch}
  - {id: maybe, command: tidy, when: test -n "$X", dependencies: fetch}
  - {id: last, command: echo, dependencies: [load, maybe], trigger_rule: none_failed}
"""
HAPPY = """
  - name: all goes well
    logical_date: 2026-03-02T06:30
    params: {day: o'clock}
    tasks:
      fetch: {outputs: {rows: 42}, failures: 2, exit_code: 75, duration: 5m}
      load: {duration: 1h, log: "42 rows"}
      maybe: {skip: true}
    expect:
      state: success
      tasks: {fetch: success, load: success, maybe: skipped, last: success}
      tries: {fetch: 3, load: 1}
      order: [fetch, load, last]
      commands: {fetch: "fetch --day 'o'\\"'\\"'clock'", load: "load '42'"}
      outputs: {fetch: {rows: 42}}
      reasons: {maybe: "`when` was false"}
      notifications: []
      duration: 1h35m1s
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "nightly.yaml").write_text(DAG)
    return tmp_path


def write(folder: Path, cases: str) -> str:
    path = folder / "nightly.test.yaml"
    path.write_text(f"cases:\n{cases}")
    return str(path)


def test_a_case_can_expect_everything(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(folder, HAPPY)

    assert main(["test", str(folder)]) == 0, capsys.readouterr().out
    assert capsys.readouterr().out == f"ok  {path}: all goes well\n1 passed, 0 failed\n"


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("state: success", "state: failed", "expected 'failed', got 'success'"),
        ("last: success}", "last: failed}", "state of last: expected 'failed', got 'success'"),
        ("last: success}", "lst: failed}", "state: there is no task 'lst'"),
        ("fetch: 3", "fetch: 1", "tries of fetch: expected 1, got 3"),
        ("[fetch, load, last]", "[load, fetch]", "got ['fetch', 'load']"),
        ("load '42'", "load '7'", "command of load: expected \"load '7'\", got"),
        ("{rows: 42}}", "{rows: 41}}", "output rows of fetch: expected '41', got '42'"),
        ("was false", "was true", "reason of maybe: expected"),
        ("notifications: []", "notifications: ['run: failure']", "notifications: expected"),
        ("1h35m1s", "5m", "duration: expected 5m, got 5701 s"),
    ],
)
def test_what_is_not_as_expected_is_told(
    right: str, wrong: str, message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expect = HAPPY[HAPPY.index("    expect:") :]
    assert right in expect
    write(folder, HAPPY.replace(expect, expect.replace(right, wrong)))

    assert main(["test", str(folder)]) == 1
    assert message in capsys.readouterr().out


def test_a_failure_notifies_and_ends_at_its_time(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(
        folder,
        """
  - name: it never comes
    logical_date: 2026-03-02T06:30
    tasks: {fetch: {exit_code: 1, duration: 5m}}
    expect:
      state: failed
      tasks: {load: upstream_failed}
      notifications: ["run: failure"]
      ends_at: 2026-03-02T07:20
""",
    )

    assert main(["test", str(folder / "nightly.yaml")]) == 0, capsys.readouterr().out


def test_a_schedule_is_played_with_its_clock_changes(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(
        folder,
        """
  - name: the week in which clocks change
    from: 2026-03-27
    to: 2026-03-31
    expect:
      runs: 4
      state: success
      fire_times: [2026-03-27T05:30Z, 2026-03-28T05:30Z, 2026-03-29T04:30Z, 2026-03-30T04:30Z]
""",
    )

    assert main(["test", str(folder)]) == 0, capsys.readouterr().out


@pytest.mark.parametrize(
    ("cases", "message"),
    [
        (
            "  - {name: a, expect: {stat: success}}",
            "has an unknown key 'stat'; did you mean state?",
        ),
        ("  - {name: a, task: {}, expect: {runs: 1}}", "unknown key 'task'; did you mean tasks?"),
        ("  - {name: a}", "case 'a' expects nothing"),
        ("  - {expect: {runs: 1}}", "a case has no name"),
        ("  - {name: a, from: 2026-01-01, expect: {runs: 1}}", "has only one of from and to"),
        ("  - {name: a, logical_date: soon, expect: {runs: 1}}", "'soon' is no date or time"),
        (
            "  - {name: a, tasks: {x: {duration: soon}}, expect: {runs: 1}}",
            "write a number of seconds",
        ),
        ("  - {name: a", "is no YAML"),
        ("  {}", "needs a list of cases"),
    ],
)
def test_a_mistake_in_a_test_file_is_wrong_usage(
    cases: str, message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, cases)

    assert main(["test", str(folder)]) == 2
    assert message in capsys.readouterr().err


def test_a_run_that_cannot_be_made_fails_its_case(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, "  - {name: a, params: {dya: x}, expect: {state: success}}")

    assert main(["test", str(folder)]) == 1
    assert "the run could not be made: " in capsys.readouterr().out


def test_results_are_written_for_ci(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, HAPPY + "  - {name: wrong, expect: {state: failed}}\n")
    report = folder / "junit.xml"

    assert main(["test", str(folder), "--junit", str(report), "--format", "json"]) == 1
    rows = json.loads(capsys.readouterr().out)
    suite = ElementTree.parse(report).getroot()[0]

    assert [row["passed"] for row in rows] == [True, False]
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert suite[1][0].get("message", "").startswith("state of ")


def test_our_own_examples_pass(capsys: pytest.CaptureFixture[str]) -> None:
    examples = Path(__file__).parents[3] / "examples"

    assert main(["test", str(examples)]) == 0, capsys.readouterr().out


def test_a_mock_of_no_task_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "nightly.yaml").write_text(DAG)
    (tmp_path / "nightly.test.yaml").write_text(
        "cases:\n  - {name: odd, tasks: {fecth: {exit_code: 1}}, expect: {state: success}}\n"
    )

    assert main(["test", str(tmp_path)]) == 2
    assert "has no task 'fecth'; did you mean fetch?" in capsys.readouterr().err
