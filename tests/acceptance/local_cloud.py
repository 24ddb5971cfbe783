"""`chalice local` as a person starts it: a process, on free ports, with a home of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from tests.support.waiting import HANG_SECONDS, eventually

PROJECT = Path(__file__).resolve().parents[2]
CHALICE = Path(sys.executable).parent / "chalice"

QUICK = {
    "ORCHESTRATOR_TICK_SECONDS": "0.5",
    "ORCHESTRATOR_HEARTBEAT_SECONDS": "0.5",
    "ORCHESTRATOR_SILENCE_SECONDS": "3600",
    "ORCHESTRATOR_RESEND_SECONDS": "1",
}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class LocalCloud:
    """One `chalice local` after the other on one home, below `folder`."""

    def __init__(self, folder: Path, project: Path = PROJECT, *, home: Path | None = None) -> None:
        self.folder = folder
        self.home = home or folder / "home"
        self.dags_dir = folder / "dags"
        self.dags_dir.mkdir(parents=True, exist_ok=True)
        self.project = project
        self.api_port = free_port()
        self.s3_port = free_port()
        self.settings = {
            "ORCHESTRATOR_HOME": str(self.home),
            "ORCHESTRATOR_DAGS_DIR": str(self.dags_dir),
            "ORCHESTRATOR_S3_PORT": str(self.s3_port),
            **QUICK,
        }
        self.output = folder / "output.txt"

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.s3_port}"

    def launch(self, *options: str) -> subprocess.Popen[bytes]:
        """Start the process and do not wait for it to serve."""
        environ = {
            k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "ORCHESTRATOR_"))
        }
        options = options or ("--no-autoreload",)
        command = [str(CHALICE), "local", "--port", str(self.api_port), *options]
        with self.output.open("ab") as output:
            return subprocess.Popen(
                command,
                cwd=self.project,
                env={**environ, **self.settings},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    @contextmanager
    def running(self, *options: str) -> Iterator[subprocess.Popen[bytes]]:
        """Started and serving; at the end of the block stopped, the hard way if need be."""
        process = self.launch(*options)
        try:
            eventually(lambda: self._serves(process))
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            try:
                process.wait(HANG_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def said(self) -> str:
        return self.output.read_text(encoding="utf-8", errors="replace")

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON answer; urllib's HTTPError where it is not 2xx."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.api_port}/api{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={} if body is None else {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=HANG_SECONDS) as answer:
            return json.load(answer)

    def get(self, path: str) -> Any:
        return self.call("GET", path)

    def run(self, dag_id: str) -> str:
        """Ask for a run; its id."""
        return str(self.call("POST", f"/dags/{dag_id}/run")["run_id"])

    def dag_ids(self) -> list[str]:
        return [dag["dag_id"] for dag in self.get("/dags")["dags"]]

    def has_ended(self, run_id: str) -> bool:
        return self.state(run_id) in ("success", "failed", "cancelled")

    def state(self, run_id: str) -> str:
        return str(self.get(f"/runs/{run_id}")["state"])

    def log(self, run_id: str, task_id: str) -> str:
        return str(self.get(f"/runs/{run_id}/tasks/{task_id}/logs")["content"])

    def s3(self) -> Any:
        """A client outside the cloud."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id="anybody",
            aws_secret_access_key="anything",
            config=Config(retries={"total_max_attempts": 1}),
        )

    def upload(self, key: str, body: str) -> None:
        self.s3().put_object(Bucket="orchestrator-dags", Key=key, Body=body.encode())

    def plain(self, method: str, key: str, body: str | None = None) -> str:
        """An unsigned request for a DAG file, as `curl -T` makes it."""
        data = None if body is None else body.encode()
        url, headers = f"{self.endpoint}/orchestrator-dags/{key}", {"Content-Type": "text/yaml"}
        request = urllib.request.Request(url, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=HANG_SECONDS) as answer:
            return str(answer.read().decode())

    def _serves(self, process: subprocess.Popen[bytes]) -> bool:
        assert process.poll() is None, self.said()
        try:
            self.get("/dags")
        except (urllib.error.URLError, ConnectionError):
            return False
        return True


def processes_that_mention(text: str) -> list[str]:
    """The command lines of all processes whose environment holds `text`: the name of a home finds
    the cloud's own, its identity finds the commands and whatever those started."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                mentions = text.encode() in (entry / "environ").read_bytes()
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if mentions:
                found.append(f"{entry.name} {line}")
    return found
