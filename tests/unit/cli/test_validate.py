"""`validate`, `next`, `new`, `schema` and `convert`, which need no installation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chalicelib.cli.main import main
from chalicelib.dag.language.json_schema import json_schema

VALID = "name: Fine\ntasks: [{id: a, command: echo}]\n"
INVALID = "name: Bad\ntasks:\n  - {id: a, comand: echo}\n"


def test_every_problem_is_printed_with_its_place_and_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.yaml").write_text(INVALID)
    (tmp_path / "fine.yml").write_text(VALID)
    (tmp_path / "notes.txt").write_text("no DAG file")

    assert main(["validate", str(tmp_path)]) == 1
    out, err = capsys.readouterr()
    first, source, mark = out.splitlines()[3:6]
    assert first.startswith(f"{tmp_path}/bad.yaml:3:13: unknown key 'comand'")
    assert source == "    3 |   - {id: a, comand: echo}"
    assert mark.index("^") == source.index("comand")
    assert out.endswith("\n2 files: 2 problems, 0 warnings\n")
    assert err == ""


def test_two_files_with_one_dag_id_are_a_problem(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(VALID)

    assert main(["validate", "--format", "json", str(tmp_path)]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["files"] == 2
    assert answer["findings"][0]["message"] == f"the dag_id 'fine' is taken by {tmp_path}/a.yaml"


def test_annotations_escape_what_github_reads_as_syntax(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a,b.yaml"
    file.write_text("name: 100%\ntasks: [{id: a, command: echo, retries: '5%'}]\n")

    assert main(["validate", "--format", "github", str(file)]) == 1
    out = capsys.readouterr().out
    assert f"::error file={tmp_path}/a%2Cb.yaml,line=2,col=" in out
    assert "5%25" in out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("schedule: '@daily'\nend_date: 2001-01-01", "the schedule never fires again"),
        ("params: {who: me}", "nothing uses the param 'who'"),
        ("schedule: '@hourly'\ndagrun_timeout: 2h", "dagrun_timeout is 7200 s, longer than"),
        ("schedule: '@every 10s'\ndefault_args: {execution_timeout: 10m}", "execution_timeout is"),
        ("schedule: '@hourly'\ndagrun_timeout: 1h", ""),
    ],
)
def test_what_can_hardly_be_meant_is_a_warning(
    text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "dag.yaml"
    file.write_text(f"{VALID}{text}\n")

    assert main(["validate", str(file)]) == 0
    out = capsys.readouterr().out
    assert (f"warning: {message}" in out) if message else "warning:" not in out
    assert main(["validate", "--strict", str(file)]) == (1 if message else 0)


def test_a_task_s_own_limit_beyond_the_interval_is_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "dag.yaml"
    task = "tasks: [{id: a, command: echo, execution_timeout: 10m}]"
    file.write_text(f"name: Slow\nschedule: '*/5 * * * *'\n{task}\n")

    main(["validate", str(file)])
    assert "dag.yaml:3:" in capsys.readouterr().out


@pytest.mark.parametrize("used", ["$PARAM_WHO", "${PARAM_WHO:-x}", "{{ params.who }}"])
def test_a_param_in_a_command_is_used(
    used: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "dag.yaml"
    command = json.dumps(f'echo "{used}"')
    file.write_text(f"name: A\nparams: {{who: me}}\ntasks: [{{id: a, command: {command}}}]\n")

    main(["validate", str(file)])
    assert "nothing uses" not in capsys.readouterr().out


def test_what_is_no_file_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", str(tmp_path / "missing.yaml")]) == 2
    assert main(["validate", str(tmp_path)]) == 2
    assert "has no DAG files" in capsys.readouterr().err


def test_a_starter_is_valid_and_never_overwrites(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert main(["new", "Nightly report"]) == 0
    assert main(["validate", "--strict", "nightly_report.yaml"]) == 0
    assert main(["new", "Nightly report"]) == 1
    assert "nightly_report.yaml exists already" in capsys.readouterr().err


def test_next_prints_fire_times_in_the_dag_s_zone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "dag.yaml"
    file.write_text(f"{VALID}schedule: 30 6 * * *\ntimezone: Europe/Berlin\n")

    assert main(["next", str(file), "--count", "2", "--after", "2026-03-28"]) == 0
    assert capsys.readouterr().out == (
        "Sat 2026-03-28 06:30:00 CET\nSun 2026-03-29 06:30:00 CEST\n"
    )


def test_the_schema_is_that_of_the_editor(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == json_schema()


def test_a_crontab_becomes_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "table"
    table.write_text("CRON_TZ=UTC\n0 3 * * * /opt/backup.sh\n")
    folder = tmp_path / "dags"

    assert main(["convert", "crontab", str(table), "-o", str(folder)]) == 0
    assert capsys.readouterr().out == f"{folder}/backup_sh.yaml\n"
    assert main(["validate", "--strict", str(folder)]) == 0
