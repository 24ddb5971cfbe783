"""What a worker's credentials can do: its queue, its reports, its attempts, and nothing else."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import pytest

from chalicelib.messages import Attempt
from infra.commands.queue import needs
from infra.worker_policy import worker_policy, worker_settings
from tests.unit.infra.installation import LOCATION, OUTPUTS, PROD

POLICY = worker_policy(PROD, "gpu", ["train", "score-*"])
RUNS = LOCATION.bucket_arn(OUTPUTS["RunsBucket"])
OWN, OTHER = Attempt("train", "run", "task", -1, 1), Attempt("payroll", "run", "task", -1, 1)


def may(action: str, resource: str, key: str = "") -> bool:
    """`key` is the item that a request to DynamoDB names."""
    return any(
        action in statement["Action"]
        and any(fnmatchcase(resource, pattern) for pattern in statement["Resource"])
        and _holds(statement.get("Condition"), key)
        for statement in POLICY["Statement"]
    )


def _holds(condition: dict[str, Any] | None, key: str) -> bool:
    if condition is None:
        return True
    patterns = condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    return any(fnmatchcase(key, pattern) for pattern in patterns)


def queue(name: str) -> str:
    return LOCATION.arn("sqs", name)


@pytest.mark.parametrize("action", ["ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility"])
def test_it_may_take_the_tasks_of_its_queue_and_of_no_other(action: str) -> None:
    assert may(f"sqs:{action}", queue("orchestrator-prod-tasks-queue-gpu"))
    for other in ("tasks", "tasks-queue-cpu", "tasks-queue-gpu2", "tasks-dead", "results"):
        assert not may(f"sqs:{action}", queue(f"orchestrator-prod-{other}"))


def test_it_may_report_but_not_read_reports_or_send_tasks() -> None:
    assert may("sqs:SendMessage", queue("orchestrator-prod-results"))
    assert not may("sqs:SendMessage", queue("orchestrator-prod-tasks"))
    assert not may("sqs:SendMessage", queue("orchestrator-prod-tasks-queue-gpu"))


@pytest.mark.parametrize("action", ["dynamodb:UpdateItem", "dynamodb:GetItem"])
def test_it_may_claim_attempts_of_its_dags_only(action: str) -> None:
    table = LOCATION.arn("dynamodb", "table/orchestrator-prod-claims")
    assert may(action, table, OWN.prefix)
    assert may(action, table, Attempt("score-a", "run", "task", -1, 1).prefix)
    assert not may(action, table, OTHER.prefix)


def test_it_can_take_no_claim_back() -> None:
    table = LOCATION.arn("dynamodb", "table/orchestrator-prod-claims")
    for action in ("DeleteItem", "PutItem", "BatchWriteItem", "Scan", "Query"):
        assert not may(f"dynamodb:{action}", table, OWN.prefix)


def test_it_may_write_logs_of_its_dags_and_read_none() -> None:
    own, other = (f"{RUNS}/{attempt.log_chunk_key(0)}" for attempt in (OWN, OTHER))
    assert may("s3:PutObject", own)
    assert not may("s3:PutObject", other)
    assert not may("s3:GetObject", own)
    assert not may("s3:ListBucket", RUNS)


@pytest.mark.parametrize("name", ["DagsBucket", "BackupsBucket"])
def test_it_reaches_neither_dag_files_nor_backups(name: str) -> None:
    resources = [r for s in POLICY["Statement"] for r in s["Resource"]]
    assert not [r for r in resources if OUTPUTS[name] in r]


def test_it_may_assume_no_role_and_read_no_secret() -> None:
    actions = {action for s in POLICY["Statement"] for action in s["Action"]}
    assert {action.partition(":")[0] for action in actions} == {"sqs", "dynamodb", "s3"}
    assert not [action for action in actions if "*" in action]


def test_without_dags_it_is_for_the_attempts_of_all() -> None:
    (claims,) = [s for s in worker_policy(PROD, "gpu")["Statement"] if s["Sid"] == "Claims"]
    assert claims["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"] == ["*/*"]


def test_the_settings_are_printed_with_the_policy() -> None:
    printed = list(needs(PROD, "gpu", ["*"]))
    for name, value in worker_settings(PROD).items():
        assert f"{name}={value}" in printed
    assert "python -m chalicelib.worker --queue gpu" in printed[-1]
