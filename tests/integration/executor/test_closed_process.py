"""On Lambda a command, which runs as the executor's own user, cannot look into the executor, and
leaves no process to look into the next command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import lambda_sandbox
from tests.support.waiting import HANG_SECONDS

ROOT = Path(__file__).parents[3]

PROGRAM = """
import ctypes, os, subprocess, sys
from datetime import UTC, datetime
from chalicelib.executor import Executor
from tests.support.fakes import FakeBucket, FakeClaims, FakeQueue
if os.getuid() == 0:
    os.setgroups([]), os.setgid(65534), os.setuid(65534)  # root may read everything
# The change of user has closed this process already; that is not what is tested.
assert ctypes.CDLL(None).prctl(4, 1, 0, 0, 0) == 0
now = lambda: datetime.now(UTC)
own = {"AWS_LAMBDA_FUNCTION_NAME": "f"} if sys.argv[1] == "lambda" else {}
Executor(FakeBucket(), FakeClaims(), FakeQueue(now), 30.0, {}, now, own_environ=own)
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
        timeout=HANG_SECONDS,
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
from tests.support.fakes import FakeBucket, FakeClaims, FakeQueue
now = lambda: datetime.now(UTC)
own = {"AWS_LAMBDA_FUNCTION_NAME": "f"} if sys.argv[1] == "lambda" else {}
ports = FakeBucket(), FakeClaims(), FakeQueue(now)
executor = Executor(*ports, 30.0, dict(os.environ), now, own_environ=own)
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


UNDER_LAMBDAS_FILTER = [sys.executable, "-m", "tests.support.lambda_sandbox", sys.executable]

needs_seccomp = pytest.mark.skipif(
    not lambda_sandbox.is_possible(), reason="refusing a system call needs seccomp"
)

STARTS_LIKE_EXECUTE = """
import os, subprocess, sys
sys.path.insert(0, os.getcwd())
os.environ["AWS_LAMBDA_FUNCTION_NAME"] = "f"
from chalicelib.executor import sandbox
if sys.argv[1] == "closes": sandbox.close_program(sys.orig_argv)
print(sandbox.close_process(os.environ).name)
for name in ("environ", "mem", "fd/0", "maps"):
    done = subprocess.run(["sh", "-c", f"exec 3< /proc/$PPID/{name}"], stderr=subprocess.DEVNULL)
    print(name, done.returncode == 0)
print(subprocess.run(["sh", "-c", "exec 3< /proc/$$/environ"]).returncode == 0)
print("_ORCHESTRATOR_CLOSED_PROGRAM" in os.environ, sys.executable)
"""


def seen_where_prctl_is_refused(how: str, script: Path) -> list[str]:
    """A process that is started again has only its command line, hence the file."""
    script.write_text(STARTS_LIKE_EXECUTE)
    done = subprocess.run(
        [*UNDER_LAMBDAS_FILTER, str(script), how],
        cwd=ROOT,
        env={**os.environ, "AWS_LAMBDA_FUNCTION_NAME": "f"},
        check=True,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    return done.stdout.splitlines()


@needs_seccomp
def test_where_prctl_is_refused_the_program_cannot_be_read_and_so_the_process_neither(
    tmp_path: Path,
) -> None:
    assert seen_where_prctl_is_refused("closes", tmp_path / "start.py") == [
        "UNREADABLE_PROGRAM",
        "environ False",
        "mem False",
        "fd/0 False",
        "maps False",
        "True",
        f"False {sys.executable}",
    ]


@needs_seccomp
def test_without_that_program_the_process_is_open_says_so_and_goes_on(tmp_path: Path) -> None:
    seen = seen_where_prctl_is_refused("does not close", tmp_path / "start.py")
    assert seen[:2] == ["NONE", "environ True"]


@needs_seccomp
def test_nothing_of_the_copied_program_is_left_behind(tmp_path: Path) -> None:
    script = tmp_path / "start.py"
    script.write_text(STARTS_LIKE_EXECUTE)
    (tmp_path / "tmp").mkdir()
    environ = {
        **os.environ, "AWS_LAMBDA_FUNCTION_NAME": "f", "TMPDIR": str(tmp_path / "tmp"),
    }  # fmt: skip
    command = [*UNDER_LAMBDAS_FILTER, str(script), "closes"]
    subprocess.run(command, cwd=ROOT, env=environ, check=True, stdout=subprocess.DEVNULL)
    assert list((tmp_path / "tmp").iterdir()) == []


@needs_seccomp
def test_where_the_program_cannot_be_copied_the_function_still_starts(tmp_path: Path) -> None:
    script = tmp_path / "start.py"
    script.write_text(STARTS_LIKE_EXECUTE)
    environ = {**os.environ, "AWS_LAMBDA_FUNCTION_NAME": "f", "TMPDIR": "/proc"}
    # Nowhere to write to: also the folders that are tried after TMPDIR.
    code = (
        f"import os, resource, runpy, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096));"
        f" sys.argv = ['start', 'closes']; sys.orig_argv = [sys.executable, {str(script)!r}];"
        f" runpy.run_path({str(script)!r})"
    )
    done = subprocess.run(
        [*UNDER_LAMBDAS_FILTER, "-c", code],
        cwd=ROOT, env=environ, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.startswith("NONE\n")
    assert "could not be closed to commands" in done.stderr


IN_A_NAMESPACE = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]

AS_ON_LAMBDA = 'mount -t tmpfs none /var && mkdir /var/runtime && "$@"; exit $?'


def can_make_namespaces() -> bool:
    try:
        command = [*IN_A_NAMESPACE, "sh", "-c", AS_ON_LAMBDA, "first", "true"]
        return subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        return False


@needs_seccomp
@pytest.mark.skipif(not can_make_namespaces(), reason="needs the right to make a PID namespace")
def test_without_a_subreaper_too_nothing_that_a_command_started_outlives_it(
    tmp_path: Path,
) -> None:
    """Runs as in a sandbox of Lambda: alone, below the first process, which orphans are given to.
    In a namespace of its own, because there it kills whatever it does not know."""
    (tmp_path / "leaves.py").write_text(
        f"import os, sys; sys.path.insert(0, os.getcwd())\n{LEAVES}"
    )
    command = [*UNDER_LAMBDAS_FILTER, str(tmp_path / "leaves.py"), "lambda", str(tmp_path / "pids")]
    done = subprocess.run(
        [*IN_A_NAMESPACE, "sh", "-c", AS_ON_LAMBDA, "first", *command],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert done.stdout.splitlines() == ["gone", "gone"]


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
        timeout=HANG_SECONDS,
        stdin=subprocess.DEVNULL,
    )
    assert done.stdout.splitlines() == found
