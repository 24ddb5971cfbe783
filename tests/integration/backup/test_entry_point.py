"""The functions `backup`, called as EventBridge calls it, and `admin`, with S3 by moto."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support.waiting import HANG_SECONDS

ROOT = Path(__file__).parents[3]

PROGRAM = """
import json, boto3
from pathlib import Path
from moto import mock_aws
with mock_aws():
    boto3.client("s3").create_bucket(Bucket="backups")
    import app, os
    from chalicelib.database import Database
    Database(Path(os.environ["ORCHESTRATOR_DATABASE"])).create_if_missing()
    # Nobody asks `backup` for anything else than a backup, whatever the event says.
    night = {"version": "0", "account": "", "region": "", "detail": {"action": "restore"},
             "detail-type": "", "source": "", "time": "", "id": "", "resources": []}
    def call(command):
        return json.loads(json.dumps(app.admin(command, None)))
    made = json.loads(json.dumps(app.backup(night, None)))
    assert [b["name"] for b in call({"action": "backups"})["backups"]] == [made["name"]]
    from chalicelib import bootstrap
    from dataclasses import replace
    quick = replace(bootstrap.backup_context(), linger=0.0)
    bootstrap.backup_context = lambda: quick
    print(call({"action": "restore", "name": made["name"]})["backup"] == made["name"])
"""


def test_the_functions_back_up_list_and_restore(tmp_path: Path) -> None:
    environ = {
        "PATH": os.environ["PATH"],
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "ORCHESTRATOR_DATABASE": str(tmp_path / "efs" / "db" / "orchestrator.db"),
        "ORCHESTRATOR_BACKUPS_BUCKET": "backups",
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
    )
    assert done.stdout.splitlines()[-1:] == ["True"], done.stderr
