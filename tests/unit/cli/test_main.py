"""The command line as a shell sees it: output, one line for a mistake, and the exit code."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import click
import pytest

from chalicelib.api_version import API_VERSION_HEADER
from chalicelib.cli.main import main
from chalicelib.cli.verbs import SECTIONS, VERBS

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-m", "chalicelib.cli"]
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("ORCHESTRATOR_")}


def run(
    *words: str, env: dict[str, str] | None = None, home: Path | None = None
) -> subprocess.CompletedProcess[str]:
    environ = {**CLEAN, **(env or {})}
    if home is not None:
        environ |= {"XDG_CONFIG_HOME": str(home), "XDG_STATE_HOME": str(home)}
    return subprocess.run(
        [*COMMAND, *words], capture_output=True, text=True, cwd=ROOT, env=environ, check=False
    )


def test_help_lists_every_verb_and_the_exit_codes() -> None:
    shown = run("--help")

    assert shown.returncode == 0
    assert all(f"\n  {name} " in shown.stdout for name in VERBS)
    assert "Exit codes: 0" in shown.stdout
    assert run().stdout == shown.stdout


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_a_verb_fits_one_screen_and_shows_an_example(verb: str) -> None:
    shown = run(verb, "--help")

    assert shown.returncode == 0
    assert len(shown.stdout.splitlines()) <= 40
    assert "Example" in shown.stdout or f"orchestrator {verb} " in shown.stdout


def subcommands() -> Iterator[tuple[str, click.Command]]:
    for name, verb in VERBS.items():
        command = verb.load()
        if isinstance(command, click.Group):
            for inner in command.commands.values():
                yield f"{name} {inner.name}", inner


@pytest.mark.parametrize(("path", "command"), list(subcommands()))
def test_the_help_of_a_subcommand_fits_one_screen_and_shows_an_example(
    path: str, command: click.Command
) -> None:
    shown = command.get_help(click.Context(command, info_name=path, terminal_width=80))

    assert len(shown.splitlines()) <= 40
    assert f"orchestrator {path} " in shown + " "


def test_the_table_says_what_a_verb_s_own_help_says() -> None:
    for verbs in SECTIONS.values():
        for verb in verbs:
            assert verb.load().get_short_help_str(200) == f"{verb.summary}."


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["dgs"], "no such command: dgs; did you mean dags? (see orchestrator --help)"),
        (["xyzzy"], "no such command: xyzzy (see orchestrator --help)"),
        (["dags", "--limit", "none"], "Invalid value for '--limit'"),
        (["dags", "--url", "example.com"], "example.com is no URL"),
        (["dags", "--profile", "prod"], "there is no profile 'prod'"),
        (["next", "nowhere.yaml"], "nowhere.yaml: no such file"),
        (["cost", "--tasks", "x"], "argument --tasks: invalid positive number value: 'x'"),
        (["deploy", "--oops"], "the following arguments are required: --stage"),
        (["queue", "make", "gpu"], "argument ACTION: invalid choice: 'make'"),
        (["worker"], "the following arguments are required: --queue"),
        (["token", "list", "--region", "eu-central-1"], "--region goes with --stage"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    words: list[str], message: str, tmp_path: Path
) -> None:
    done = run(*words, home=tmp_path)

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"error: {message}")


@pytest.mark.parametrize("words", [["dags"], ["dags", "--url", "http://127.0.0.1:9"]])
def test_without_an_installation_the_exit_code_is_3(words: list[str], tmp_path: Path) -> None:
    done = run(*words, home=tmp_path)

    assert done.returncode == 3
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


@contextmanager
def program(version: str | None) -> Iterator[str]:
    """Serves an empty JSON object, with this version of the API in its header. Yields its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            if version is not None:
                self.send_header(API_VERSION_HEADER, version)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


@pytest.mark.parametrize(
    ("version", "message"),
    [("99", "speaks version 99 of the API"), (None, "answered 200 OK: check the URL")],
)
@pytest.mark.parametrize("words", [["dags"], ["show", "a"], ["top", "--once"], ["health"]])
def test_what_is_no_installation_of_this_version_is_refused_in_one_line(
    version: str | None, message: str, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with program(version) as url:
        code = main([*words, "--url", url])

    assert code == 3
    assert capsys.readouterr().err.startswith(f"error: {url} {message}")


def test_a_reader_that_has_read_enough_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        done = subprocess.run(
            [*COMMAND, "schema"], stdout=closed, stderr=subprocess.PIPE, env=CLEAN, check=False
        )

    assert (done.returncode, done.stderr) == (0, b"")


def test_a_file_that_is_no_text_is_refused_in_one_line(tmp_path: Path) -> None:
    crontab = tmp_path / "crontab"
    crontab.write_bytes(b"\xff\xfe\x00")
    done = run("convert", "crontab", str(crontab))

    assert done.returncode == 1
    assert done.stderr == "error: the file is not UTF-8 text: save it as UTF-8\n"


def test_profiles_that_others_can_read_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "orchestrator" / "profiles.json"
    file.parent.mkdir()
    file.write_text('{"default": "", "profiles": {"prod": {"url": "https://x", "token": "t"}}}')
    file.chmod(0o644)

    done = run("dags", "--profile", "prod", home=tmp_path)

    assert done.returncode == 2
    assert "can be read by others: run chmod 600" in done.stderr


def test_help_imports_neither_rich_nor_the_http_client() -> None:
    script = (
        "import sys; from chalicelib.cli.main import main; main(['--help']);"
        "print([m for m in sys.modules if m.split('.')[0] in {'rich', 'urllib3', 'yaml'}])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True
    )

    assert done.stdout.endswith("[]\n")
