"""Each function may do what it does, and little else: what the functions of the bundle ask of AWS
is held against the policies that were put on their roles."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

import pytest

from chalicelib.database import Database
from chalicelib.local import events
from chalicelib.messages import Attempt, TaskMessage
from infra.functions import FUNCTIONS
from infra.names import Stage
from infra.policies import NETWORK_INTERFACES
from tests.integration.bundle.event_sources import EventSources, Lambda
from tests.integration.bundle.installation import STAGE, Installation
from tests.integration.bundle.requests_seen import Needed, Seen, allows
from tests.integration.bundle.user import User
from tests.support.waiting import eventually

NAMES = [function.name for function in FUNCTIONS]

EVERYTHING = """
name: Everything
schedule: "@every 5s"
secrets:
  WORD: secretsmanager:orchestrator/dev/word
  PARAMETER: ssm:/orchestrator/dev/parameter
on_success:
  - sns: arn:aws:sns:us-east-1:123456789012:orchestrator-dev-news
files: words/
tasks:
  - id: first
    command: echo "$WORD$PARAMETER" | wc -c > left
    artifacts: {left: left}
  - id: second
    command: cat words/* in; echo done
    dependencies: first
    inputs: {in: first.left}
"""

TIMED = """
name: Timed
dagrun_timeout: 60s
max_active_runs: 1
tasks:
  - id: work
    command: "true"
"""

LONG = """
name: Long
max_active_runs: {at_once}
tasks:
  - id: wait
    command: echo waiting; sleep 3000
"""


@pytest.fixture(scope="module")
def used(
    installed: Installation, functions: Lambda, sources: EventSources, user: User, seen: Seen
) -> dict[str, set[Needed]]:
    """What each function needed while all that an installation does was done once."""
    _give_secrets_and_a_topic(installed)
    at_work, waiting = _start_long_runs(sources, user)
    _run_everything(installed, sources, user, seen)
    _run_what_must_end_soon(sources, user)
    eventually(lambda: _has_looked_for_a_cancel_mark(seen))
    sources.upload("long.yaml", LONG.format(at_once=2))
    for run_id in (at_work, waiting):
        user.post(f"/api/runs/{run_id}/cancel")
        assert user.ended(run_id)["state"] == "cancelled"
    # At work for so long that its log is in the bucket, not in the result.
    assert "waiting" in user.log(at_work, "wait")
    _find_dead_letters(installed, user)
    _forget_what_is_old(installed, user)
    _back_up(installed, functions)
    assert functions.invoke("admin", {"action": "self test"})["missing"] == ""
    return {name: seen.of(Stage(STAGE).function(name)) for name in NAMES}


def _give_secrets_and_a_topic(installed: Installation) -> None:
    installed.client("secretsmanager").create_secret(
        Name="orchestrator/dev/word", SecretString="hush-hush"
    )
    installed.client("ssm").put_parameter(
        Name="/orchestrator/dev/parameter", Value="shush-shush", Type="SecureString"
    )
    installed.client("sns").create_topic(Name="orchestrator-dev-news")


def _start_long_runs(sources: EventSources, user: User) -> tuple[str, str]:
    """One at work, and one that waits until a changed file lets it in."""
    sources.upload("long.yaml", LONG.format(at_once=1))
    at_work, waiting = user.run("long"), user.run("long")
    eventually(lambda: user.get(f"/api/runs/{at_work}")["state"] == "running")
    return at_work, waiting


def _run_everything(installed: Installation, sources: EventSources, user: User, seen: Seen) -> None:
    sources.upload("everything.yaml", EVERYTHING)
    sources.upload("words/one.txt", "and now\n")  # after the file that wants it
    eventually(lambda: not user.get("/api/import_errors")["import_errors"])
    run_id = user.run("everything")
    assert user.ended(run_id)["state"] == "success"
    assert "and now" in user.log(run_id, "second")
    assert user.log(run_id, "second").endswith("done\n")

    def told() -> bool:
        rows = user.get("/api/notifications", run_id=run_id)["notifications"]
        return [row["state"] for row in rows] == ["delivered"]

    eventually(told)
    # A scheduled run is made by whoever is first, a tick or the wake-up of `apply`.
    eventually(lambda: _has_sent_a_task(seen, "tick") and _has_sent_a_task(seen, "apply"))
    _send(installed, "tasks_queue", Attempt("everything", run_id, "first", -1, 1))
    user.get("/api/health")
    sources.remove("everything.yaml")


def _run_what_must_end_soon(sources: EventSources, user: User) -> None:
    """Whoever lets it begin leaves a wake-up to see that it does: the API and, for what waited,
    `apply`. How it ends is all the same."""
    sources.upload("timed.yaml", TIMED)
    for run_id in [user.run("timed"), user.run("timed")]:
        user.ended(run_id)


def _has_looked_for_a_cancel_mark(seen: Seen) -> bool:
    needed = seen.of(Stage(STAGE).function("execute"))
    return any(action == "dynamodb:GetItem" for action, _ in needed)


def _has_sent_a_task(seen: Seen, name: str) -> bool:
    needed = seen.of(Stage(STAGE).function(name))
    return any(
        action == "sqs:SendMessage" and resource.endswith("-tasks") for action, resource in needed
    )


def _find_dead_letters(installed: Installation, user: User) -> None:
    _send(installed, "dead_letter_queue", Attempt("long", "long__unknown", "wait", -1, 1))
    eventually(lambda: "dead_letters" in _did(user))


def _forget_what_is_old(installed: Installation, user: User) -> None:
    """Runs that seem to have ended long ago, and a file that no event told of."""
    bucket = installed.setting("dags_bucket")
    installed.client("s3").put_object(Bucket=bucket, Key="unseen.yaml", Body=b"tasks: 1")
    database = Database(installed.database)
    with database.write() as tx:
        years = int(timedelta(days=3650).total_seconds() * 1_000_000)
        tx.execute(f"UPDATE runs SET ended_at = ended_at - {years} WHERE ended_at IS NOT NULL")
        tx.execute("DELETE FROM metadata WHERE name = 'last_round'")
    database.close()
    eventually(lambda: {"runs_removed", "files_registered"} <= _did(user))


def _send(installed: Installation, queue: str, attempt: Attempt) -> None:
    client = installed.client("sqs")
    url = client.get_queue_url(QueueName=installed.setting(queue))["QueueUrl"]
    client.send_message(QueueUrl=url, MessageBody=TaskMessage(attempt, "true").encode())


def _did(user: User) -> set[str]:
    """What the ticks did."""
    return {
        name for tick in user.get("/api/ticks", limit="100")["ticks"] for name in tick["counts"]
    }


def _back_up(installed: Installation, functions: Lambda) -> None:
    """Each time with a backup that another one began long ago and never ended."""
    unfinished = "database/20200101T000000Z-000000000001/part-00000.gz"
    bucket = installed.setting("backups_bucket")
    at_night = events.schedule_event(datetime.now(UTC))
    for name, event in (("backup", at_night), ("admin", {"action": "backup"})):
        installed.client("s3").put_object(Bucket=bucket, Key=unfinished, Body=b"")
        functions.invoke(name, event)
    functions.invoke("admin", {"action": "backups"})


def policy_of(installed: Installation, name: str) -> dict[str, Any]:
    """What IAM has."""
    iam, role = installed.client("iam"), Stage(STAGE).role(name)
    (held,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    found: dict[str, Any] = iam.get_role_policy(RoleName=role, PolicyName=held)["PolicyDocument"]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_what_a_function_asks_of_aws_is_allowed(
    installed: Installation, used: dict[str, set[Needed]], name: str
) -> None:
    document = policy_of(installed, name)
    assert used[name], f"{name} asked for nothing at all"
    assert [needed for needed in sorted(used[name]) if not allows(document, needed)] == []


LAMBDAS_OWN = {
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "elasticfilesystem:ClientMount",
    "elasticfilesystem:ClientWrite",
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "kms:Decrypt",
    *NETWORK_INTERFACES,
}
"""What is not asked for by a function's code, but by Lambda, the mount, or a store of secrets."""

SELDOM = {
    ("register", "dynamodb:UpdateItem", "*"): "a run that a larger limit lets in replaces another",
    ("apply", "dynamodb:UpdateItem", "*"): "a run that takes the place of another one stops that",
    ("admin", "dynamodb:GetItem", "*"): "a self-test without a result looks for the claim",
    ("execute", "s3:AbortMultipartUpload", "*"): "an upload of an artifact that breaks off",
    ("execute", "ses:SendRawEmail", "*"): "a notification by e-mail; none is sent here",
    ("tick", "s3:GetObject", "*"): "files beside DAG files are stored again after two weeks",
    ("tick", "s3:PutObject", "*"): "files beside DAG files whose event was lost are stored",
    ("execute", "s3:DeleteObject", "*"): "a log that grows too long loses its middle",
    ("api_handler", "s3:*", "arn:aws:s3:::*-dags*"): "the page's editor; nobody edits here",
}
"""Why a permission is not asked for here: by function, action and resource."""


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_allowed_that_is_never_asked_for(
    installed: Installation, used: dict[str, set[Needed]], name: str
) -> None:
    unused = [
        (action, resource)
        for action, resource in _granted(policy_of(installed, name))
        if action not in LAMBDAS_OWN
        and not any(_is_like((name, action, resource), row) for row in SELDOM)
        and not any(allows(_only(action, resource), needed) for needed in used[name])
    ]
    assert unused == []


def _is_like(permission: tuple[str, str, str], row: tuple[str, str, str]) -> bool:
    return all(fnmatchcase(*pair) for pair in zip(permission, row, strict=True))


def _granted(document: dict[str, Any]) -> Iterator[Needed]:
    for statement in document["Statement"]:
        if statement["Effect"] == "Allow":
            yield from ((a, r) for a in statement["Action"] for r in statement["Resource"])


def _only(action: str, resource: str) -> dict[str, Any]:
    return {"Statement": [{"Effect": "Allow", "Action": [action], "Resource": [resource]}]}
