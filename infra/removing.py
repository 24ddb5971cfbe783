"""`down`: everything of a stage is removed. Data only if the caller says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from infra import domain, finishing, inventory, stack
from infra.aws import Aws, is_missing
from infra.errors import InfraError, Refused
from infra.inventory import Inventory
from infra.naming import PROJECT, Stage
from infra.project import Project
from infra.stack import Say

BUCKETS = ("dags", "runs", "backups")

POLL_SECONDS = 5.0
POLLS = 120


@dataclass(frozen=True)
class Removal:
    """One run of the command. `confirm` is asked a question and says whether the stage's name was
    typed."""

    aws: Aws
    stage: Stage
    say: Say
    confirm: Callable[[str], bool]
    deletes_data: bool = False
    project: Project = field(default_factory=lambda: Project(PROJECT))


def remove(removal: Removal) -> None:
    """Do it; what is gone already is no error. Raises Refused, or StackFailed."""
    aws, stage, say = removal.aws, removal.stage, removal.say
    if not removal.deletes_data:
        _refuse_to_lose(aws, stage)
    if not removal.confirm(_question(stage, aws)):
        raise Refused("nothing was removed")
    finishing.let_alarms_act(aws, stage, acting=False)
    say("[1/4] functions, API, schedule")
    domain.remove(aws, stage, say)  # before the API that it leads to
    found = inventory.take(aws, stage)
    _remove_functions(aws, stage, found, say)
    say("[2/4] data")
    _remove_data(aws, stage, say)
    say("[3/4] network interfaces of the functions, then their roles")
    _wait_for_interfaces(aws, stage, say)
    for role in filter(None, [*found.roles.values(), found.default_role]):
        _remove_role(aws, role.rsplit("/", 1)[1])
    say(f"[4/4] stack {stage.stack}")
    stack.delete(aws, stage.stack, say)
    removal.project.forget(stage)


def bucket_names(stage: Stage, aws: Aws) -> list[str]:
    return [f"{stage.stack}-{aws.place.account}-{kind}" for kind in BUCKETS]


def _question(stage: Stage, aws: Aws) -> str:
    return (
        f"This removes the stage {stage.name} from account {aws.place.account},"
        f" {aws.place.region}: functions, API, queues, and the database with the history of all"
        " runs."
    )


def _refuse_to_lose(aws: Aws, stage: Stage) -> None:
    kept = [f"bucket {name}" for name in bucket_names(stage, aws) if any(_versions(aws, name))]
    if any(_recovery_points(aws, stage)):
        kept.append(f"backup vault {stage.stack}")
    if kept:
        raise Refused(
            f"there is data in: {', '.join(kept)}. Copy what you need, then use --delete-data."
        )


def _remove_functions(aws: Aws, stage: Stage, found: Inventory, say: Say) -> None:
    """What starts a function goes before the function."""
    for rule in found.rules:
        _remove_rule(aws, rule)
    for mapping in found.mappings:
        _gone(aws.client("lambda").delete_event_source_mapping, UUID=mapping.uuid)
    for api in found.apis:
        _gone(aws.client("apigateway").delete_rest_api, restApiId=api)
    for name in found.functions:
        say(f"  function {stage.function(name)}")
        _gone(aws.client("lambda").delete_function, FunctionName=stage.function(name))


INTERFACE_PAUSE_SECONDS = 15.0
INTERFACE_POLLS = 4 * 60


def _wait_for_interfaces(aws: Aws, stage: Stage, say: Say) -> None:
    """Lambda gives a deleted function's network interfaces back after a while, up to an hour, and
    uses the function's role to do so: without it they stay for ever, and with them the subnets.
    CloudFormation waits only for those of functions of the stack, which Chalice's are not."""
    told = -1
    for _ in range(INTERFACE_POLLS):
        left = _interfaces(aws, stage)
        if not left:
            return
        if left != told:
            say(f"  waiting for Lambda to give back {left} network interfaces (up to an hour)")
            told = left
        aws.sleep(INTERFACE_PAUSE_SECONDS)
    raise InfraError(
        f"Lambda still holds {told} network interfaces of the stage after an hour; run the same"
        " command again later"
    )


def _interfaces(aws: Aws, stage: Stage) -> int:
    """How many there are with the functions' security group; nothing else may have it."""
    group = (stack.find(aws, stage.stack).outputs or {}).get("SecurityGroupId")
    if group is None:
        return 0
    pages = aws.client("ec2").get_paginator("describe_network_interfaces")
    asked = pages.paginate(Filters=[{"Name": "group-id", "Values": [group]}])
    return sum(len(page["NetworkInterfaces"]) for page in asked)


def _remove_rule(aws: Aws, rule: str) -> None:
    client = aws.client("events")
    targets = [row["Id"] for row in client.list_targets_by_rule(Rule=rule)["Targets"]]
    if targets:
        client.remove_targets(Rule=rule, Ids=targets)
    client.delete_rule(Name=rule)


def _remove_role(aws: Aws, role: str) -> None:
    """With its policies. It may be gone already."""
    client = aws.client("iam")
    try:
        _empty_role(client, role)
    except ClientError as error:
        if not is_missing(error):
            raise


def _empty_role(client: Any, role: str) -> None:
    for policy in client.list_role_policies(RoleName=role)["PolicyNames"]:
        client.delete_role_policy(RoleName=role, PolicyName=policy)
    client.delete_role(RoleName=role)


def _remove_data(aws: Aws, stage: Stage, say: Say) -> None:
    for name in bucket_names(stage, aws):
        for batch in _batches(_versions(aws, name)):
            _delete_objects(aws, name, batch)
            say(f"  bucket {name}: {len(batch)} objects")
    asked: set[str] = set()
    for _ in range(POLLS):
        left = list(_recovery_points(aws, stage))
        for arn in left:
            if arn not in asked:
                _gone(
                    aws.client("backup").delete_recovery_point,
                    BackupVaultName=stage.stack,
                    RecoveryPointArn=arn,
                )
                asked.add(arn)
                say(f"  backup {arn}")
        if not left:
            return
        aws.sleep(POLL_SECONDS)  # they go slowly, and a vault with one of them cannot go
    raise InfraError(f"backup vault {stage.stack} is not empty yet; run the same command again")


def _delete_objects(aws: Aws, bucket: str, batch: list[dict[str, str]]) -> None:
    """Raises InfraError for the first that could not be deleted."""
    answer = aws.client("s3").delete_objects(
        Bucket=bucket, Delete={"Objects": batch, "Quiet": True}
    )
    for problem in answer.get("Errors", []):
        raise InfraError(
            f"bucket {bucket}: {problem.get('Key')} could not be deleted: {problem.get('Code')}"
        )


def _versions(aws: Aws, bucket: str) -> Iterator[dict[str, str]]:
    """Every object, every old version of one, and every mark of a deletion."""
    pages = aws.client("s3").get_paginator("list_object_versions").paginate(Bucket=bucket)
    try:
        for page in pages:
            for row in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
                yield {"Key": row["Key"], "VersionId": row["VersionId"]}
    except ClientError as error:
        if not is_missing(error):
            raise


def _recovery_points(aws: Aws, stage: Stage) -> Iterator[str]:
    pages = aws.client("backup").get_paginator("list_recovery_points_by_backup_vault")
    try:
        for page in pages.paginate(BackupVaultName=stage.stack):
            yield from (row["RecoveryPointArn"] for row in page["RecoveryPoints"])
    except ClientError as error:
        # To who may not see it, AWS Backup says of a vault that is not there: access denied.
        if not is_missing(error) and error.response["Error"]["Code"] != "AccessDeniedException":
            raise


def _batches(rows: Iterator[dict[str, str]]) -> Iterator[list[dict[str, str]]]:
    batch: list[dict[str, str]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == 1000:
            yield batch
            batch = []
    if batch:
        yield batch


def _gone(delete: Callable[..., Any], **what: str) -> None:
    """Delete it; that somebody was faster is as good."""
    try:
        delete(**what)
    except ClientError as error:
        if not is_missing(error):
            raise
