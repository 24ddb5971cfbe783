"""The routes that tell how the orchestrator itself fares."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from openapi_spec_validator import validate

from chalicelib.database import Database
from chalicelib.errors import Unavailable
from chalicelib.places import DEFAULT_PLACE
from chalicelib.ports import OutgoingMessage, QueueDepth, ReceivedMessage
from tests.support.api import Api
from tests.support.fakes import FakeQueue
from tests.support.rows import START
from tests.support.waiting import HANG_SECONDS


class SilentQueue:
    """A queue that does not answer."""

    def send(self, messages: Sequence[OutgoingMessage]) -> None:
        raise Unavailable("the queue does not answer")

    def receive(self, limit: int = 10, *, wait: int = 0) -> list[ReceivedMessage]:
        raise Unavailable("the queue does not answer")

    def delete(self, messages: Sequence[ReceivedMessage]) -> None:
        raise Unavailable("the queue does not answer")

    def depth(self) -> QueueDepth:
        raise Unavailable("the queue does not answer")


class SlowQueue(SilentQueue):
    """Does not answer before all three have been asked."""

    asked = threading.Barrier(3)

    def depth(self) -> QueueDepth:
        self.asked.wait(HANG_SECONDS)
        raise Unavailable("the queue does not answer")


def test_import_errors_tell_file_line_and_reason(api: Api) -> None:
    api.rows.dag("a")
    api.rows.broken("a.yaml", "tasks is missing")
    api.rows.broken("b.yaml")
    errors = api.everything("/api/import_errors", "import_errors", limit=1)
    assert [error["file_key"] for error in errors] == ["a.yaml", "b.yaml"]
    assert [error["dag_id"] for error in errors] == ["a", None]
    problem = {"line": 3, "column": 1, "path": "tasks", "message": "tasks is missing"}
    assert errors[0]["problems"] == [problem]
    assert errors[0]["lines"] == [{"line": 3, "text": "tsks: []"}]


def test_dags_with_warnings_are_listed_and_shown(api: Api) -> None:
    row = {"line": 3, "column": 7, "path": "tasks[0].command", "code": "value_in_code"}
    row["message"] = "sh -c runs $X as code"
    for dag_id in ("a", "b", "c", "d"):
        api.rows.dag(dag_id, warnings=[] if dag_id == "b" else [row])
    api.rows.removed("d")

    listed = api.everything("/api/dag_warnings", "dag_warnings", limit=1)
    assert [one["dag_id"] for one in listed] == ["a", "c"]
    assert listed[0]["file_key"] == "a.yaml" and listed[0]["warnings"] == [row]
    assert api.get("/api/dags/a").json["warnings"] == [row]
    assert api.get("/api/dags/b").json["warnings"] == []
    counts = {dag["dag_id"]: dag["warning_count"] for dag in api.get("/api/dags").json["dags"]}
    assert counts == {"a": 1, "b": 0, "c": 1}


def test_ticks_are_listed_newest_first(api: Api) -> None:
    for number in range(3):
        api.rows.tick(runs_created=number)
    api.rows.tick(["the bucket does not answer"])
    ticks = api.everything("/api/ticks", "ticks", limit=3)
    assert [tick["counts"].get("runs_created") for tick in ticks] == [None, 2, 1, 0]
    assert ticks[0]["errors"] == ["the bucket does not answer"]
    assert ticks[0]["duration"] == 0.0125


def test_health_is_ok_while_the_tick_comes_and_all_answer(api: Api) -> None:
    api.rows.tick()
    api.clock.moment = api.rows.now
    api.clock.advance(30)
    api.queues["tasks"].send([OutgoingMessage("x")])
    health = api.get("/api/health").json
    assert health["status"] == "ok"
    assert health["last_tick"] == {"started_at": "2026-11-23T10:01:00Z", "age_seconds": 30.0}
    assert health["queues"]["tasks"] == {"visible": 1, "delayed": 0, "in_flight": 0}
    assert health["database"]["reachable"] is True
    assert health["database"]["commit_seq"] > 0


@pytest.mark.parametrize("age", [None, 181])
def test_health_is_degraded_while_no_tick_comes(api: Api, age: int | None) -> None:
    if age is not None:
        api.rows.tick()
        api.clock.moment = api.rows.now
        api.clock.advance(age)
    reply = api.get("/api/health")
    assert (reply.status, reply.json["status"]) == (200, "degraded")


def test_health_is_degraded_while_a_queue_does_not_answer(api: Api) -> None:
    api.rows.tick()
    api.clock.moment = START
    api.configure(results=SilentQueue)
    health = api.get("/api/health").json
    assert health["status"] == "degraded"
    assert health["queues"]["results"] is None
    assert health["queues"]["tasks"] is not None


def test_health_counts_the_tasks_of_all_places_together(api: Api) -> None:
    elsewhere = FakeQueue(api.clock)
    elsewhere.send([OutgoingMessage("x"), OutgoingMessage("y", delay=60)])
    api.queues["tasks"].send([OutgoingMessage("z")])
    here = {DEFAULT_PLACE: api.queues["tasks"]}
    api.configure(task_queues=lambda: {**here, "elsewhere": elsewhere})
    tasks = api.get("/api/health").json["queues"]["tasks"]
    assert tasks == {"visible": 2, "delayed": 1, "in_flight": 0}
    api.configure(task_queues=lambda: {**here, "elsewhere": SilentQueue()})
    assert api.get("/api/health").json["queues"]["tasks"] is None


def test_health_waits_for_all_queues_at_once(api: Api) -> None:
    api.configure(
        task_queues=lambda: {DEFAULT_PLACE: SlowQueue()}, results=SlowQueue, dead_letters=SlowQueue
    )
    health = api.get("/api/health").json
    assert set(health["queues"].values()) == {None}


def test_health_is_unavailable_without_the_database(api: Api, tmp_path: Path) -> None:
    api.configure(database=lambda: Database(tmp_path / "nowhere" / "orchestrator.db"))
    reply = api.get("/api/health")
    assert reply.status == 503
    assert reply.error["code"] == "database_unusable"
    assert int(reply.headers["Retry-After"]) > 0


def test_the_published_document_is_valid_openapi(api: Api) -> None:
    document = api.get("/api/openapi.json").json
    assert document["openapi"].startswith("3.1")
    validate(document)
