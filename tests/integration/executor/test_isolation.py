"""Locally, a command cannot read the secrets of the commands beside it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# In a process of its own: it gives up being root, whom no domain binds.
AS_NOBODY = r"""
import os, sys, tempfile
from pathlib import Path
from chalicelib.executor import isolation
from tests.integration.executor.bench_of_one import Bench
from tests.integration.executor.test_secrets import FakeSecrets
from tests.support.waiting import eventually
if os.geteuid() == 0:
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
if not isolation.is_possible():
    sys.exit(77)
folder = Path(tempfile.mkdtemp(dir="/tmp"))
os.mkfifo(folder / "go")
bench = Bench(secrets=FakeSecrets(pw="hunter2-hunter2"))
victim = f"cd {folder}; echo $$ > new; mv new pid; read _ < go; rm -r {folder}"
thread = bench.start(victim, secrets={"PW": "ssm:/pw"})
eventually((folder / "pid").exists)
looked_at = f"/proc/{(folder / 'pid').read_text().strip()}/environ"
print(b"PW=" in Path(looked_at).read_bytes())
other = Bench()
other.run(f"grep -c PW= {looked_at}")
print(*other.output())
other.run("sleep 60 & grep -c PATH= /proc/$!/environ; kill $!")
print(*other.output())
(folder / "go").write_text("\n")
thread.join()
print("NoNewPrivs:\t0" in Path("/proc/self/status").read_text())
"""


def test_a_command_reads_the_environment_of_its_own_processes_only() -> None:
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", AS_NOBODY], cwd=root, capture_output=True, text=True, check=False
    )
    if done.returncode == 77:
        pytest.skip("takes Landlock of Linux 6.12 or later")
    *first, refused, own, is_free = done.stdout.splitlines()
    assert refused.endswith("environ: Permission denied"), done.stderr
    assert [*first, own, is_free] == ["True", "1", "True"]
