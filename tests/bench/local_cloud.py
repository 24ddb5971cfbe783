"""A `chalice local` of our own, in a process of its own, used as a stranger would use it: files go
in through its S3 endpoint, all else through its HTTP API."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

from tests.bench.machine import (
    ROOT,
    bytecode_folder,
    descendants_of,
    free_port,
    processor_seconds,
)

T = TypeVar("T")

LOG = "local-cloud.log"


class LocalCloud:
    """The running process `process`, its API at `port` and its S3 at `s3_port`. `root` is the
    folder of the program, `folder` that of its state."""

    def __init__(self, root: Path, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.port, self.s3_port = free_port(), free_port()
        (folder / "dags").mkdir(parents=True)
        environ = {
            **_without_ours(os.environ),
            "ORCHESTRATOR_HOME": str(folder / "home"),
            "ORCHESTRATOR_DAGS_DIR": str(folder / "dags"),
            "ORCHESTRATOR_S3_PORT": str(self.s3_port),
            "PYTHONPYCACHEPREFIX": str(bytecode_folder()),
            **{f"ORCHESTRATOR_{name.upper()}": value for name, value in settings.items()},
        }
        chalice = str(Path(sys.executable).with_name("chalice"))
        command = [chalice, "local", "--no-autoreload", "--port", str(self.port)]
        self.first_answer = math.inf
        self._started = time.monotonic()
        with (folder / LOG).open("wb") as log:
            self.process = subprocess.Popen(command, cwd=root, env=environ, stdout=log, stderr=log)

    def wait_until_it_answers(self) -> None:
        """Sets `first_answer`: seconds from the start of the process."""
        self.until(self._answers, within=60, pause=0.02)
        self.first_answer = time.monotonic() - self._started

    def _answers(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(f"chalice local ended:\n{(self.folder / LOG).read_text()}")
        try:
            # Of the API's answers the one that needs no DAG file to have been read.
            return self.ask("GET", "/api/health")[0] == 200
        except OSError:
            return False

    def ask(self, method: str, path: str, body: Any = None, **query: Any) -> tuple[int, Any]:
        """One request on a connection of its own: status and parsed answer."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            data = None if body is None else json.dumps(body).encode()
            headers = {} if data is None else {"Content-Type": "application/json"}
            target = f"{path}?{urlencode(query)}" if query else path
            connection.request(method, target, data, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def get(self, path: str, **query: Any) -> Any:
        """The answer. Raises RuntimeError unless it is 200."""
        status, answer = self.ask("GET", path, **query)
        if status != 200:
            raise RuntimeError(f"GET {path} answered {status}: {answer}")
        return answer

    def every(self, name: str, path: str, **query: Any) -> list[dict[str, Any]]:
        """Return all items of a list route, page by page."""
        items: list[dict[str, Any]] = []
        page = self.get(path, limit=500, **query)
        while True:
            items += page[name]
            if page["next_cursor"] is None:
                return items
            page = self.get(path, limit=500, cursor=page["next_cursor"], **query)

    def upload(self, files: Mapping[str, str]) -> None:
        """Copy the files to the dags bucket, and wait until their DAGs are registered."""
        import boto3

        s3 = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{self.s3_port}",
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )
        for key, text in files.items():
            s3.put_object(Bucket="orchestrator-dags", Key=key, Body=text.encode())

        def registered() -> bool:
            return set(files) <= {dag["file_key"] for dag in self.every("dags", "/api/dags")}

        self.until(registered, within=120)

    def trigger_run(self, dag_id: str) -> str:
        """Ask for a run. Raises RuntimeError unless it was made."""
        status, answer = self.ask("POST", f"/api/dags/{dag_id}/run")
        if status != 201:
            raise RuntimeError(f"asking for a run of {dag_id} answered {status}: {answer}")
        return str(answer["run_id"])

    def run(self, dag_id: str) -> list[dict[str, Any]]:
        """Run the DAG; its task instances when the run has ended. Raises RuntimeError unless it
        succeeded."""
        run_id = self.trigger_run(dag_id)
        path = f"/api/runs/{run_id}"
        # An answer costs as much as several tasks.
        self.until(lambda: self.get(path, limit=1)["ended_at"], within=300, pause=0.5)
        state = self.get(f"/api/runs/{run_id}", limit=1)["state"]
        if state != "success":
            raise RuntimeError(f"run {run_id} ended as {state}")
        return self.every("task_instances", "/api/task_instances", run_id=run_id)

    def commit_seq(self) -> int:
        """How many write transactions there have been."""
        return int(self.get("/api/health")["database"]["commit_seq"])

    def processes(self) -> list[int]:
        """The ids of the cloud's own processes; commands are among them while they run."""
        return [self.process.pid, *descendants_of(self.process.pid)]

    def processor_seconds(self) -> float:
        """Processor time of all its processes so far; to be asked while no command runs."""
        return sum(processor_seconds(pid) for pid in self.processes())

    def until(self, ask: Callable[[], T], *, within: float, pause: float = 0.2) -> T:
        """The first true answer. Raises TimeoutError. The pause keeps our own questions from being
        what is measured."""
        deadline = time.monotonic() + within
        while not (answer := ask()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"not so within {within} s; see {self.folder / LOG}")
            time.sleep(pause)
        return answer

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _without_ours(environ: Mapping[str, str]) -> dict[str, str]:
    """The user's environment, without settings, and with the byte code that is usually there."""
    foreign = ("ORCHESTRATOR_", "AWS_", "PYTHONDONTWRITEBYTECODE")
    return {name: value for name, value in environ.items() if not name.startswith(foreign)}


@contextmanager
def local_cloud(root: Path = ROOT, **settings: str) -> Iterator[LocalCloud]:
    """A local cloud that has answered once, with no DAG; `settings` by their lower-case names. Its
    folder is left behind if something failed, for its log."""
    folder = Path(tempfile.mkdtemp(prefix="orchestrator-bench-"))
    cloud = LocalCloud(root, folder, **settings)
    try:
        cloud.wait_until_it_answers()
        yield cloud
    finally:
        cloud.stop()
    shutil.rmtree(folder)


def moment(text: str) -> datetime:
    """A moment of the API."""
    return datetime.fromisoformat(text)


def seconds_between(earlier: str, later: str) -> float:
    return (moment(later) - moment(earlier)).total_seconds()
