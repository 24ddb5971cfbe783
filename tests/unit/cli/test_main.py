"""The command line as a shell sees it: output, one line for a mistake, and the exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

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
