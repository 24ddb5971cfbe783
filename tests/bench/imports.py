"""What a cold start of each entry point imports, up to its AWS clients."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from chalicelib.database import Database
from tests.bench.machine import ROOT, bytecode_folder
from tests.bench.report import Line, Target

_TWO_CLIENTS = "import boto3; boto3.client('s3'); boto3.client('sqs')"
_OF_OURS = "from chalicelib.aws.clients import client; client('s3'); client('sqs')"
_SCHEDULER = "bootstrap.scheduler()"

BASELINE = f"import chalice; {_TWO_CLIENTS}"

ENTRY_POINTS = {
    "execute": f"import app; from chalicelib import bootstrap; bootstrap.executor(); {_OF_OURS}",
    "tick": "import app; from chalicelib import bootstrap; from chalicelib.scheduler.tick import"
    f" tick; {_SCHEDULER}; {_OF_OURS}",
    "apply": "import app; from chalicelib import bootstrap; from chalicelib.scheduler import"
    f" results; {_SCHEDULER}; {_OF_OURS}",
    "register": "import app; from chalicelib import bootstrap; from chalicelib.scheduler import"
    f" registration; {_SCHEDULER}; {_OF_OURS}",
    "api": "import app; from chalicelib import bootstrap; from chalicelib.web.handlers import dags,"
    f" runs, task_instances; {_SCHEDULER}; {_OF_OURS}",
}

PROGRAM = """
import sys, time
begun = time.perf_counter()
{code}
took = time.perf_counter() - begun
import json
print(json.dumps([took * 1000, len(sys.modules)]))
"""


def run(is_quick: bool) -> Line:
    runs = 3 if is_quick else 11
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "database" / "orchestrator.db"
        database = Database(path)
        database.create_if_missing()
        database.close()
        environ = _environ(path)
        programs = {"baseline": BASELINE, **ENTRY_POINTS}
        for code in programs.values():
            _measure(code, environ)  # writes the byte code
        # In turn, so that a busy moment of the machine falls on all of them.
        taken = [{n: _measure(code, environ) for n, code in programs.items()} for _ in range(runs)]
    return _line(taken)


def _line(taken: list[dict[str, tuple[float, int]]]) -> Line:
    medians = {
        name: {
            "ms": statistics.median(of_turn[name][0] for of_turn in taken),
            "modules": taken[0][name][1],
        }
        for name in taken[0]
    }
    baseline = medians.pop("baseline")
    ratios = [of_turn["execute"][0] / of_turn["baseline"][0] for of_turn in taken]
    return Line(
        name="import",
        runs=len(taken),
        figures={"execute_times_baseline": statistics.median(ratios), **medians},
        targets=[Target("execute_times_baseline", "at most", 1.3)],
        here={"import_chalice_and_boto3_and_two_clients": baseline},
        note="fresh interpreters with byte code; each entry point is built and has its clients of"
        " S3 and SQS, as the baseline has",
    )


def _environ(database: Path) -> Mapping[str, str]:
    return {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "dummy",
        "AWS_SECRET_ACCESS_KEY": "dummy",
        "ORCHESTRATOR_DATABASE": str(database),
        "PYTHONPYCACHEPREFIX": str(bytecode_folder()),
        "PATH": "/usr/bin:/bin",
    }


def _measure(code: str, environ: Mapping[str, str]) -> tuple[float, int]:
    """Milliseconds, and how many modules there are then."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(code=code)],
        cwd=ROOT,
        env=dict(environ),
        check=True,
        capture_output=True,
        text=True,
    )
    took, modules = json.loads(done.stdout.splitlines()[-1])
    return took, modules
