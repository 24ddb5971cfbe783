"""What a worker needs: a machine has the package, boto3, and nothing else."""

from __future__ import annotations

import configparser
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]
EXAMPLE = PROJECT / "examples" / "worker"

FORBIDDEN = ("chalice", "croniter", "jinja2", "moto", "pysqlite3", "re2", "sqlite3", "yaml")


def test_a_worker_imports_neither_the_database_nor_the_language() -> None:
    code = (
        "import sys; import chalicelib.worker.command_line, chalicelib.executor.executor;"
        " import chalicelib.aws.sqs, chalicelib.aws.dynamodb; print(*sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, check=True, capture_output=True, text=True
    )
    modules = {name.partition(".")[0] for name in ran.stdout.split()}
    assert modules.isdisjoint(FORBIDDEN)
    assert "chalicelib.database" not in ran.stdout.split()


def test_the_example_installs_boto3_alone() -> None:
    (line,) = (EXAMPLE / "requirements.txt").read_text().split()
    assert line.startswith("boto3==")
    assert line in (PROJECT / "requirements-dev.txt").read_text().split()


def test_the_unit_signals_the_worker_alone_and_lets_commands_finish() -> None:
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(EXAMPLE / "orchestrator-worker@.service")
    service = unit["Service"]
    assert "-m chalicelib.worker --queue %i" in service["ExecStart"]
    assert (service["KillMode"], service["TimeoutStopSec"]) == ("mixed", "1h")
    assert service["User"] != "root"


def test_the_container_is_not_root_and_passes_signals_to_the_worker() -> None:
    lines = (EXAMPLE / "Containerfile").read_text().splitlines()
    assert 'ENTRYPOINT ["python", "-m", "chalicelib.worker"]' in lines
    assert "USER orchestrator" in lines


def test_a_wrong_argument_or_setting_ends_it_with_one_line() -> None:
    def run(*arguments: str, **environ: str) -> tuple[int, str]:
        ran = subprocess.run(
            [sys.executable, "-m", "chalicelib.worker", *arguments],
            cwd=PROJECT,
            env={"PATH": "/usr/bin:/bin", **environ},
            check=False,
            capture_output=True,
            text=True,
        )
        return ran.returncode, ran.stderr

    assert run("--queue", "no spaces")[0] == 2
    assert "between 1 and 256" in run("--queue", "a", "--parallelism", "0")[1]
    code, said = run("--queue", "a", ORCHESTRATOR_HEARTBEAT_SECONDS="never")
    assert (code, said.count("\n")) == (2, 1)
    assert "ORCHESTRATOR_HEARTBEAT_SECONDS" in said
