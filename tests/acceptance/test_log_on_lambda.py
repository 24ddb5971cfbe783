"""The log of the deployed app: whatever Chalice and Lambda's runtime configure, each line is one
JSON object, once.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.support.waiting import HANG_SECONDS

ROOT = Path(__file__).parents[2]

# Lambda's runtime has installed a handler at the root before it imports the app.
PROGRAM = """
import logging
logging.basicConfig(format="[%(levelname)s] %(message)s")
import app
logging.getLogger("orchestrator.scheduler").info("run made", extra={"run_id": "r1"})
app.app.log.error("of Chalice's own")
logging.getLogger("botocore.retries").warning("of a library")
"""


def test_each_line_of_the_app_is_one_json_object_once() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env={"AWS_LAMBDA_FUNCTION_NAME": "orchestrator-dev-tick", "AWS_REGION": "us-east-1"},
        check=True,
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
    )
    lines = [json.loads(line) for line in (done.stdout + done.stderr).splitlines()]
    messages = [line["message"] for line in lines]
    assert messages == ["run made", "of Chalice's own", "of a library"]
    assert lines[0]["run_id"] == "r1"
