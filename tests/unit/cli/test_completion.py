"""Completion as the shells do it: their own binaries load the script and ask for words."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.waiting import HANG_SECONDS

ROOT = Path(__file__).parents[3]
DAG = "name: Fine\ntasks: [{id: extract, command: 'true'}, {id: load, command: 'true'}]\n"

BASH = """
eval "$(orchestrator completion bash)"
COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_orchestrator_completion orchestrator
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
FISH = """
orchestrator completion fish | source
complete --do-complete '{line}'
"""
# zsh completes in its line editor only, so the functions that hand it the words print them instead.
ZSH = """
compdef() {{ }}
compadd() {{ local name=$@[-1]; print -rl -- "${{(@P)name}}"; }}
_describe() {{ local name=$3; print -rl -- "${{(@P)name}}"; }}
eval "$(orchestrator completion zsh)"
words=({words}); CURRENT=${{#words}}
_orchestrator_completion
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where the command is on the PATH, with a DAG file and profiles."""
    command = tmp_path / "bin" / "orchestrator"
    command.parent.mkdir()
    command.write_text(
        f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m chalicelib.cli "$@"\n'
    )
    command.chmod(0o755)
    (tmp_path / "fine.yaml").write_text(DAG)
    profiles = tmp_path / "config" / "orchestrator" / "profiles.json"
    profiles.parent.mkdir(parents=True)
    row = {"url": "http://127.0.0.1:9", "token": "", "auth": "none"}
    document = {"default": "", "profiles": {"prod": row, "test": row}}
    profiles.write_text(json.dumps(document))
    profiles.chmod(0o600)
    return tmp_path


def complete(shell: str, line: str, home: Path) -> set[str]:
    """What the shell offers for the last word of the line."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    quoted = " ".join(f"'{word}'" for word in line.split(" "))
    script = {"bash": BASH, "zsh": ZSH, "fish": FISH}[shell].format(words=quoted, line=line)
    options = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]
    foreign = ("ORCHESTRATOR_", "XDG_")
    kept = {name: text for name, text in os.environ.items() if not name.startswith(foreign)}
    done = subprocess.run(
        [shell, *options, "-c", script],
        cwd=home,
        env={
            **kept,
            "PATH": f"{home / 'bin'}:{os.environ['PATH']}",
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_STATE_HOME": str(home),
            "HOME": str(home),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_SECONDS,
    )
    assert done.stderr == ""
    return {line.split("\t")[0].split(":")[0].strip() for line in done.stdout.splitlines() if line}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("orchestrator unp", {"unpause"}),
        ("orchestrator run fine.yaml --task ", {"extract", "load"}),
        ("orchestrator dags --profile p", {"prod"}),
        ("orchestrator trigger nobody-answers", set()),
    ],
)
def test_shells_complete_verbs_tasks_and_profiles(
    shell: str, line: str, expected: set[str], home: Path
) -> None:
    assert complete(shell, line, home) == expected
