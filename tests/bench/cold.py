"""A cold start of each function of the deployed bundle: from the start of the process to its first
answer, the processor's time that this took, and the most memory that it had by then."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chalicelib.enums import Outcome
from chalicelib.local import events
from chalicelib.messages import Attempt, Result, TaskMessage
from chalicelib.ports import ReceivedMessage
from infra.names import ADMIN_FUNCTION, API_FUNCTION
from tests.bench.dag_files import dag
from tests.bench.report import Line
from tests.integration.bundle.event_sources import EventSources, Lambda
from tests.integration.bundle.installation import Installation, installation

Figures = dict[str, tuple[float, float, float]]
"""By function: milliseconds, those of a processor, and megabytes."""


def run(is_quick: bool) -> Line:
    runs = 5 if is_quick else 11
    with (
        tempfile.TemporaryDirectory() as folder,
        installation(Path(folder)) as installed,
    ):
        warm = Lambda(installed)
        try:
            asked = _events(installed, warm)
            _measure(installed, asked)  # what is read for the first time is read from the disk
            # In turn, so that a busy moment of the machine falls on all of them.
            taken = [_measure(installed, asked) for _ in range(runs)]
        finally:
            warm.close()
    return _line(taken)


def _events(installed: Installation, functions: Lambda) -> dict[str, Callable[[], Any]]:
    """An ordinary event for each function, made anew for each start."""

    def attempt() -> Attempt:
        """Create a run and return the attempt of its first task, on which the other waits."""
        reply = sources.ask("POST", "/api/dags/cold/run", token)
        return Attempt("cold", reply.json["run_id"], "extract", -1, 1)

    def result() -> Result:
        now = time.time()
        return Result(attempt(), Outcome.SUCCESS, started_at=now, ended_at=now, exit_code=0)

    token = functions.new_token("bench", "operator")
    sources = EventSources(installed, functions)
    two = dag("cold", {"extract": [], "load": ["extract"]}, limit=1000)
    sources.upload("cold.yaml", f"max_active_runs: 1000\n{two}")
    dags = installed.setting("dags_bucket")
    return {
        API_FUNCTION: lambda: sources.request("GET", "/api/dags", token),
        "register": lambda: events.bucket_event(dags, "cold.yaml", created=True),
        "backup": lambda: events.schedule_event(datetime.now(UTC)),
        ADMIN_FUNCTION: lambda: {"action": "token list"},
        "tick": lambda: events.schedule_event(datetime.now(UTC)),
        "apply": lambda: _of_one("results", result().encode()),
        "execute": lambda: _of_one("tasks", TaskMessage(attempt(), "true").encode()),
    }


def _of_one(queue: str, body: str) -> events.Event:
    return events.queue_event(queue, [ReceivedMessage(body, "1", "1", 1)])


def _measure(installed: Installation, asked: dict[str, Callable[[], Any]]) -> Figures:
    return {name: _start(installed, name, event()) for name, event in asked.items()}


def _start(installed: Installation, name: str, event: Any) -> tuple[float, float, float]:
    begun = time.perf_counter()
    sandbox = installed.start(name)
    try:
        sandbox.invoke(event)
        taken = (time.perf_counter() - begun) * 1000
        return taken, sandbox.processor_ms(), sandbox.peak_memory_mb()
    finally:
        sandbox.close()


def _line(taken: list[Figures]) -> Line:
    return Line(
        name="cold",
        runs=len(taken),
        figures={
            name: {
                key: statistics.median(figures[name][place] for figures in taken)
                for place, key in enumerate(("first_answer_ms", "processor_ms", "peak_mb"))
            }
            for name in taken[0]
        },
        targets=[],
        note="the uploaded zip, with its byte code, under awslambdaric on this machine, with a"
        " whole processor, of which Lambda gives 0.29 to 512 MB; S3 and SQS are moto's, the file"
        " system is a tmpfs; execute runs `true`; the command's own memory is not counted",
    )
