"""A kind of notification is one row of a table and one sender: all else derives from them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from chalicelib.dag.language.json_schema import json_schema
from chalicelib.dag.language.parser import parse
from chalicelib.dag.problems import DagFileError
from chalicelib.executor.notifications.delivery import SENDERS
from chalicelib.executor.notifications.sender import NotDelivered, SenderContext
from chalicelib.messages import NotificationMessage, NotificationResult, decode_report
from chalicelib.notification_kinds import KINDS, NotificationKind, Permission, TargetFormat
from chalicelib.web.response_schemas import components
from infra.policies import policies
from tests.integration.executor.bench_of_one import Bench
from tests.support import docs
from tests.support.world import World
from tests.unit.infra.installation import LOCATION, PROD

PAGER = NotificationKind(
    "pager",
    "number",
    TargetFormat(re.compile(r"^\+[0-9]+$"), 16, "{target} is no number of a pager"),
    delivery="the subject, to a pager",
    reach="pagers",
    permissions=(Permission("pagers:Page", "pagers", "{stack}-pager"),),
)
DAG = "name: d\ntasks: [{id: t, command: x}]\non_success: [{pager: '%s'}]\n"


class PagerSender:
    paged: list[tuple[str, str]]

    def __init__(self, context: SenderContext) -> None:
        """A pager needs nothing."""

    def send(self, notification: NotificationMessage) -> None:
        if notification.target == "+0":
            raise NotDelivered("nobody has this pager", is_transient=False)
        self.paged.append((notification.target, notification.subject))


@pytest.fixture
def paged(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, str]]]:
    """What has been sent to pagers, a kind that exists for one test."""
    components.cache_clear()
    monkeypatch.setitem(KINDS, "pager", PAGER)
    monkeypatch.setitem(SENDERS, "pager", PagerSender)
    PagerSender.paged = []
    yield PagerSender.paged
    components.cache_clear()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def test_every_kind_has_its_sender_and_every_sender_its_kind() -> None:
    assert set(SENDERS) == set(KINDS)


def run_and_deliver(world: World, target: str) -> list[tuple[str, ...]]:
    """Run the DAG, let a real executor deliver, and return what the database has of it."""
    bench = Bench()

    def deliver(message: NotificationMessage) -> NotificationResult:
        bench.executor.handle(message.encode(), time_left=lambda: 900.0)
        report = decode_report(bench.results.bodies()[-1])
        assert isinstance(report, NotificationResult)
        return report

    world.executor.deliver = deliver
    world.upload(DAG % target)
    world.request("d")
    world.play(3, ticking=False)
    return world.all("SELECT kind, target, state, reason FROM notifications")


def test_a_new_kind_is_delivered_from_the_dag_file_to_the_database(
    paged: list[tuple[str, str]], world: World
) -> None:
    assert run_and_deliver(world, "+4930123") == [("pager", "+4930123", "delivered", "")]
    assert paged == [("+4930123", "d: success")]


@pytest.mark.usefixtures("paged")
def test_why_a_new_kind_could_not_be_delivered_is_recorded(world: World) -> None:
    assert run_and_deliver(world, "+0") == [("pager", "+0", "failed", "nobody has this pager")]


@pytest.mark.usefixtures("paged")
def test_a_dag_file_is_checked_against_the_format_of_a_new_kind() -> None:
    with pytest.raises(DagFileError, match=r"'12' is no number of a pager"):
        parse((DAG % "12").encode())
    with pytest.raises(DagFileError, match=r"\{command: \.\.\.\} \w+ \{pager: number\}"):
        parse((DAG % "+1").replace("pager:", "pigeon:").encode())


@pytest.mark.usefixtures("paged")
def test_schemas_permissions_and_documentation_know_a_new_kind() -> None:
    schema = Draft202012Validator(json_schema())
    task = {"id": "t", "command": "x"}
    assert schema.is_valid({"name": "d", "tasks": [task], "on_success": [{"pager": "+1"}]})
    assert not schema.is_valid({"name": "d", "tasks": [task], "on_success": [{"pager": "1"}]})
    assert "pager" in components()["Notification"]["properties"]["kind"]["enum"]
    statements = policies(PROD)["execute"]["Statement"]
    (statement,) = [s for s in statements if s["Action"] == ["pagers:Page"]]
    assert statement["Resource"] == [LOCATION.arn("pagers", "orchestrator-prod-pager")]
    assert "| `{pager: number}` | the subject, to a pager | pagers |" in (
        docs.notification_kinds_markdown()
    )
