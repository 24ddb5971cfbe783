"""What an installer must be allowed to do follows from what the template and the commands do."""

from __future__ import annotations

import json
import re

import pytest

from infra import permissions
from infra.__main__ import main
from infra.names import PROJECT
from infra.permissions import ANYWHERE, OWN_ACTIONS, UNUSED
from tests.unit.infra.test_template import OF_A_PLACE, OF_DOMAIN, OF_FARGATE, RESOURCES


def test_every_resource_type_of_the_template_brings_the_actions_of_its_handlers() -> None:
    every = [r for of in (RESOURCES, OF_DOMAIN, OF_A_PLACE, OF_FARGATE) for r in of.values()]
    assert permissions.resource_types() == sorted({resource["Type"] for resource in every})
    actions = permissions.actions()
    for kind in permissions.resource_types():
        handlers = permissions.handler_actions(kind)
        assert handlers, kind
        of_kind = {
            action
            for action in handlers
            if action.split(":")[1] in actions.get(action.split(":")[0], ())
        }
        assert of_kind, kind


@pytest.mark.parametrize(
    "action",
    [
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:ModifyNetworkInterfaceAttribute",
        "elasticfilesystem:CreateMountTarget",
        "backup-storage:Mount",
        "backup-storage:MountCapsule",
        "kms:GenerateDataKeyWithoutPlaintext",
        "logs:ListTagsForResource",
        "logs:PutRetentionPolicy",
        "logs:FilterLogEvents",
        "lambda:DeleteFunctionConcurrency",
        "acm:DescribeCertificate",
        "execute-api:Invoke",
        "route53:ChangeResourceRecordSets",
        "lambda:PutFunctionRecursionConfig",
    ],
)
def test_what_was_once_forgotten_is_there(action: str) -> None:
    service, name = action.split(":")
    assert name in permissions.actions()[service]


def test_what_belongs_to_no_stack_can_be_done_anywhere() -> None:
    statements = [
        statement
        for document in permissions.policies("aws", "eu-west-1", "111122223333", "prod")
        for statement in document["Statement"]
    ]
    for service, names in ANYWHERE.items():
        for name in names.split():
            (statement,) = [s for s in statements if f"{service}:{name}" in s["Action"]]
            assert statement["Resource"] == ["*"]


def test_each_document_fits_into_a_managed_policy_and_no_action_has_a_wildcard(
    capsys: pytest.CaptureFixture[str],
) -> None:
    place = ["--account", "111122223333", "--region", "eu-west-1"]
    assert main(["permissions", "--stage", "prod", *place]) == 0
    printed = re.split(r"(?<=^}\n)", capsys.readouterr().out, flags=re.MULTILINE)
    documents = [json.loads(text) for text in printed if text.strip()]
    assert documents
    for document in documents:
        assert len(json.dumps(document, separators=(",", ":"))) <= 6144
        for statement in document["Statement"]:
            assert [action for action in statement["Action"] if "*" in action] == []
            assert "{" not in json.dumps(statement["Resource"])


def test_every_exception_still_excludes_something() -> None:
    from fnmatch import fnmatchcase

    found = {a for kind in permissions.resource_types() for a in permissions.handler_actions(kind)}
    assert [p for p in UNUSED if not any(fnmatchcase(a, p) for a in found)] == []


def test_every_service_that_the_commands_call_is_in_the_table() -> None:
    called = set()
    for path in PROJECT.joinpath("infra").glob("*.py"):
        called |= set(re.findall(r"client\(\"(\w+)\"\)", path.read_text(encoding="utf-8")))
    assert called <= {*OWN_ACTIONS, "sts"}
