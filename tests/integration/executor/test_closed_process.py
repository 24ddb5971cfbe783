"""On Lambda a command, which runs as the executor's own user, cannot look into the executor, and
leaves no process to look into the next command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

PROGRAM = """
import ctypes, os, subprocess, sys
from datetime import UTC, datetime
from chalicelib.executor import Executor
from tests.support.fakes import FakeBucket, FakeQueue
if os.getuid() == 0:
    os.setgroups([]), os.setgid(65534), os.setuid(65534)  # root may read everything
# The change of user has closed this process already; that is not what is tested.
assert ctypes.CDLL(None).prctl(4, 1, 0, 0, 0) == 0
now = lambda: datetime.now(UTC)
own = {"AWS_LAMBDA_FUNCTION_NAME": "f"} if sys.argv[1] == "lambda" else {}
Executor(FakeBucket(), FakeQueue(now), 30.0, {}, now, own_environ=own)
for name in ("environ", "mem", "fd/0"):
    done = subprocess.run(["sh", "-c", f"exec 3< /proc/$PPID/{name}"], stderr=subprocess.DEVNULL)
    print(name, done.returncode == 0)
# A command itself is as open as any process, for debuggers and core files.
print(subprocess.run(["sh", "-c", "exec 3< /proc/$$/environ"]).returncode == 0)
"""


def seen_by_a_command(where: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, where],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    return done.stdout.splitlines()


def test_on_lambda_a_command_cannot_read_the_executors_environment_or_memory() -> None:
    assert seen_by_a_command("lambda") == ["environ False", "mem False", "fd/0 False", "True"]


def test_elsewhere_the_executor_is_left_open() -> None:
    """Which shows that the test above tells the two apart."""
    assert seen_by_a_command("elsewhere")[0] == "environ True"


LEAVES = """
import os, subprocess, sys
from datetime import UTC, datetime
from pathlib import Path
from chalicelib.executor import Executor
from chalicelib.messages import Attempt, TaskMessage
from tests.support.fakes import FakeBucket, FakeQueue
now = lambda: datetime.now(UTC)
own = {"AWS_LAMBDA_FUNCTION_NAME": "f"} if sys.argv[1] == "lambda" else {}
executor = Executor(FakeBucket(), FakeQueue(now), 30.0, dict(os.environ), now, own_environ=own)
pids = Path(sys.argv[2])
# Each in a session of its own, the second a child of the first.
command = f"setsid sh -c 'echo $$; setsid sleep 300 & echo $!; wait' >{pids} 2>&1 &" \
    f" until [ $(wc -l <{pids}) = 2 ]; do sleep 0.01; done"
executor.handle(TaskMessage(Attempt("d", "r", "t", -1, 1), command).encode(), time_left=lambda: 60)
for pid in map(int, pids.read_text().split()):
    try:
        os.kill(pid, 9)
        print("lived")
    except ProcessLookupError:
        print("gone")
"""


@pytest.mark.parametrize(
    ("where", "found"), [("lambda", ["gone", "gone"]), ("elsewhere", ["lived", "lived"])]
)
def test_on_lambda_nothing_that_a_command_started_outlives_it(
    where: str, found: list[str], tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LEAVES, where, str(tmp_path / "pids")],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    assert done.stdout.splitlines() == found
