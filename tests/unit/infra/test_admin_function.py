"""Asking the function `admin`, and showing what it answers."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.__main__ import main
from infra.aws import Aws
from infra.commands import admin_function
from infra.errors import InfraError
from infra.names import Location, Stage

PROD = Stage("prod")


@dataclass
class FakeLambda:
    """Answers one after the other; an error among them is raised."""

    answers: list[Any]
    asked: list[tuple[str, Any]] = field(default_factory=list)

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        self.asked.append((FunctionName, json.loads(Payload)))
        answer = self.answers.pop(0)
        if isinstance(answer, ClientError):
            raise answer
        failed = {"FunctionError": "Unhandled"} if "errorMessage" in answer else {}
        return {"Payload": io.BytesIO(json.dumps(answer).encode()), **failed}


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "Invoke")


def account(*answers: Any) -> tuple[Aws, FakeLambda, list[float]]:
    """It, its Lambda, and the seconds that were waited."""
    fake, waited = FakeLambda([*answers]), list[float]()
    location = Location("aws", "eu-central-1", "111122223333")
    clients: dict[str, Any] = {"lambda, patient": fake}
    return Aws(location, None, waited.append, None, "arn:of:me", clients), fake, waited


def test_the_function_is_told_what_to_do_and_who_asks() -> None:
    aws, fake, _ = account({"token": "orch_1"})
    assert admin_function.invoke(aws, PROD, "token create", name="ci", role="viewer") == {
        "token": "orch_1"
    }
    command = {"action": "token create", "who": "arn:of:me", "name": "ci", "role": "viewer"}
    assert fake.asked == [("orchestrator-prod-admin", command)]


def test_a_mount_that_does_not_work_yet_is_waited_for() -> None:
    aws, fake, waited = account(refusal("EFSMountFailureException"), {"tokens": []})
    assert admin_function.invoke(aws, PROD, "token list") == {"tokens": []}
    assert (len(fake.asked), waited) == (2, [admin_function.PAUSE_SECONDS])


def test_a_mount_that_never_works_is_an_error() -> None:
    aws, fake, _ = account(*[refusal("EFSMountFailureException")] * admin_function.ATTEMPTS)
    with pytest.raises(ClientError, match="EFSMountFailureException"):
        admin_function.invoke(aws, PROD, "token list")
    assert fake.answers == []


def test_what_iam_refuses_is_not_asked_again() -> None:
    aws, fake, _ = account(refusal("AccessDeniedException"))
    with pytest.raises(ClientError, match="AccessDenied"):
        admin_function.invoke(aws, PROD, "backup")
    assert len(fake.asked) == 1


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"error": {"code": "conflict", "message": "there is a token"}}, "^there is a token$"),
        ({"errorMessage": "boom", "errorType": "E"}, "orchestrator-prod-admin failed: boom"),
        (refusal("ResourceNotFoundException"), "python -m infra deploy --stage prod"),
    ],
)
def test_what_could_not_be_done_is_an_error_for_people(answer: Any, said: str) -> None:
    aws, _, _ = account(answer)
    with pytest.raises(InfraError, match=said):
        admin_function.invoke(aws, PROD, "backup")


def test_tokens_are_shown_with_their_last_use() -> None:
    row = {
        "name": "ci",
        "role": "viewer",
        "created_at": "2026-11-23T10:00:00.123456Z",
        "last_used_at": None,
        "revoked_at": "2026-11-24T10:00:00Z",
    }
    _, line = admin_function.token_lines([row])
    created, revoked = "2026-11-23T10:00:00Z", "2026-11-24T10:00:00Z"
    assert line.split() == ["ci", "viewer", created, "-", "-", revoked, "all"]


def test_a_restore_says_what_is_lost() -> None:
    done = {
        "backup": "b1",
        "schema_version": 1,
        "kept_as": "database.1",
        "lost_commits": 7,
        "active_runs": ["r1", "r2"],
        "tokens_revoked_again": 2,
    }
    told = list(admin_function.restore_lines(done))
    assert told == [
        "restored b1, schema version 1",
        "the replaced database was kept as database.1",
        "commits lost since the backup: 7",
        "runs that were active: r1, r2",
        "tokens revoked again (revoked since the backup): 2",
    ]


BACKUP = {"name": "b1", "taken_at": "2026-11-23T03:17:00Z", "size": 2e6, "stored": 1e6}
RESTORED: dict[str, Any] = {
    "backup": "b1",
    "schema_version": 1,
    "kept_as": None,
    "lost_commits": None,
    "active_runs": None,
    "tokens_revoked_again": 0,
}


@pytest.mark.parametrize(
    ("line", "answer", "command", "said"),
    [
        (
            "token create ci --role viewer",
            {"token": "orch_1"},
            {"action": "token create", "name": "ci", "role": "viewer"},
            "access token (shown only once): orch_1",
        ),
        ("token list", {"tokens": []}, {"action": "token list"}, "last used"),
        (
            "token revoke ci",
            {"revoked": "ci"},
            {"action": "token revoke", "name": "ci"},
            "revoked: ci",
        ),
        (
            "backup",
            {**BACKUP, "locked_seconds": 0.25},
            {"action": "backup"},
            "the database was locked for 0.25 s",
        ),
        ("backups", {"backups": [BACKUP]}, {"action": "backups"}, "2.0 MB      1.0 MB"),
        (
            "restore --yes",
            RESTORED,
            {"action": "restore", "even_while_runs_are_active": False},
            "restored b1",
        ),
        (
            "restore b1 --yes --even-while-runs-are-active",
            RESTORED,
            {"action": "restore", "name": "b1", "even_while_runs_are_active": True},
            "restored b1",
        ),
    ],
)
def test_each_command_asks_for_what_it_says(
    line: str,
    answer: dict[str, Any],
    command: dict[str, Any],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    aws, fake, _ = account(answer)
    monkeypatch.setattr("infra.__main__.connect", lambda *_: aws)
    assert main([*line.split(), "--stage", "prod"]) == 0
    assert fake.asked == [("orchestrator-prod-admin", {"who": "arn:of:me", **command})]
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("test\n", "nothing was restored"),
        ("", "cannot ask for confirmation without a terminal; add --yes"),
    ],
)
def test_nothing_is_restored_unless_the_stage_is_named_again(
    typed: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    aws, fake, _ = account()
    monkeypatch.setattr("infra.__main__.connect", lambda *_: aws)
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    assert main(["restore", "--stage", "prod"]) == 1
    assert fake.asked == []
    assert capsys.readouterr().err == f"error: {said}\n"
