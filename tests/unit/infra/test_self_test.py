"""What is told of a self-test, and which function is named."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.admin.self_test import Missing
from infra.aws import Aws
from infra.commands import self_test
from infra.errors import InfraError
from infra.names import Location, Stage
from tests.integration.infra.moto_gaps import PASSED


@dataclass
class FakeAws:
    """The function `admin`, and the logs of the others by the names of their groups."""

    answer: dict[str, Any]
    logs: dict[str, list[str]] = field(default_factory=dict)

    def invoke(self, **_: Any) -> dict[str, Any]:
        return {"Payload": io.BytesIO(json.dumps(self.answer).encode())}

    def filter_log_events(self, logGroupName: str, limit: int, **_: Any) -> dict[str, Any]:
        if logGroupName not in self.logs:
            code = {"Error": {"Code": "AccessDeniedException", "Message": ""}}
            raise ClientError(code, "FilterLogEvents")
        return {"events": [{"message": line} for line in self.logs[logGroupName][:limit]]}


def run(answer: dict[str, Any], logs: dict[str, list[str]] | None = None) -> str:
    fake = FakeAws({**PASSED, **answer}, logs or {})
    clients = {"lambda, patient": fake, "logs": fake}
    aws = Aws(Location("aws", "eu-central-1", "1"), None, lambda _: None, _clients=clients)
    return self_test.run(aws, Stage("prod"))


def test_a_good_one_tells_how_long_it_took_and_which_sqlite_there_is() -> None:
    assert run({}) == (
        "a task went through queue, executor, database and bucket in 2.2 s"
        " (its command started after 1.5 s);"
        " SQLite 3.51.0, bundled (the standard library has 3.40.0)"
    )


@pytest.mark.parametrize("missing", [m for m in Missing if m])
def test_a_bad_one_names_the_function_and_shows_the_first_lines_of_its_log(
    missing: Missing,
) -> None:
    group = "/aws/lambda/orchestrator-prod-execute"
    with pytest.raises(InfraError) as failed:
        run({"missing": str(missing)}, {group: ["PermissionError: prctl", *map(str, range(99))]})
    said = str(failed.value)
    assert f"function orchestrator-prod-execute, log {group}:\n  PermissionError: prctl\n" in said
    assert len(said.splitlines()) < 40
    assert said.endswith("run the same command again.")


def test_every_way_to_fail_is_told_in_words() -> None:
    failures = {str(m) for m in Missing if m}
    assert failures == set(self_test.FAILURES) == set(self_test.SUSPECTS)


def test_a_log_that_cannot_be_read_or_is_empty_says_so() -> None:
    group = "/aws/lambda/orchestrator-prod-execute"
    with pytest.raises(InfraError, match="empty; the function was not invoked"):
        run({"missing": "claim"}, {group: []})
    with pytest.raises(InfraError, match="cannot be read: AccessDeniedException"):
        run({"missing": "claim"})


def test_the_reason_of_a_command_that_failed_is_shown() -> None:
    with pytest.raises(InfraError, match="its command failed: exit code 127"):
        run({"missing": "success", "reason": "exit code 127"})
