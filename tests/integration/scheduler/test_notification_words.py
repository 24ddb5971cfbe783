"""What notifications say, whom a success resolves, and sending one again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib.dag.language.parser import parse_file
from chalicelib.dag.problems import DagFileError
from chalicelib.database.reads import dags as dag_reads
from chalicelib.database.reads import journal
from chalicelib.enums import Outcome, WarningCode
from chalicelib.errors import NotFound
from chalicelib.messages import NotificationResult, TaskMessage
from chalicelib.scheduler.commands import notifications, runs
from tests.support.world import SUCCEED, Played, World

KEY = "0123456789abcdef0123456789abcdef"
BAD = Played(Outcome.FAILED, exit_code=3, reason="exit code 3", cause="ValueError: bad row 7")
HOOK = "https://example.org/x"
PAGE = "https://orchestrator.example/"


class Script:
    """Fails the tasks in `failing`."""

    def __init__(self) -> None:
        self.failing: set[str] = {"load"}

    def __call__(self, task: TaskMessage) -> Played:
        return BAD if task.attempt.task_id in self.failing else SUCCEED


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def world(tmp_path: Path, script: Script) -> Iterator[World]:
    made = World(tmp_path, script, PAGE_URL="https://orchestrator.example")
    yield made
    made.close()


def told(world: World) -> list[dict[str, Any]]:
    return [message.payload for message in world.executor.notified]


def play(world: World, dag_id: str, **options: Any) -> str:
    run_id = world.request(dag_id, **options)
    world.play(3, ticking=False)
    return run_id


def test_a_failed_run_names_dag_task_cause_and_link(world: World) -> None:
    world.upload(
        f"name: Nightly Orders\non_failure: [{{webhook: '{HOOK}'}}]\n"
        "tasks: [{id: load, command: x}, {id: after, command: x, dependencies: [load]}]"
    )
    run_id = play(world, "nightly_orders")
    [payload] = told(world)
    assert payload["title"] == "Nightly Orders failed"
    assert payload["text"] == "load: exit code 3: ValueError: bad row 7"
    assert (payload["dag_name"], payload["failed_task"]) == ("Nightly Orders", "load")
    assert payload["url"].startswith(f"{PAGE}#/runs/")
    assert payload["url"].endswith("?task=load")
    assert run_id in payload["url"].replace("%3A", ":").replace("%2B", "+")


def test_the_cause_of_a_run_is_that_of_its_first_failure_though_it_ends_much_later(
    world: World, script: Script
) -> None:
    script.failing = {"load", "other"}
    world.upload(
        f"name: D\non_failure: [{{webhook: '{HOOK}'}}]\ntasks: [{{id: load, command: x}},"
        " {id: other, command: x, dependencies: [load], trigger_rule: all_done}]"
    )
    play(world, "d")
    assert told(world)[0]["cause"] == "load: exit code 3: ValueError: bad row 7"
    assert told(world)[0]["failed_tasks"] == 2


def test_a_mapped_task_is_named_with_its_index(world: World) -> None:
    world.upload(
        "name: D\ntasks: [{id: load, command: x, expand: {N: [a, b]},"
        f" on_failure: [{{webhook: '{HOOK}'}}]}}]"
    )
    play(world, "d")
    titles = sorted(payload["title"] for payload in told(world))
    assert titles == ["load [0] of D failed", "load [1] of D failed"]
    assert all("map_index=" in payload["url"] for payload in told(world))


def test_a_dag_file_has_its_own_words(world: World) -> None:
    world.upload(
        "name: D\nparams: {day: monday}\non_failure:\n"
        f"  - webhook: {HOOK}\n"
        '    title: "{{ dag_name }} of {{ params.day }}"\n'
        '    text: "{{ failed_task }} ({{ failed_tasks }}): {{ cause }} {{ url }}"\n'
        "tasks: [{id: load, command: x, on_failure: [{webhook: 'https://example.org/task',"
        ' text: "{{ task_id }} {{ try_number }} {{ exit_code }}"}]}]'
    )
    play(world, "d", params={"day": "tuesday"})
    task, run = told(world)
    assert task["text"] == "load 1 3"
    assert run["title"] == "D of tuesday"
    assert run["text"].startswith("load (1): load: exit code 3: ValueError: bad row 7 https://")


def test_the_documented_defaults_say_the_same_as_the_templates_they_are(world: World) -> None:
    world.upload(
        f"name: D\non_failure:\n  - webhook: {HOOK}\n  - webhook: {HOOK}/2\n"
        '    title: "{{ headline }}"\n    text: "{{ cause }}"\n'
        "tasks: [{id: load, command: x}]"
    )
    play(world, "d")
    first, second = told(world)
    assert first == second


def test_words_that_cannot_be_rendered_are_replaced_and_the_message_is_sent(world: World) -> None:
    world.upload(
        f"name: D\nparams: {{rows: 0}}\non_failure: [{{webhook: '{HOOK}',"
        ' text: "{{ 1 // params.rows }}"}]\ntasks: [{id: load, command: x}]'
    )
    play(world, "d")
    [payload] = told(world)
    assert payload["title"] == "D failed"
    assert payload["text"].startswith("load: exit code 3: ValueError: bad row 7\n(the text in the")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{{ dag_nam }}", "unknown name 'dag_nam'; did you mean 'dag_name'?"),
        ("{{ outputs.load.rows }}", "unknown name 'outputs'"),
        ("{{ params.x }}", "unknown param 'x'"),
        ("{{ ds }}" * 21, "the text has 21 templates; at most 20 are allowed"),
        ("x" * 3001, "the text has 3001 characters; at most 3000 are allowed"),
    ],
)
def test_words_are_checked_when_the_file_is_registered(text: str, problem: str) -> None:
    source = f"name: D\non_failure:\n  - webhook: {HOOK}\n    text: '{text}'\n"
    with pytest.raises(DagFileError) as caught:
        parse_file(f"{source}tasks: [{{id: t, command: x}}]".encode())
    assert problem in caught.value.problems[0].message
    assert caught.value.problems[0].line == 4


@pytest.mark.parametrize(
    "source",
    [
        "on_failure: [{slack: HOOK}]\ntasks: [{id: t, command: x}]",
        "tasks: [{id: t, command: x, on_failure: [{slack: HOOK}]}]",
        "default_args: {on_failure: [{slack: HOOK}]}\ntasks: [{id: t, command: x}]",
    ],
)
def test_a_target_names_an_entry_of_secrets(source: str) -> None:
    parsed = parse_file(f"name: D\nsecrets: {{HOOK: 'ssm:/slack'}}\n{source}".encode())
    [target] = parsed.dag.on_failure or parsed.dag.tasks[0].on_failure
    assert target.target == "ssm:/slack"
    assert parsed.warnings == ()


def test_a_target_can_be_a_reference_itself() -> None:
    source = "name: D\non_failure: [{pagerduty: 'secretsmanager:pd#key'}]\n"
    parsed = parse_file(f"{source}tasks: [{{id: t, command: x}}]".encode())
    assert parsed.dag.on_failure[0].target == "secretsmanager:pd#key"


def test_a_secret_that_is_not_declared_is_a_problem() -> None:
    source = "name: D\nsecrets: {SLACK_URL: 'ssm:/slack'}\non_failure: [{slack: SLACK_URI}]\n"
    with pytest.raises(DagFileError, match=r"no secret 'SLACK_URI'; did you mean 'SLACK_URL'"):
        parse_file(f"{source}tasks: [{{id: t, command: x}}]".encode())


def test_a_key_in_the_file_gets_a_warning() -> None:
    source = f"name: D\non_failure: [{{pagerduty: {KEY}}}]\ntasks: [{{id: t, command: x}}]"
    [warning] = parse_file(source.encode()).warnings
    assert (warning.code, warning.line) == (WarningCode.TARGET_IN_FILE, 2)
    assert KEY not in warning.message


def events(world: World) -> list[str]:
    return [payload["event"] for payload in told(world)]


def test_the_next_success_resolves_an_incident_once(world: World, script: Script) -> None:
    world.upload(f"name: D\non_failure: [{{pagerduty: {KEY}}}]\ntasks: [{{id: load, command: x}}]")
    script.failing = set()
    play(world, "d")
    assert events(world) == []
    script.failing = {"load"}
    play(world, "d")
    script.failing = set()
    play(world, "d")
    play(world, "d")
    assert events(world) == ["failure", "success"]


def test_a_cleared_run_that_succeeds_resolves_its_own_incident(
    world: World, script: Script
) -> None:
    world.upload(f"name: D\non_failure: [{{pagerduty: {KEY}}}]\ntasks: [{{id: load, command: x}}]")
    run_id = play(world, "d")
    script.failing = set()
    runs.clear(world.scheduler, run_id, who="ann")
    world.play(3, ticking=False)
    assert events(world) == ["failure", "success"]


def test_a_success_resolves_the_incident_of_its_own_task_instance_only(
    world: World, script: Script
) -> None:
    world.upload(
        "name: D\ntasks:\n"
        + "".join(
            f"  - {{id: {name}, command: x, on_failure: [{{pagerduty: {KEY}}}]}}\n"
            for name in ("load", "other")
        )
    )
    play(world, "d")
    script.failing = set()
    play(world, "d")
    assert [(p["event"], p["task_id"]) for p in told(world)] == [
        ("failure", "load"),
        ("success", "load"),
    ]


def test_an_incident_of_a_partial_success_is_not_resolved_by_the_same_run(world: World) -> None:
    targets = f"[{{pagerduty: {KEY}}}]"
    world.upload(
        f"name: D\non_success: {targets}\non_partial_success: {targets}\non_failure: {targets}\n"
        "tasks: [{id: load, command: x},"
        " {id: t, command: x, dependencies: [load], trigger_rule: all_done}]"
    )
    play(world, "d")
    assert events(world) == ["partial_success"]
    assert told(world)[0]["title"] == "D succeeded, 1 task failed"


def failed(notification: Any) -> NotificationResult:
    return NotificationResult(notification.id, is_delivered=False, reason="gone")


def test_a_notification_is_sent_again_on_request(world: World) -> None:
    world.upload(f"name: D\non_failure: [{{webhook: '{HOOK}'}}]\ntasks: [{{id: load, command: x}}]")
    deliver, world.executor.deliver = world.executor.deliver, failed
    play(world, "d")
    assert world.all("SELECT state, reason FROM notifications") == [("failed", "gone")]
    world.executor.deliver = deliver
    notifications.resend(world.scheduler, 1, who="ann")
    world.play(2, ticking=False)
    assert world.all("SELECT state, reason FROM notifications") == [("delivered", "")]
    first, second = world.executor.notified
    assert first == second
    audit = world.all("SELECT who, action, target FROM audit ORDER BY id DESC LIMIT 1")
    assert audit == [("ann", "resend notification", "1")]


def test_what_is_not_kept_cannot_be_sent_again(world: World) -> None:
    with pytest.raises(NotFound, match="there is no notification 7"):
        notifications.resend(world.scheduler, 7, who="ann")


def test_a_secret_in_the_file_is_never_shown_in_full(world: World) -> None:
    url = "https://hooks.slack.com/services/T0/B0/secret"
    world.upload(
        f"name: D\non_failure: [{{slack: '{url}'}}]\ntasks: [{{id: load, command: x,"
        f" on_failure: [{{pagerduty: {KEY}}}]}}]"
    )
    play(world, "d")
    with world.database.read() as tx:
        shown = [row.target for row in journal.notifications(tx, limit=10).items]
        dag = dag_reads.dag(tx, "d")
    assert sorted(shown) == ["https://hooks.slack.com/…", "…cdef"]
    assert dag is not None
    assert dag.on_failure[0].target == "https://hooks.slack.com/…"
    assert dag.tasks[0].on_failure[0].target == "…cdef"
