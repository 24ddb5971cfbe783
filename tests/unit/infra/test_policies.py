"""What each function may do: no wildcard among the actions, and only on what is the stack's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.messages import SELF_TEST_DAG_ID
from infra.functions import CLAIMS_ON_S3_UNTIL, FUNCTIONS
from infra.names import ADMIN_FUNCTION
from infra.policies import NETWORK_INTERFACES, SEND, policies
from tests.unit.infra.installation import LOCATION, OUTPUTS, PROD

POLICIES = policies(PROD)
CLAIMS = LOCATION.arn("dynamodb", "table/orchestrator-prod-claims")
NAMES = [function.name for function in FUNCTIONS]
WITH_DATABASE = [function.name for function in FUNCTIONS if function.has_database]


def statements(name: str, effect: str = "Allow") -> Iterator[dict[str, Any]]:
    for statement in POLICIES[name]["Statement"]:
        if statement["Effect"] == effect:
            yield statement


def granted(name: str) -> set[tuple[str, str]]:
    """Pairs of action and resource."""
    return {(a, r) for s in statements(name) for a in s["Action"] for r in s["Resource"]}


def wrong(statement: dict[str, Any]) -> list[str]:
    """What may not stand in a policy."""
    actions = [action for action in statement["Action"] if "*" in action]
    resources = [
        resource
        for resource in statement["Resource"]
        if not _is_own(resource)
        and not set(statement["Action"]) <= set(NETWORK_INTERFACES)
        and not _is_own_key(resource, statement)
    ]
    return actions + resources


def _is_own(resource: str) -> bool:
    owned = [value for value in OUTPUTS.values() if value.startswith("arn:")]
    owned += [LOCATION.bucket_arn(OUTPUTS[name]) for name in OUTPUTS if name.endswith("Bucket")]
    owned += [LOCATION.arn("sqs", OUTPUTS[name]) for name in OUTPUTS if name.endswith("Queue")]
    owned.append(CLAIMS)
    owned.append(LOCATION.arn("sqs", "orchestrator-prod-tasks-queue-*"))  # of workers
    owned.append(LOCATION.arn("ses", "identity/*"))  # addresses are the account's, not a stage's
    below = [f"{arn}/" for arn in owned if ":s3:::" in arn]
    below.append(LOCATION.arn("secretsmanager", "secret:orchestrator/prod/"))
    below.append(LOCATION.arn("ssm", "parameter/orchestrator/prod/"))
    below.append(LOCATION.arn("sns", "orchestrator-prod-"))
    logs = [LOCATION.arn("logs", f"log-group:/aws/lambda/{PROD.stage.function(n)}:") for n in NAMES]
    return resource in owned or resource.startswith((*below, *logs))


def _is_own_key(resource: str, statement: dict[str, Any]) -> bool:
    """A key's ARN tells nothing of whose it is: the condition names the alias that it must have."""
    condition = statement.get("Condition", {}).get("ForAnyValue:StringLike", {})
    alias = condition.get("kms:ResourceAliases", "")
    return resource == LOCATION.arn("kms", "key/*") and alias == "alias/orchestrator/prod/*"


@pytest.mark.parametrize("name", NAMES)
def test_no_action_has_a_wildcard_and_every_resource_is_the_stacks_own(name: str) -> None:
    assert [problem for s in statements(name) for problem in wrong(s)] == []


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:*", LOCATION.bucket_arn(OUTPUTS["RunsBucket"])),
        ("s3:GetObject", "*"),
        ("s3:GetObject", "arn:aws:s3:::somebody-elses/*"),
        ("sqs:SendMessage", LOCATION.arn("sqs", "*")),
        ("sts:AssumeRole", LOCATION.role_arn("admin")),
        ("secretsmanager:GetSecretValue", LOCATION.arn("secretsmanager", "secret:other")),
        ("ssm:GetParameter", LOCATION.arn("ssm", "parameter/orchestrator/dev/*")),
        ("ssm:GetParameter", LOCATION.arn("ssm", "parameter/orchestrator/production/*")),
        ("sns:Publish", LOCATION.arn("sns", "*")),
        ("kms:Decrypt", LOCATION.arn("kms", "key/*")),
        ("logs:PutLogEvents", LOCATION.arn("logs", "log-group:*")),
    ],
)
def test_a_wrong_permission_is_seen(action: str, resource: str) -> None:
    assert wrong({"Effect": "Allow", "Action": [action], "Resource": [resource]})


def test_execute_has_exactly_what_an_attempt_needs() -> None:
    runs, tasks = (
        LOCATION.bucket_arn(OUTPUTS["RunsBucket"]),
        LOCATION.arn("sqs", OUTPUTS["TasksQueue"]),
    )
    results = LOCATION.arn("sqs", OUTPUTS["ResultsQueue"])
    logs = LOCATION.arn("logs", "log-group:/aws/lambda/orchestrator-prod-execute:*")
    assert granted("execute") == {
        ("logs:CreateLogStream", logs),
        ("logs:PutLogEvents", logs),
        ("sqs:ReceiveMessage", tasks),
        ("sqs:DeleteMessage", tasks),
        ("sqs:GetQueueAttributes", tasks),
        ("sqs:SendMessage", results),
        ("sqs:GetQueueUrl", results),
        ("dynamodb:UpdateItem", CLAIMS),
        ("dynamodb:GetItem", CLAIMS),
        ("s3:GetObject", f"{runs}/.files/*"),
        ("s3:PutObject", f"{runs}/*/log/*"),
        ("s3:GetObject", f"{runs}/*/artifacts/*"),
        ("s3:PutObject", f"{runs}/*/artifacts/*"),
        ("s3:AbortMultipartUpload", f"{runs}/*/artifacts/*"),
        ("s3:DeleteObject", f"{runs}/*/log/*"),
        (
            "secretsmanager:GetSecretValue",
            LOCATION.arn("secretsmanager", "secret:orchestrator/prod/*"),
        ),
        ("ssm:GetParameter", LOCATION.arn("ssm", "parameter/orchestrator/prod/*")),
        ("kms:Decrypt", LOCATION.arn("kms", "key/*")),
        ("sns:Publish", LOCATION.arn("sns", "orchestrator-prod-*")),
        ("ses:SendRawEmail", LOCATION.arn("ses", "identity/*")),
        ("sts:AssumeRole", OUTPUTS["TaskRoleArn"]),
    }


def test_claims_on_s3_are_allowed_only_while_those_of_an_older_version_count() -> None:
    runs = LOCATION.bucket_arn(OUTPUTS["RunsBucket"])
    claims = {f"{runs}/*/claim", f"{runs}/*/cancel"}
    outputs = {**OUTPUTS, CLAIMS_ON_S3_UNTIL: "2026-12-05T00:00:00+00:00"}
    for name, policy in policies(replace(PROD, outputs=outputs)).items():
        upgraded = [s for s in policy["Statement"] if claims & set(s["Resource"])]
        assert bool(upgraded) == (name in CLAIMING), name
        assert not [s for s in POLICIES[name]["Statement"] if claims & set(s["Resource"])]


def test_the_api_writes_dag_files_only_where_the_editor_is_switched_on() -> None:
    bucket = LOCATION.bucket_arn(OUTPUTS["DagsBucket"])
    for editor, files in {"yes": {f"{bucket}/*.yaml", f"{bucket}/*.yml"}, "no": set()}.items():
        switched = policies(replace(PROD, outputs={**OUTPUTS, "Editor": editor}))
        allowed = {
            (action, resource)
            for statement in switched["api_handler"]["Statement"]
            for action in statement["Action"]
            for resource in statement["Resource"]
            if resource.startswith(bucket)
        }
        in_files = {(action, file) for action in ("s3:GetObject", "s3:PutObject") for file in files}
        assert allowed == in_files | ({("s3:ListBucket", bucket)} if files else set())
        others = {n: p for n, p in switched.items() if n != "api_handler"}
        assert others == {n: p for n, p in POLICIES.items() if n != "api_handler"}


CLAIMING = ("api_handler", "register", "tick", "apply", "execute")


@pytest.mark.parametrize("name", NAMES)
def test_no_function_may_remove_a_claim(name: str) -> None:
    on_claims = {action for action, resource in granted(name) if resource == CLAIMS}
    assert on_claims <= {"dynamodb:UpdateItem", "dynamodb:GetItem"}
    assert bool(on_claims) == (name in (*CLAIMING, ADMIN_FUNCTION))


def test_the_self_test_sees_its_own_claim_only() -> None:
    (seen,) = [s for s in statements(ADMIN_FUNCTION) if "dynamodb:GetItem" in s["Action"]]
    keys = seen["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    assert keys == [f"{SELF_TEST_DAG_ID}/*"]


def test_only_parameters_and_secrets_are_decrypted_and_only_with_the_stages_keys() -> None:
    (decrypt,) = [s for s in statements("execute") if "kms:Decrypt" in s["Action"]]
    assert decrypt["Condition"] == {
        "ForAnyValue:StringLike": {"kms:ResourceAliases": "alias/orchestrator/prod/*"},
        "StringEquals": {
            "kms:ViaService": [
                "ssm.eu-central-1.amazonaws.com",
                "secretsmanager.eu-central-1.amazonaws.com",
            ]
        },
    }


@pytest.mark.parametrize("name", NAMES)
def test_backups_are_open_to_those_who_keep_them_and_nothing_else_is(name: str) -> None:
    buckets = {r.split("/")[0] for _, r in granted(name) if ":s3:::" in r}
    backups = LOCATION.bucket_arn(OUTPUTS["BackupsBucket"])
    if name == ADMIN_FUNCTION:  # the self-test looks at its own log, and at nothing else of a run
        runs = LOCATION.bucket_arn(OUTPUTS["RunsBucket"])
        of_objects = [r for a, r in granted(name) if r.startswith(f"{runs}/")]
        assert set(of_objects) == {f"{runs}/{SELF_TEST_DAG_ID}/*"}
        buckets.remove(runs)
    if name in ("backup", "admin"):
        assert buckets == {backups}
        assert {a for a, r in granted(name) if ":sqs:" in r} <= set(SEND)
    else:
        assert backups not in buckets


@pytest.mark.parametrize(
    ("output", "action", "who"),
    [
        ("DagsBucket", "s3:GetObject", {"register", "tick"}),
        ("DagsBucket", "s3:PutObject", set()),
        ("RunsBucket", "s3:PutObject", set()),
        ("RunsBucket", "s3:DeleteObject", {"tick"}),
        ("BackupsBucket", "s3:PutObject", {"backup", "admin"}),
        ("BackupsBucket", "s3:GetObject", {"admin"}),
    ],
)
def test_a_bucket_is_open_to_those_who_use_it(output: str, action: str, who: set[str]) -> None:
    everything = (action, f"{LOCATION.bucket_arn(OUTPUTS[output])}/*")
    assert {name for name in NAMES if everything in granted(name)} == who


@pytest.mark.parametrize(
    ("action", "who"),
    [
        ("s3:GetObject", {"tick", "execute"}),
        ("s3:PutObject", {"register", "tick"}),
    ],
)
def test_files_of_dags_are_stored_by_who_registers_and_read_by_who_runs(
    action: str, who: set[str]
) -> None:
    files = (action, f"{LOCATION.bucket_arn(OUTPUTS['RunsBucket'])}/.files/*")
    assert {name for name in NAMES if files in granted(name)} == who


def test_the_executors_role_reaches_neither_the_database_nor_its_copies_nor_the_dag_files() -> None:
    closed = (OUTPUTS["FileSystemArn"], OUTPUTS["DagsBucket"], OUTPUTS["BackupsBucket"])
    assert [r for _, r in granted("execute") if any(name in r for name in closed)] == []
    assert [a for a, _ in granted("execute") if a.startswith(("ec2:", "elasticfilesystem:"))] == []


@pytest.mark.parametrize("name", WITH_DATABASE)
def test_a_database_function_mounts_by_the_access_point_only(name: str) -> None:
    (mount,) = [s for s in statements(name) if s["Sid"] == "Mount"]
    assert mount["Resource"] == [OUTPUTS["FileSystemArn"]]
    assert mount["Condition"] == {
        "StringEquals": {"elasticfilesystem:AccessPointArn": OUTPUTS["AccessPointArn"]}
    }


@pytest.mark.parametrize("name", WITH_DATABASE)
def test_the_code_of_a_function_cannot_use_what_lambda_needs_for_the_vpc(name: str) -> None:
    (denied,) = statements(name, "Deny")
    arn = LOCATION.arn("lambda", f"function:{PROD.stage.function(name)}")
    assert set(denied["Action"]) == set(NETWORK_INTERFACES)
    assert denied["Condition"] == {"ArnEquals": {"lambda:SourceFunctionArn": [arn]}}


@pytest.mark.parametrize("name", NAMES)
def test_only_the_executor_may_become_the_task_role(name: str) -> None:
    may = ("sts:AssumeRole", OUTPUTS["TaskRoleArn"]) in granted(name)
    assert may == (name == "execute")
