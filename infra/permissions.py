"""The IAM permissions needed to install, upgrade or remove a stage.

CloudFormation's part follows from the templates' resource types: AWS publishes the actions that
each type's handlers call with the caller's permissions, and cfn-lint ships these lists. The actions
that Chalice and this package call themselves are listed here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from importlib import resources
from pathlib import Path
from typing import Any

from infra.names import APP

TEMPLATE_NAMES = ("template.yaml", "domain.yaml", "place.yaml", "fargate.yaml")
TEMPLATES = tuple(Path(__file__).with_name(name) for name in TEMPLATE_NAMES)


OWN_ACTIONS: dict[str, str] = {
    "acm": "DescribeCertificate",
    "apigateway": "DELETE GET PATCH POST PUT",
    "backup": "DeleteRecoveryPoint ListRecoveryPointsByBackupVault",
    "cloudformation": "ContinueUpdateRollback CreateStack DeleteStack DescribeStackEvents"
    " DescribeStacks UpdateStack UpdateTerminationProtection",
    "cloudwatch": "DescribeAlarms DisableAlarmActions EnableAlarmActions",
    # EFS creates network interfaces for its mount targets with the caller's permissions.
    "ec2": "CreateNetworkInterface DeleteNetworkInterface DescribeAvailabilityZones"
    " DescribeNetworkInterfaces DescribeVpcEndpointServices ModifyNetworkInterfaceAttribute"
    " DescribeSecurityGroups DescribeSubnets DescribeVpcs",
    "ecs": "ListTasks StopTask",
    "events": "DeleteRule DescribeRule ListTargetsByRule PutRule PutTargets RemoveTargets",
    "execute-api": "Invoke",  # health, with `--auth iam`
    "iam": "CreateRole DeleteRole DeleteRolePolicy GetRole GetRolePolicy ListRolePolicies PassRole"
    " PutRolePolicy UpdateAssumeRolePolicy",
    "lambda": "AddPermission CreateEventSourceMapping CreateFunction DeleteEventSourceMapping"
    " DeleteFunction DeleteFunctionConcurrency GetAccountSettings GetEventSourceMapping GetFunction"
    " GetFunctionConfiguration GetLayerVersion GetPolicy InvokeFunction ListEventSourceMappings"
    " ListFunctions ListTags PutFunctionRecursionConfig RemovePermission TagResource UntagResource"
    " UpdateEventSourceMapping UpdateFunctionCode UpdateFunctionConfiguration",
    "logs": "FilterLogEvents",
    "route53": "GetHostedZone ListResourceRecordSets",
    "s3": "DeleteObject DeleteObjectVersion GetBucketNotification ListBucketVersions"
    " PutBucketNotification",
    "sqs": "GetQueueAttributes GetQueueUrl",
    "sts": "GetCallerIdentity",
}
"""By service: what `deploy`, `status` and `down` call in addition to CloudFormation."""

ANYWHERE: dict[str, str] = {
    # A template in the request belongs to no stack.
    "cloudformation": "GetTemplateSummary ListStacks",
    "ecs": "DeregisterTaskDefinition ListTaskDefinitions",
    "iam": "CreateServiceLinkedRole ListRoles",
    "route53": "ListHostedZones",
    "s3": "ListAllMyBuckets",
    "sns": "ListSubscriptions ListTopics",
    "sqs": "ListQueues",
}
"""Actions that cannot be limited to the stage's own resources."""

UNUSED: tuple[str, ...] = (
    "dynamodb:*Import*", "dynamodb:*Item", "dynamodb:*Replica", "dynamodb:ListTables",
    "dynamodb:*ableKinesis*", "dynamodb:Query", "dynamodb:Scan", "dynamodb:DeleteResourcePolicy",
    "dynamodb:PutResourcePolicy", "dynamodb:Update*Backups", "dynamodb:UpdateContributorInsights",
    "ec2:AllocateIpamPoolCidr", "ec2:*EncryptionControl*", "ec2:*NetworkAcl*",
    "ec2:ModifyVpcTenancy", "ec2:DescribeInstances", "elasticfilesystem:*Replication*",
    "firehose:*", "iam:*Boundary", "kinesis:*", "logs:*BearerToken*", "logs:*DeletionProtection",
    "logs:*LogDelivery", "logs:Delete*Policy", "logs:Put*Policy", "logs:*KmsKey",
    "s3:*MetadataTable*", "s3:*Metadata*Configuration", "s3:REST.*", "s3:PutObject*",
    "s3:Put*Replication*", "s3tables:*", "vpc-lattice:*", "vpce:*",
)  # fmt: skip
"""Handlers' actions for properties that the templates do not set."""

USED_NEVERTHELESS = frozenset({"logs:PutRetentionPolicy", "logs:DeleteRetentionPolicy"})

RESOURCES: dict[str, tuple[str, ...]] = {
    "acm": ("arn:{partition}:acm:{region}:{account}:certificate/*",),
    "apigateway": (
        "arn:{partition}:apigateway:{region}::/domainnames*",
        "arn:{partition}:apigateway:{region}::/restapis*",
    ),
    "cloudformation": (
        "arn:{partition}:cloudformation:{region}:{account}:stack/{name}/*",
        "arn:{partition}:cloudformation:{region}:{account}:stack/{name}-*/*",
    ),
    "cloudwatch": ("arn:{partition}:cloudwatch:{region}:{account}:alarm:*",),
    "dynamodb": ("arn:{partition}:dynamodb:{region}:{account}:table/{name}-*",),
    "events": ("arn:{partition}:events:{region}:{account}:rule/{name}-*",),
    "execute-api": ("arn:{partition}:execute-api:{region}:{account}:*/v1/GET/api/health",),
    "iam": (
        "arn:{partition}:iam::{account}:role/{name}",
        "arn:{partition}:iam::{account}:role/{name}-*",
    ),
    "logs": ("*",),
    "route53": ("arn:{partition}:route53:::change/*", "arn:{partition}:route53:::hostedzone/*"),
    "s3": ("arn:{partition}:s3:::{name}-{account}-*", "arn:{partition}:s3:::{name}-{account}-*/*"),
    "sns": ("arn:{partition}:sns:{region}:{account}:{name}-alarms*",),
    "sqs": ("arn:{partition}:sqs:{region}:{account}:{name}-*",),
}  # fmt: skip
"""By service; `*` if AWS chooses the names or the actions have no resource."""


def resource_types() -> list[str]:
    """Returns the resource types of all templates."""
    texts = [template.read_text(encoding="utf-8") for template in TEMPLATES]
    return sorted({kind for text in texts for kind in re.findall(r"Type: (AWS::\S+)", text)})


def handler_actions(resource_type: str) -> set[str]:
    """Returns the actions that the type's handlers call, as published by AWS. Raises
    ModuleNotFoundError without cfn-lint, which is in requirements-dev.txt."""
    schemas = resources.files("cfnlint") / "data" / "schemas"
    index = json.loads((schemas / "providers" / "us-east-1.json").read_text("utf-8"))
    file = schemas / "resources" / f"{index[resource_type]}.json"
    handlers = json.loads(file.read_text("utf-8")).get("handlers") or {}
    return {action for handler in handlers.values() for action in handler.get("permissions", ())}


def actions() -> dict[str, list[str]]:
    """Returns all actions, without the service's prefix, by service."""
    published = {action for kind in resource_types() for action in handler_actions(kind)}
    needed = {action for action in published if not _is_unused(action)}
    for table in (OWN_ACTIONS, ANYWHERE):
        needed |= {
            f"{service}:{name}" for service, names in table.items() for name in names.split()
        }
    services = sorted({action.split(":")[0] for action in needed})
    return {s: sorted(a.split(":")[1] for a in needed if a.split(":")[0] == s) for s in services}


def policies(partition: str, region: str, account: str, stage: str) -> Iterator[dict[str, Any]]:
    """Yields policy documents, each small enough for a managed policy."""
    values = {
        "partition": partition, "region": region, "account": account, "name": f"{APP}-{stage}",
    }  # fmt: skip
    statements: list[dict[str, Any]] = []
    for statement in _statements(values):
        if len(json.dumps([*statements, statement])) > MANAGED_POLICY_BYTES:
            yield {"Version": "2012-10-17", "Statement": statements}
            statements = []
        statements.append(statement)
    yield {"Version": "2012-10-17", "Statement": statements}


MANAGED_POLICY_BYTES = 6000
"""AWS allows 6,144, not counting white space."""


def _statements(values: dict[str, str]) -> Iterator[dict[str, Any]]:
    for service, names in actions().items():
        anywhere = set(ANYWHERE.get(service, "").split())
        on = [pattern.format(**values) for pattern in RESOURCES.get(service, ("*",))]
        yield from _allow(service.title(), service, set(names) - anywhere, on)
        yield from _allow(f"{service.title()}Anywhere", service, anywhere, ["*"])


def _allow(sid: str, service: str, names: set[str], on: list[str]) -> Iterator[dict[str, Any]]:
    if names:
        yield {
            "Sid": re.sub(r"\W", "", sid),
            "Effect": "Allow",
            "Action": [f"{service}:{name}" for name in sorted(names)],
            "Resource": on,
        }


def _is_unused(action: str) -> bool:
    is_unused = any(fnmatchcase(action, pattern) for pattern in UNUSED)
    return is_unused and action not in USED_NEVERTHELESS
