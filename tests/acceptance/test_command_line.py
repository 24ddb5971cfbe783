"""The verbs that need an installation, as one long session with a local cloud."""

from __future__ import annotations

import io
import json
import os
import re
import sys
import tarfile
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chalicelib.cli.main import main
from chalicelib.web.routes import ROUTES
from tests.acceptance.local_cloud import LocalCloud

FLAKY = """
name: Flaky
schedule: "0 3 * * *"
tags: [nightly]
params: {day: {type: string, default: today}, count: {type: integer, default: 1}}
tasks:
  - {id: fine, command: 'echo "day $PARAM_DAY count $PARAM_COUNT"'}
  - {id: boom, command: "echo oh no; exit 3", dependencies: fine}
  - {id: after, command: echo after, dependencies: boom}
"""
SLEEPER = """
name: Sleeper
schedule: "0 3 * * *"
tasks:
  - {id: wait, command: echo begun; sleep 600}
"""
MAKER = """
name: Maker
files: [texts/hello.txt, texts/dot.bin]
tasks:
  - id: build
    command: mkdir out && cp texts/hello.txt out/ && printf 'a,b\\n1,2\\n' > table.csv
    artifacts: {table: table.csv, folder: out}
  - {id: idle, command: "true"}
"""
BROKEN = "name: Broken\ntasks:\n  - {id: a, comand: echo}\n"
NO_COMMAND = {
    ("POST", "/api/dags/validate"): "`validate` checks without an installation",
    ("GET", "/api/dag-schema.json"): "`schema` prints it without an installation",
    ("GET", "/api/dag-file-reference"): "for the page; the README has it",
    ("GET", "/api/dag-file"): "for the page's editor; `pull` prints a DAG's file",
    ("PUT", "/api/dag-file"): "for the page's editor; `push` writes to the bucket itself",
    ("GET", "/api/metrics"): "for Prometheus; `top` and `health` are for people",
    ("GET", "/api/openapi.json"): "for programs that generate clients",
    ("GET", "/api/upcoming"): "`dags` shows the next fire time",
    ("GET", "/api/tags"): "`dags` shows the tags",
    ("GET", "/api/overview"): "for the page; `runs` and `dags` show more of each",
    ("GET", "/api/failures"): "for the page; `runs --state failed` lists them",
    ("GET", "/api/dags/{dag_id}/grid"): "for the page; `runs` and `show` list the same",
    ("GET", "/api/dags/{dag_id}/days"): "for the page's calendar; `runs` has dates",
    ("GET", "/api/dags/{dag_id}/durations"): "for the page; `runs` shows how long each took",
    ("GET", "/api/changes"): "for the page; `watch` follows a run",
    ("POST", "/api/runs/{run_id}/acknowledge"): "`ack` acknowledges several at once",
    ("POST", "/api/runs/{run_id}/tasks/{task_id}/clear"): "`clear` names tasks of the run",
    ("GET", "/api/dags/{dag_id}/versions/{version}"): "for the page's graph of an older run",
    ("GET", "/api/runs/{run_id}/earlier_attempts"): "for the page's timeline; `show` has a task's",
}
"""Routes that no command uses, and why."""


@dataclass(frozen=True)
class Done:
    """What one command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def orchestrator(line: str, *more: str) -> Done:
    """Run the command line in this process."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main([*line.split(), *more])
    return Done(code, out.getvalue(), err.getvalue())


def session(cloud: LocalCloud, folder: Path) -> dict[str, Done]:
    """The commands of a day, by name."""
    dags = folder / "to-push"
    dags.mkdir()
    (dags / "flaky.yaml").write_text(FLAKY)
    (dags / "sleeper.yaml").write_text(SLEEPER)
    (dags / "notes.txt").write_text("beside the DAGs")
    maker = folder / "maker"
    (maker / "texts").mkdir(parents=True)
    (maker / "maker.yaml").write_text(MAKER)
    (maker / "texts" / "hello.txt").write_text("hello\n")
    (maker / "texts" / "dot.bin").write_bytes(b"\0\1")
    kept = folder / "kept"
    kept.mkdir()
    broken = folder / "broken.yaml"
    broken.write_text(BROKEN)
    done = {
        "push broken": orchestrator("push", str(broken)),
        "push plan": orchestrator("push --dry-run --prefix team/", str(dags)),
        "push": orchestrator("push --prefix team/", str(dags)),
        "push again": orchestrator("push --prefix team/ --format json", str(dags)),
        "dags": orchestrator("dags"),
        "trigger": orchestrator("trigger flaky -p day=monday -p count=7 --follow"),
        "trigger wrong": orchestrator("trigger flaky -p dya=monday"),
        "trigger odd": orchestrator("trigger flaky -p count=many"),
        "runs nobody": orchestrator("runs falky"),
        "trigger nobody": orchestrator("trigger falky"),
        "why": orchestrator("why flaky"),
        "why json": orchestrator("why flaky boom --format json"),
        "show run": orchestrator("show", cloud.get("/dags/flaky/runs")["runs"][0]["run_id"]),
        "show task": orchestrator("show flaky boom"),
        "show dag": orchestrator("show flaky --format json"),
        "runs found": orchestrator("runs --tag nightly --type manual --cause", "EXIT CODE 3"),
        "runs other day": orchestrator("runs flaky --to 2026-01-01"),
        "retry all plan": orchestrator("runs --state failed --then retry --dry-run"),
        "ack all": orchestrator(
            "runs --state failed --name flak --then acknowledge --note seen --format json"
        ),
        "ack all again": orchestrator("runs --state failed --then acknowledge"),
        "cancel none": orchestrator("runs --state failed --then cancel"),
        "tasks": orchestrator("tasks flaky"),
        "all tasks": orchestrator("tasks --state failed"),
        "logs": orchestrator("logs flaky fine --no-timestamps"),
        "all logs": orchestrator("logs flaky --no-timestamps"),
        "all logs followed": orchestrator("logs flaky --no-timestamps --follow"),
        "logs found": orchestrator("logs flaky --search OH --format json"),
        "logs odd": orchestrator("logs flaky --try 1"),
        "logs nobody": orchestrator("logs flaky fien"),
        "ack": orchestrator("ack flaky --note known"),
        "unack": orchestrator("ack flaky --undo"),
        "runs": orchestrator("runs flaky --state failed --format json"),
        "clear plan": orchestrator("clear flaky boom --downstream --dry-run"),
        "retry plan": orchestrator("retry flaky --dry-run"),
        "mark": orchestrator("mark flaky boom success"),
        "clear": orchestrator("clear flaky after"),
        "note": orchestrator("note flaky", "the source was late"),
        "rerun": orchestrator("rerun flaky"),
        "sleep": orchestrator("trigger sleeper"),
        "top": orchestrator("top --format json"),
        "cancel plan": orchestrator("cancel sleeper --dry-run"),
        "cancel task": orchestrator("cancel sleeper wait"),
        "cancel": orchestrator("cancel sleeper"),
        "pause": orchestrator("pause --tag nightly"),
        "unpause": orchestrator("unpause flaky"),
        "backfill plan": orchestrator("backfill start flaky 2026-11-01 2026-11-03 --dry-run"),
        "backfill": orchestrator(
            "backfill start sleeper 2026-10-01 2026-11-03 --max-active-runs 1 --format json"
        ),
        "backfill pause": orchestrator("backfill pause 1"),
        "backfill resume": orchestrator("backfill resume 1"),
        "backfill cancel": orchestrator("backfill cancel 1 --stop-running"),
        "backfill list": orchestrator("backfill list --dag sleeper"),
        "pool": orchestrator("pools set warehouse 4"),
        "pools": orchestrator("pools list"),
        "pool delete": orchestrator("pools delete warehouse"),
        "errors": orchestrator("errors --warnings"),
        "ticks": orchestrator("ticks --limit 3"),
        "audit": orchestrator("audit --target flaky"),
        "notifications": orchestrator("notifications"),
        "resend nobody": orchestrator("resend 99"),
        "health": orchestrator("health"),
        "push maker": orchestrator("push", str(maker)),
        "trigger maker": orchestrator("trigger maker --wait"),
        "artifacts": orchestrator("artifacts list maker"),
        "artifacts json": orchestrator("artifacts list maker build --map-index -1 --format json"),
        "artifacts nobody": orchestrator("artifacts list maker biuld"),
        "artifact": orchestrator("artifacts show maker build table"),
        "artifact folder": orchestrator("artifacts show maker build folder"),
        "artifact nobody": orchestrator("artifacts show maker build tabel"),
        "artifact none": orchestrator("artifacts download maker idle table"),
        "download": orchestrator("artifacts download maker build table -o", str(kept)),
        "download again": orchestrator("artifacts download maker build table -o", str(kept)),
        "download folder": orchestrator(
            "artifacts download maker build folder --format json -o", str(kept / "out.tar")
        ),
        "files": orchestrator("files list maker"),
        "files nobody": orchestrator("files list mkaer"),
        "file": orchestrator("files show maker texts/hello.txt"),
        "file binary": orchestrator("files show maker texts/dot.bin"),
        "file nobody": orchestrator("files show maker texts/hallo.txt"),
        "workers": orchestrator("workers"),
        "workers json": orchestrator("workers --queue gpu --format json"),
        "next": orchestrator("next flaky --count 2 --format json"),
        "next too many": orchestrator("next flaky --count 101"),
        "token plan": orchestrator("token create vera --role viewer --dags fla* --dry-run"),
        "token": orchestrator(
            "token create vera --role viewer --dags fla* --expires-in-days 7 --format json --open"
        ),
        "token wrong": orchestrator("token create otto --role viewer --dags a/b"),
        "token twice": orchestrator("token create vera --role viewer"),
        "tokens": orchestrator("token list"),
        "token nobody": orchestrator("token revoke vear"),
        "token revoke": orchestrator("token revoke vera"),
        "tokens json": orchestrator("token list --format json"),
        "token region": orchestrator("token list --region eu-central-1"),
        "pull": orchestrator("pull flaky"),
        "rm plan": orchestrator("rm sleeper --dry-run"),
        "rm": orchestrator("rm sleeper"),
    }
    return done


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    cloud = LocalCloud(tmp_path_factory.mktemp("cloud"))
    with cloud.running():
        yield cloud


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("user")


@pytest.fixture(scope="module")
def kept(folder: Path) -> Path:
    return folder / "kept"


@pytest.fixture(scope="module")
def done(cloud: LocalCloud, folder: Path) -> Iterator[dict[str, Done]]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("ORCHESTRATOR_")]:
            patch.delenv(name)
        patch.setenv("ORCHESTRATOR_HOME", str(cloud.home))
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        patch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        patch.setattr(sys, "stdin", io.StringIO())
        yield session(cloud, folder)


FAILING = {
    "ack all again": 1,
    "logs odd": 2,
    "cancel none": 1,
    "next too many": 2,
    "token wrong": 2,
    "token twice": 1,
    "token nobody": 2,
    "token region": 2,
    "artifacts nobody": 2,
    "artifact folder": 1,
    "artifact nobody": 2,
    "artifact none": 2,
    "download again": 1,
    "files nobody": 2,
    "file binary": 1,
    "file nobody": 2,
    "push broken": 1,
    "trigger": 1,
    "trigger wrong": 2,
    "trigger odd": 2,
    "runs nobody": 2,
    "trigger nobody": 2,
    "logs nobody": 2,
    "resend nobody": 2,
}


def test_exit_codes_say_what_went_well(done: dict[str, Done]) -> None:
    codes = {name: done[name].code for name in done}

    assert codes == {name: FAILING.get(name, 0) for name in done}, {
        name: done[name].err for name in done if codes[name] != FAILING.get(name, 0)
    }


def test_an_invalid_file_is_not_uploaded(done: dict[str, Done], cloud: LocalCloud) -> None:
    assert "broken.yaml:3:13: " in done["push broken"].err
    assert "did you mean" in done["push broken"].err
    assert cloud.get("/import_errors")["import_errors"] == []


def test_a_folder_is_pushed_and_its_versions_reported(done: dict[str, Done]) -> None:
    assert done["push plan"].out == (
        "adds s3://orchestrator-dags/team/notes.txt\n"
        "adds s3://orchestrator-dags/team/flaky.yaml\n"
        "adds s3://orchestrator-dags/team/sleeper.yaml\n"
    )
    assert done["push"].out == (
        "s3://orchestrator-dags/team/notes.txt: uploaded\n"
        "flaky: version 1, from team/flaky.yaml\nsleeper: version 1, from team/sleeper.yaml\n"
    )
    assert [row["version"] for row in done["push again"].json] == [1, 1]


def test_a_followed_run_shows_logs_and_states(done: dict[str, Done]) -> None:
    assert "fine | " in done["trigger"].out
    assert "day monday count 7" in done["trigger"].out
    assert re.search(r"^boom: failed in \d+.*: exit code 3$", done["trigger"].out, re.MULTILINE)
    assert "ended as failed" in done["trigger"].err


def test_misspelt_words_get_the_nearest_match(done: dict[str, Done]) -> None:
    assert "did you mean day?" in done["trigger wrong"].err
    assert "did you mean flaky?" in done["trigger nobody"].err
    assert "did you mean fine?" in done["logs nobody"].err
    assert "did you mean flaky?" in done["runs nobody"].err


def test_a_wrong_param_is_named_once(done: dict[str, Done]) -> None:
    assert done["trigger odd"].err == "error: param 'count' must be a whole number, not \"many\"\n"


def test_why_names_the_task_its_reason_and_the_end_of_its_log(done: dict[str, Done]) -> None:
    assert "  boom: failed: exit code 3\n" in done["why"].out
    assert done["why"].out.rstrip().endswith("oh no")
    assert done["why json"].json["reasons"][0]["reason"] == "exit code 3"


def test_what_is_piped_is_tab_separated_without_colours(done: dict[str, Done]) -> None:
    header, *rows = done["dags"].out.splitlines()

    assert header.split("\t")[0] == "DAG"
    assert [row.split("\t")[0] for row in rows] == ["flaky", "sleeper"]
    assert "\x1b" not in "".join(row.out for row in done.values())


def test_a_log_is_printed_as_it_was_written(done: dict[str, Done]) -> None:
    assert done["logs"].out == "day monday count 7\n"


def test_a_dry_run_shows_the_reach_and_changes_nothing(done: dict[str, Done]) -> None:
    assert "boom: failed" in done["clear plan"].out
    assert "after: upstream_failed" in done["clear plan"].out
    assert "wait: " in done["cancel plan"].out
    assert "3 fire times" in done["backfill plan"].out
    assert done["rm plan"].out == (
        "deletes s3://orchestrator-dags/team/sleeper.yaml, and so removes sleeper\n"
    )


def test_changes_are_made(done: dict[str, Done], cloud: LocalCloud) -> None:
    assert done["mark"].out == "boom: success\n"
    assert done["pause"].out == "paused: flaky\n"
    assert done["unpause"].out == "active: flaky\n"
    assert done["backfill"].json["total"] == 34
    assert "cancelled" in done["backfill list"].out
    assert done["rm"].out == "sleeper: removed\n"
    assert done["pull"].out == FLAKY
    assert cloud.dag_ids() == ["flaky", "maker"]


def test_runs_are_found_and_changed_together(done: dict[str, Done]) -> None:
    _, row = done["runs found"].out.splitlines()
    assert row.endswith("boom: exit code 3")
    assert len(done["runs other day"].out.splitlines()) == 1
    reach = done["retry all plan"].out.splitlines()
    assert (reach[0], len(reach)) == ("would retry:", 2)
    assert reach[1].endswith(": 2 tasks")
    (acknowledged,) = done["ack all"].json["runs"]
    assert acknowledged["is_change"]
    assert "nothing to acknowledge" in done["ack all again"].err
    assert done["ack all again"].err.rstrip().endswith(": done before")
    assert "already ended" in done["cancel none"].err


def test_all_logs_of_a_run_are_printed_and_searched(done: dict[str, Done]) -> None:
    assert done["all logs"].out == "fine | day monday count 7\nboom | oh no\n"
    assert sorted(done["all logs followed"].out.splitlines()) == [
        "boom | oh no",
        "fine | day monday count 7",
    ]
    (line,) = done["logs found"].json["lines"]
    assert (line["task"], line["text"].endswith("oh no")) == ("boom", True)
    assert "name it" in done["logs odd"].err


def test_artifacts_are_listed_shown_and_downloaded_whole(done: dict[str, Done], kept: Path) -> None:
    rows = [row.split("\t") for row in done["artifacts"].out.splitlines()]

    assert [row[:4] for row in rows] == [
        ["TASK", "ARTIFACT", "FILE", "SIZE"],
        ["build", "folder", "out.tar", rows[1][3]],
        ["build", "table", "table.csv", "8 B"],
    ]
    assert [row["name"] for row in done["artifacts json"].json] == ["folder", "table"]
    assert done["artifact"].out == (kept / "table.csv").read_text() == "a,b\n1,2\n"
    with tarfile.open(kept / "out.tar") as archive:
        assert "hello.txt" in " ".join(archive.getnames())
    assert done["download folder"].json["path"] == str(kept / "out.tar")
    assert sorted(path.name for path in kept.iterdir()) == ["out.tar", "table.csv"]


def test_what_cannot_be_printed_or_is_there_already_is_said_in_a_line(
    done: dict[str, Done],
) -> None:
    assert "did you mean build?" in done["artifacts nobody"].err
    assert "a folder can only be downloaded" in done["artifact folder"].err
    assert "has no artifact 'tabel'; did you mean table?" in done["artifact nobody"].err
    assert done["artifact none"].err == (
        "error: the task idle has no artifact 'table'; it left none\n"
    )
    assert "exists: name another with -o, or replace it with --force" in done["download again"].err
    assert "did you mean maker?" in done["files nobody"].err
    assert "texts/dot.bin cannot be printed" in done["file binary"].err
    assert "did you mean texts/hello.txt?" in done["file nobody"].err


def test_the_files_of_a_dag_and_the_workers_are_listed(done: dict[str, Done]) -> None:
    assert [row.split("\t")[0] for row in done["files"].out.splitlines()] == [
        "FILE",
        "texts/dot.bin",
        "texts/hello.txt",
    ]
    assert done["file"].out == "hello\n"
    assert done["workers"].out.splitlines()[0].split("\t")[:3] == ["WORKER", "QUEUE", "RUNS"]
    assert done["workers json"].json["workers"] == []


def test_tokens_are_created_listed_and_revoked(done: dict[str, Done]) -> None:
    created = done["token"].json
    assert done["token plan"].out == "creates the token vera: viewer of fla*\n"
    assert created["token"].startswith("orch_")
    assert created["sign_in_url"].endswith(f"/#/signin?token={created['token']}")
    assert "asks for no token, so whoever reaches it may do everything" in done["token"].err
    assert "is no pattern of DAGs" in done["token wrong"].err

    row = done["tokens"].out.splitlines()[1].split("\t")
    assert row[:3] == ["vera", "viewer", "fla*"]
    assert row[3].startswith("expires in 6d23h") or row[3].startswith("expires in 7d")
    assert "did you mean vera?" in done["token nobody"].err
    assert done["token revoke"].out == "revoked: vera\n"
    assert done["tokens json"].json[0]["revoked_at"] is not None


def test_every_route_has_a_command_or_a_reason_why_not(
    done: dict[str, Done], cloud: LocalCloud
) -> None:
    assert done
    asked = set(re.findall(r'"(GET|POST|PUT|PATCH|DELETE) (/api/[^ ?]*)', cloud.said()))
    unused = {
        (route.method, route.path)
        for route in ROUTES
        if not any(route.method == method and _is_of(route.path, path) for method, path in asked)
    }

    assert unused == set(NO_COMMAND)


def _is_of(template: str, path: str) -> bool:
    known = {route.path for route in ROUTES}
    return path == template or (
        path not in known and bool(re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path))
    )
