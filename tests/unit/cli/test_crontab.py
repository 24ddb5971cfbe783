"""What a crontab means, kept in a DAG file or said not to be."""

from __future__ import annotations

import subprocess

import pytest

from chalicelib.cli import crontab
from chalicelib.dag.language.parser import parse
from chalicelib.dag.model import Dag


def dags(text: str, *, has_user: bool = False) -> list[Dag]:
    return [parse(row.text.encode()) for row in crontab.read(text, has_user=has_user).dags]


@pytest.mark.parametrize(
    ("line", "schedule"),
    [
        ("0 3 * * 1-5 job", "0 3 * * 1-5"),
        ("*/15  0,12   1-7 jan-mar,jul sun job", "*/15 0,12 1-7 jan-mar,jul sun"),
        ("\t5 4 * * *\tjob", "5 4 * * *"),
        ("@midnight job", "@daily"),
        ("@annually job", "@yearly"),
        ("@hourly job", "@hourly"),
    ],
)
def test_schedules_are_kept(line: str, schedule: str) -> None:
    assert dags(line)[0].schedule == (schedule,)


@pytest.mark.parametrize(
    ("line", "output"),
    [
        (r"0 0 * * * printf '\%s-' a b", "a-b-"),
        ("0 0 * * * cat%one%two", "one\ntwo\n"),
        ("0 0 * * * cat | tr a-z A-Z%shout", "SHOUT\n"),
        (r"0 0 * * * cat%5\% of $HOME", "5% of $HOME\n"),
        ("0 0 * * * cat%", "\n"),
        ("0 0 * * * echo 'x # y' # no comment in a crontab", "x # y\n"),
    ],
)
def test_a_command_does_what_cron_would_have_it_do(line: str, output: str) -> None:
    command = dags(line)[0].tasks[0].command
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)

    assert done.stdout == output


def test_braces_are_no_template() -> None:
    (dag,) = dags("0 0 * * * docker ps --format '{{.Names}}'")

    assert dag.tasks[0].command == "docker ps --format '{{ '{{' }}.Names}}'"


def test_environment_lines_apply_to_what_is_below_them() -> None:
    first, second = dags(
        "A = 1\n0 0 * * * first\nA=\"two words\"\n B='x '\nCRON_TZ=Europe/Berlin\n0 0 * * * second"
    )

    assert (first.env, first.timezone) == ({"A": "1"}, "UTC")
    assert (second.env, second.timezone) == ({"A": "two words", "B": "x "}, "Europe/Berlin")


def test_a_system_crontab_names_a_user() -> None:
    converted = crontab.read("17 * * * * root cd / && run-parts /etc/cron.hourly", has_user=True)

    assert parse(converted.dags[0].text.encode()).tasks[0].command.startswith("cd / && run-parts")
    assert any("the user root cannot be kept" in note for note in converted.notes)


def test_every_dag_has_an_id_and_a_name_of_its_own() -> None:
    text = "# Rotate\n0 0 * * * /opt/job.sh a\n0 1 * * * /opt/job.sh b\n0 2 * * * X=1 sudo -n ls"

    assert [(dag.dag_id, dag.name) for dag in dags(text)] == [
        ("job_sh", "Rotate"),
        ("job_sh_2", "job_sh_2"),
        ("ls", "ls"),
    ]


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("MAILTO=me@example.org\n0 0 * * * job", "MAILTO=me@example.org"),
        ("SHELL=/bin/zsh\n0 0 * * * job", "SHELL=/bin/zsh"),
        ("0 0 * * * job", "no CRON_TZ"),
        ("0 0 * * * ./job", "starts in the home directory"),
        ("@reboot job", "@reboot has no meaning here"),
        ("nonsense", "line 1 is no crontab entry: nonsense"),
        ("0 0 * * *", "line 1 is no crontab entry"),
    ],
)
def test_what_cannot_be_kept_is_said(text: str, note: str) -> None:
    assert any(note in said for said in crontab.read(text, has_user=False).notes)


def test_mailto_nobody_needs_no_note() -> None:
    converted = crontab.read('CRON_TZ=UTC\nMAILTO=""\n0 0 * * * job', has_user=False)

    assert converted.notes == []


@pytest.mark.parametrize("schedule", ["0 25 * * *", "0 0 32 * *", "0 0 30 2 *"])
def test_a_schedule_that_is_not_valid_is_said(schedule: str) -> None:
    notes = crontab.read(f"CRON_TZ=UTC\n{schedule} job", has_user=False).notes

    assert len(notes) == 1
    assert notes[0].startswith("line 2: ")
    assert notes[0].endswith(": correct the schedule")


def test_what_is_about_all_entries_is_said_once_and_in_every_file() -> None:
    converted = crontab.read("MAILTO=me@x\n0 0 * * * a\n0 1 * * * b", has_user=False)

    assert converted.notes == [
        "MAILTO=me@x: output is kept as a log; see on_failure for messages",
        "no CRON_TZ: cron used the machine's time zone; set timezone",
    ]
    assert all("# MAILTO=me@x: " in dag.text for dag in converted.dags)
