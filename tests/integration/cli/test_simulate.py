"""`orchestrator simulate`: what would run when, and what would wait for what."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chalicelib.cli.main import main

PERIOD = ["--from", "2026-03-02", "--to", "2026-03-03"]


def simulate(
    folder: Path, capsys: pytest.CaptureFixture[str], *options: str, **files: str
) -> dict[str, Any]:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(f"name: {name}\n{text}")
    code = main(["simulate", str(folder), "--format", "json", *PERIOD, *options])
    out, err = capsys.readouterr()
    assert code == 0, err
    answer: dict[str, Any] = json.loads(out)
    return answer


def row(answer: dict[str, Any], dag_id: str) -> dict[str, Any]:
    (found,) = [row for row in answer["dags"] if row["dag_id"] == dag_id]
    return dict(found)


TASK = "tasks: [{id: a, command: echo}]"
THREE = "tasks: [{id: a, command: x}, {id: b, command: x}, {id: c, command: x}]"


def test_every_fire_time_makes_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = simulate(
        tmp_path,
        capsys,
        hourly=f"schedule: '30 * * * *'\n{TASK}",
        daily=f"schedule: '@daily'\n{TASK}",
    )

    assert row(answer, "hourly")["runs"] == 24
    assert row(answer, "daily")["runs"] == 1
    assert row(answer, "hourly")["longest_run"] == pytest.approx(10)
    assert row(answer, "hourly")["missed"] == 0
    assert answer["most_at_once"] >= 1


@pytest.mark.parametrize(
    ("text", "limit", "seconds"),
    [
        (f"schedule: '0 6 * * *'\nmax_active_tasks: 1\n{THREE}", "max_active_tasks", 20),
        (
            "schedule: '0 6 * * *'\ndefault_args: {pool: narrow}\n" + THREE,
            "pool narrow",
            20,
        ),
    ],
)
def test_waits_are_told_with_their_limit(
    text: str, limit: str, seconds: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = row(simulate(tmp_path, capsys, "--pool", "narrow=1", waits=text), "waits")

    assert (found["limit"], found["longest_wait"]) == (limit, pytest.approx(seconds, abs=1))


def test_runs_that_wait_for_the_one_before_and_those_that_are_skipped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    slow = f"schedule: '0 6-8 * * *'\nmax_active_runs: 1\n{TASK}"
    answer = simulate(
        tmp_path,
        capsys,
        "--durations",
        str(5400),
        queues=slow,
        skips=f"overlap_policy: skip\n{slow}",
        overlaps=f"schedule: '0 6-8 * * *'\n{TASK}",
    )

    assert row(answer, "queues")["limit"] == "max_active_runs"
    assert row(answer, "queues")["longest_wait"] == pytest.approx(3600, abs=2)
    assert (row(answer, "skips")["runs"], row(answer, "skips")["missed"]) == (2, 1)
    assert row(answer, "overlaps")["overlaps"] == 2


def test_durations_may_be_named_by_task_or_dag(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    durations = tmp_path / "durations.json"
    durations.write_text('{"one.a": 60, "other": 5}')
    answer = simulate(
        tmp_path,
        capsys,
        "--durations",
        str(durations),
        one=f"schedule: '0 6 * * *'\n{TASK}",
        other=f"schedule: '0 6 * * *'\n{TASK}",
    )

    assert row(answer, "one")["longest_run"] == pytest.approx(60)
    assert row(answer, "other")["longest_run"] == pytest.approx(5)


def test_retries_triggers_and_mapped_tasks_are_simulated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = simulate(
        tmp_path,
        capsys,
        parent="schedule: '0 6 * * *'\ntasks: [{id: go, trigger_dag_id: child}]",
        child="tasks:\n"
        "  - {id: list, command: echo, outputs: [names]}\n"
        "  - id: each\n"
        "    command: echo\n"
        "    dependencies: list\n"
        "    expand: {NAME: '{{ outputs.list.names }}'}\n",
    )

    assert row(answer, "child")["runs"] == 1
    assert row(answer, "child")["tasks"] == 4
    assert row(answer, "child")["failed_runs"] == 0


def test_the_page_needs_nothing_else_and_holds_every_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "dag.yaml").write_text(f"name: A\nschedule: '@hourly'\n{TASK}")
    page = tmp_path / "out" / "page.html"
    page.parent.mkdir()

    assert main(["simulate", str(tmp_path), *PERIOD, "--format", "html", "-o", str(page)]) == 0
    assert capsys.readouterr().out == f"{page}\n"
    text = page.read_text()
    assert text.count('"success"') >= 23
    assert "http" not in text.replace("http-equiv", "")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--to", "2020-01-01"], "--to must be within 80 days"),
        (["--durations", "long"], "neither seconds nor a file"),
        (["--durations", "-1"], "is not between 0 and 30 days"),
        (["--pool", "x"], "'x' is no pool: write NAME=SLOTS"),
    ],
)
def test_wrong_usage_is_told(
    options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "dag.yaml").write_text(f"name: A\nschedule: '@hourly'\n{TASK}")

    assert main(["simulate", str(tmp_path), *options]) == 2
    assert message in capsys.readouterr().err
