"""Every example really runs, from the file in the bucket to a finished run: the scheduler on
SQLite, the executor with real commands, and queues and buckets in memory.

What tools fetch from the internet is replaced by stand-ins. `/tmp` in an example becomes the test's
own folder, so that nothing of the user's is touched.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from chalicelib.config import ANY_QUEUE
from chalicelib.dag.language.parser import parse
from chalicelib.dag_files import is_dag_file
from chalicelib.executor import Executor
from chalicelib.local.aws_env import command_variables
from chalicelib.messages import Attempt
from chalicelib.places import for_each_place, installed
from chalicelib.utils.time import utc_now
from tests.support import known_tools
from tests.support.docs import EXAMPLES, shown_by
from tests.support.fakes import FakeQueue
from tests.support.waiting import eventually
from tests.support.world import World

FILES = sorted(path for path in EXAMPLES.glob("*.yaml") if is_dag_file(path.name))

# Words of the log that show that the work was done, not only that nothing failed.
SAID = {
    "access_log_report": ["30 requests", "25 200", "5 /missing.html"],
    "checksums_fan_out": ["every file is as it was"],
    "csv_handover": ["1334 total", '{"parts": 3}'],
    "data_quality": ["characters of Unicode", "published to"],
    "disk_watch": ["% full (limit 99 %)"],
    "folder_report": ["files on 20", " KiB  /etc/"],
    "flaky_source": ["attempt 2: the source is not ready", "attempt 3: got", "MemTotal:"],
    "json_to_sql": ["duckdb was called with 2 arguments: -c"],
    "large_file": ["20000000 big.bin", "big.bin: OK"],
    "library_review": ["modules compile", "lines of json"],
    "large_memory": ["of memory was asked for", "in one list"],
    "in_an_image": ["without its image python:3.13-slim", "Python 3."],
    "nightly_backup": ["files, 0 differ", "backup-20"],
    "office_hours": ["in New York", "load of the last", "MiB free"],
    "s3_handover": ["html_entities.json with", "most frequent first letters: [('"],
    "own_machine": ["what is your name ? this is", "thank you, "],
    "sample_dag": ["Task 1", "Task 2"],
    "python_script": ["the longest word is quick", "3.9 letters"],
    "stdlib_etl": ["modules", "loaded", "typing "],
    "wait_for_file": ["of ", " accounts"],
    "word_report": ["in place in word_report", "6 x the", "3 x a", "different words"],
    "world_clock": ["copy 0 looked at Australia/", "+1000  Australia/Brisbane", "12 clocks read"],
}

# The other examples that one starts; nothing else has to be made before.
NEEDS = {"library_review": ["folder_report"]}

# Tasks that rightly do nothing on a healthy machine.
SKIPPED = {"folder_report": {"warn"}, "wait_for_file": {"twice"}}

SAMPLE = b"""\
name: Sample DAG
schedule: "0 * * * *"  # Every hour
tasks:
  - id: task1
    command: "echo 'Task 1'"
    dependencies: []
  - id: task2
    command: "echo 'Task 2'"
    dependencies: [task1]
"""


class RealWorld(World):
    """The world on the real clock, with an executor that runs commands."""

    def __init__(self, folder: Path, aws_endpoint: str) -> None:
        super().__init__(folder, worker_queues=ANY_QUEUE, lambda_memory="384,2048", fargate="yes")
        self.results, self.dead_letters = FakeQueue(utc_now), FakeQueue(utc_now)
        self.task_queues = for_each_place(
            installed(self.scheduler.settings), lambda _: FakeQueue(utc_now)
        )
        self.scheduler = replace(
            self.scheduler,
            task_queues=self.task_queues,
            results=self.results,
            dead_letters=self.dead_letters,
            now=utc_now,
        )
        self.real_executor = Executor(
            runs=self.runs,
            claims=self.claims,
            results=self.results,
            heartbeat_seconds=30.0,
            environ=command_variables(aws_endpoint),
            open_bucket=known_tools.open_bucket,
            now=utc_now,
            ignores_images=True,
        )

    def execute(self) -> int:
        return sum(map(self._execute, list(self.task_queues.values())))

    def _execute(self, queue: FakeQueue) -> int:
        batch = queue.receive(10)
        for message in batch:
            self.real_executor.handle(message.body, time_left=lambda: 900.0)
        queue.delete(batch)
        return len(batch)

    def settle(self) -> None:
        while self.execute() + self.apply():
            pass

    def finish(self, run_id: str) -> str:
        """Deliver messages until the run has ended; answers its state."""

        def ended() -> str | None:
            self.settle()
            state = self.run_state(run_id)
            return None if state in ("queued", "running") else state

        return eventually(ended) or ""

    def log_of(self, run_id: str) -> str:
        rows = self.all(
            "SELECT t.dag_id, r.run_id, t.task_id, t.map_index, a.try_number, a.pokes"
            " FROM attempts a JOIN task_instances t ON t.id = a.task_instance_id"
            " JOIN runs r ON r.id = t.run_key WHERE r.run_id = ? ORDER BY t.id, a.try_number",
            run_id,
        )
        return "".join(self.read_log(Attempt(*row)) for row in rows)


@pytest.fixture(scope="module")
def aws_endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def world(tmp_path: Path, aws_endpoint: str) -> Iterator[RealWorld]:
    world = RealWorld(tmp_path, aws_endpoint)
    yield world
    world.real_executor.stop()
    world.close()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_example_runs_to_success(path: Path, world: RealWorld, tmp_path: Path) -> None:
    for needed in NEEDS.get(path.stem, []):
        world.upload((EXAMPLES / f"{needed}.yaml").read_text(encoding="utf-8"), f"{needed}.yaml")
    for beside in path.with_suffix("").rglob("*.*"):
        world.dags.put(beside.relative_to(EXAMPLES).as_posix(), beside.read_bytes())
    text = path.read_text(encoding="utf-8").replace("/tmp", str(tmp_path))
    text = known_tools.with_stand_ins(text)
    assert world.upload(text, path.name) == 1
    run_id = world.request(path.stem)
    state, log = world.finish(run_id), world.log_of(run_id)
    states = world.task_states(run_id)
    others = {task_id: state for task_id, state in states.items() if state != "success"}
    assert (state, others) == ("success", dict.fromkeys(SKIPPED.get(path.stem, ()), "skipped")), log
    assert [words for words in SAID[path.stem] if words not in log] == [], log
    assert not (tmp_path / run_id).exists(), "it leaves its working folder behind"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_example_has_the_id_that_its_file_is_called(path: Path) -> None:
    assert parse(path.read_bytes()).dag_id == path.stem


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.stem != "sample_dag"], ids=lambda path: path.stem
)
def test_an_example_says_what_it_shows_and_needs(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=dag.schema.json\n")
    assert shown_by(path)
    assert "\n# Needs:  " in text


def test_the_sample_is_what_it_always_was() -> None:
    assert (EXAMPLES / "sample_dag.yaml").read_bytes() == SAMPLE
