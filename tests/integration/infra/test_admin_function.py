"""What the function `admin` does, with a real database; the bucket and the clock are fakes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib import config
from chalicelib.admin import access_tokens
from chalicelib.admin.backup import BackupContext
from chalicelib.admin.commands import execute
from chalicelib.database import Database
from chalicelib.errors import Unauthorized
from chalicelib.places import DEFAULT_PLACE
from chalicelib.scheduler.context import SchedulerContext
from tests.support.fakes import FakeBucket, FakeClaims, FakeClock, FakeQueue

Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[SchedulerContext]:
    database = Database(tmp_path / "database" / "orchestrator.sqlite")
    database.create_if_missing()
    now = FakeClock()
    queue, bucket = FakeQueue(now), FakeBucket()
    yield SchedulerContext(
        database,
        {DEFAULT_PLACE: queue},
        queue,
        queue,
        bucket,
        bucket,
        FakeClaims(),
        config.load({}),
        now,
    )
    database.close()


@pytest.fixture
def ask(scheduler: SchedulerContext, tmp_path: Path) -> Ask:
    """Invoke the function as Lambda does: JSON in, JSON out."""
    (tmp_path / "scratch").mkdir()
    backup_context = BackupContext(
        Database(scheduler.database.path),
        FakeBucket(),
        scheduler.now,
        scratch=tmp_path / "scratch",
        linger=0.0,
    )

    def asked(do: str, **fields: Any) -> dict[str, Any]:
        command = json.loads(json.dumps({"action": do, "who": "arn:of:ann", **fields}))
        answer: dict[str, Any] = json.loads(
            json.dumps(execute(command, lambda: scheduler, lambda: backup_context))
        )
        return answer

    return asked


def test_the_first_token_is_an_operators_and_is_made_once(
    ask: Ask, scheduler: SchedulerContext
) -> None:
    token = ask("token first", name="first")["token"]
    assert access_tokens.authenticate(scheduler, token) is not None
    assert ask("token first", name="first") == {"token": None}


def test_a_token_is_made_listed_and_revoked_and_the_audit_knows_who_did_it(
    ask: Ask, scheduler: SchedulerContext
) -> None:
    limits = {"dags": "sales_*", "expires_in_days": 30}
    token = ask("token create", name="ci", role="viewer", **limits)["token"]
    (shown,) = ask("token list")["tokens"]
    assert shown["dags"] == "sales_*"
    assert shown["expires_at"] > shown["created_at"]
    assert (shown["name"], shown["role"], shown["revoked_at"]) == ("ci", "viewer", None)
    assert token not in json.dumps(shown)

    assert ask("token revoke", name="ci") == {"revoked": "ci"}
    with pytest.raises(Unauthorized, match="ci was revoked"):
        access_tokens.authenticate(scheduler, token)
    assert ask("token list")["tokens"][0]["revoked_at"] is not None
    with scheduler.database.read() as tx:
        rows = tx.all("SELECT who, action FROM audit ORDER BY id")
    assert [(row["who"], row["action"]) for row in rows] == [
        ("arn:of:ann", "create token"),
        ("arn:of:ann", "revoke token"),
    ]


def test_a_backup_brings_back_what_was_there_when_it_was_made(
    ask: Ask, scheduler: SchedulerContext
) -> None:
    ask("token create", name="before", role="viewer")
    made = ask("backup")
    ask("token create", name="after", role="viewer")
    assert [backup["name"] for backup in ask("backups")["backups"]] == [made["name"]]

    scheduler.database.close()  # as it would be after the time that a restore lingers
    done = ask("restore", name=made["name"])

    assert (done["backup"], done["lost_commits"]) == (made["name"], 1)
    assert [token["name"] for token in ask("token list")["tokens"]] == ["before"]
    with scheduler.database.read() as tx:
        row = tx.one("SELECT who, action, target FROM audit ORDER BY id DESC LIMIT 1")
    assert row is not None
    assert tuple(row) == ("arn:of:ann", "restore", made["name"])


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ({"action": "format the disk"}, "invalid_request", "not one of token first, token create"),
        ({"action": ["backup"]}, "invalid_request", "not one of"),
        ({}, "invalid_request", "action: None"),
        ({"action": "token create", "name": "x"}, "invalid_request", "needs the text `role`"),
        (
            {"action": "token create", "name": "x", "role": "god"},
            "invalid_request",
            "no role 'god'",
        ),
        ({"action": "token revoke", "name": "nobody"}, "not_found", "no token 'nobody'"),
        ({"action": "backup", "nmae": "x"}, "invalid_request", "does not take nmae"),
        ({"action": "restore"}, "not_found", "no backup yet"),
        ({"action": "restore", "name": "../x"}, "not_found", "no backup '../x'"),
        ({"action": "restore", "name": 7}, "invalid_request", "needs the text `name`"),
        (
            {"action": "restore", "even_while_runs_are_active": "no"},
            "invalid_request",
            "must be true or false",
        ),
    ],
)
def test_what_cannot_be_done_is_answered_and_not_raised(
    scheduler: SchedulerContext, command: dict[str, Any], code: str, said: str
) -> None:
    backup_context = BackupContext(
        Database(scheduler.database.path), FakeBucket(), scheduler.now, linger=0.0
    )
    error = execute(command, lambda: scheduler, lambda: backup_context)["error"]
    assert error["code"] == code
    assert said in error["message"]


def test_a_restore_does_not_open_the_database_that_may_be_broken(tmp_path: Path) -> None:
    def broken() -> SchedulerContext:
        raise AssertionError("the scheduler was asked for")

    backup_context = BackupContext(
        Database(tmp_path / "d" / "x.sqlite"), FakeBucket(), FakeClock(), linger=0.0
    )
    assert execute({"action": "backups"}, broken, lambda: backup_context) == {"backups": []}
    assert "error" in execute({"action": "restore"}, broken, lambda: backup_context)
