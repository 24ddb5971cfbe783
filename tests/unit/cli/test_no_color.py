"""Colours and every other escape code: on a terminal only, and never with NO_COLOR."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PROFILES = (
    '{"default": "a", "profiles": {"a": {"url": "http://localhost", "token": "", "auth": "none"}}}'
)
DAG = "name: Fine\ntasks: [{id: a, command: echo hello}]\n"
TEST = "cases: [{name: it works, expect: {state: success}}]\n"


def on_terminal(words: list[str], home: Path, **env: str) -> str:
    """What the command writes to a terminal."""
    master, terminal = pty.openpty()
    foreign = ("ORCHESTRATOR_", "NO_COLOR", "TERM")
    kept = {name: text for name, text in os.environ.items() if not name.startswith(foreign)}
    environ = {**kept, "TERM": "xterm-256color", "XDG_CONFIG_HOME": str(home), **env}
    with subprocess.Popen(
        [sys.executable, "-m", "chalicelib.cli", *words],
        cwd=ROOT,
        env=environ,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
    ):
        os.close(terminal)
        chunks = []
        try:
            while chunk := os.read(master, 65536):
                chunks.append(chunk)
        except OSError:  # how Linux says that the other side is closed
            pass
    os.close(master)
    return b"".join(chunks).decode()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "orchestrator"
    folder.mkdir()
    file = folder / "profiles.json"
    file.write_text(PROFILES)
    file.chmod(0o600)
    (tmp_path / "fine.yaml").write_text(DAG)
    (tmp_path / "fine.test.yaml").write_text(TEST)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["profile", "list"], "PROFILE"),
        (["run", "{home}/fine.yaml"], "hello"),
        (["test", "{home}/fine.test.yaml"], "it works"),
    ],
)
def test_no_color_leaves_no_escape_code(words: list[str], text: str, home: Path) -> None:
    words = [word.format(home=home) for word in words]

    plain = on_terminal(words, home, NO_COLOR="1")
    assert text in plain
    assert "\x1b" not in plain
    assert "\x1b[" in on_terminal(words, home)
