"""`down`: removes everything that belongs to a stage; data only if the user says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from infra.aws import Aws, error_code, is_not_found
from infra.bundle.project import Project
from infra.errors import InfraError, Refused
from infra.names import PROJECT, Stage
from infra.output import Say
from infra.resources import alarms, domain, inventory, place_stacks, stack, worker_queues
from infra.resources.inventory import Inventory

BUCKETS = ("dags", "runs", "backups")

POLL_SECONDS = 5.0
POLLS = 120

INTERFACE_POLL_SECONDS = 15.0
INTERFACE_POLLS = 4 * 60


@dataclass(frozen=True)
class Removal:
    """One run of `down`. `confirm` asks a question and returns whether the user agreed."""

    aws: Aws
    stage: Stage
    say: Say
    confirm: Callable[[str], bool]
    deletes_data: bool = False
    project: Project = field(default_factory=lambda: Project(PROJECT))


def remove(removal: Removal) -> None:
    """Remove the stage. Whatever is gone already is skipped. Raises Refused or InfraError."""
    aws, stage, say = removal.aws, removal.stage, removal.say
    if not removal.deletes_data:
        _refuse_to_delete_data(aws, stage)
    if not removal.confirm(_question(stage, aws)):
        raise Refused("nothing was removed")
    alarms.disable_alarm_actions(aws, stage)
    say("[1/4] functions, API and schedules")
    domain.remove(aws, stage, say)  # before the API that it points to
    deployed = inventory.take(aws, stage)
    _remove_functions(aws, stage, deployed, say)
    say("[2/4] data")
    _remove_data(aws, stage, say)
    say("[3/4] network interfaces and roles of the functions")
    _wait_for_interfaces(aws, stage, say)
    for role in filter(None, [*deployed.roles.values(), deployed.default_role]):
        _remove_role(aws, role.rsplit("/", 1)[1])
    for name in worker_queues.delete_all(aws, stage):
        say(f"  queue {name}")
    say(f"[4/4] stack {stage.stack}")
    place_stacks.remove(aws, stage, say)
    stack.delete(aws, stage.stack, say)
    removal.project.forget(stage)


def bucket_names(stage: Stage, aws: Aws) -> list[str]:
    return [f"{stage.stack}-{aws.location.account}-{bucket}" for bucket in BUCKETS]


def _question(stage: Stage, aws: Aws) -> str:
    return (
        f"This removes stage {stage.name} from account {aws.location.account},"
        f" {aws.location.region}: functions, API, queues, and the database with the"
        " history of all runs."
    )


def _refuse_to_delete_data(aws: Aws, stage: Stage) -> None:
    remaining = [f"bucket {name}" for name in bucket_names(stage, aws) if any(_versions(aws, name))]
    if any(_recovery_points(aws, stage)):
        remaining.append(f"backup vault {stage.stack}")
    if remaining:
        raise Refused(
            f"there is data left in {', '.join(remaining)}; copy what you need, then add"
            " --delete-data"
        )


def _remove_functions(aws: Aws, stage: Stage, deployed: Inventory, say: Say) -> None:
    """Remove the functions, after everything that invokes them."""
    for rule in deployed.rules:
        _remove_rule(aws, rule)
    for mapping in deployed.mappings:
        _delete(aws.client("lambda").delete_event_source_mapping, UUID=mapping.uuid)
    for api in deployed.apis:
        _delete(aws.client("apigateway").delete_rest_api, restApiId=api)
    for name in deployed.functions:
        say(f"  function {stage.function(name)}")
        _delete(aws.client("lambda").delete_function, FunctionName=stage.function(name))


def _wait_for_interfaces(aws: Aws, stage: Stage, say: Say) -> None:
    """Wait until Lambda has deleted the functions' network interfaces, which takes up to an hour.

    Lambda deletes them with the function's role: if the role goes first, they stay for ever and
    block the deletion of the subnets. CloudFormation waits only for functions of the stack itself,
    and Chalice's are not part of it.
    """
    reported = -1
    for _ in range(INTERFACE_POLLS):
        count = _interfaces(aws, stage)
        if not count:
            return
        if count != reported:
            say(f"  waiting for Lambda to delete its network interfaces ({count} left; up to 1 h)")
            reported = count
        aws.sleep(INTERFACE_POLL_SECONDS)
    raise InfraError(
        f"after an hour, Lambda still holds {reported} of the stage's network interfaces; run the"
        " same command again later"
    )


def _interfaces(aws: Aws, stage: Stage) -> int:
    """Returns the number of interfaces in the security group that only the functions use."""
    group = (stack.describe(aws, stage.stack).outputs or {}).get("SecurityGroupId")
    if group is None:
        return 0
    paginator = aws.client("ec2").get_paginator("describe_network_interfaces")
    pages = paginator.paginate(Filters=[{"Name": "group-id", "Values": [group]}])
    return sum(len(page["NetworkInterfaces"]) for page in pages)


def _remove_rule(aws: Aws, rule: str) -> None:
    client = aws.client("events")
    targets = [row["Id"] for row in client.list_targets_by_rule(Rule=rule)["Targets"]]
    if targets:
        client.remove_targets(Rule=rule, Ids=targets)
    client.delete_rule(Name=rule)


def _remove_role(aws: Aws, role: str) -> None:
    client = aws.client("iam")
    try:
        for policy in client.list_role_policies(RoleName=role)["PolicyNames"]:
            client.delete_role_policy(RoleName=role, PolicyName=policy)
        client.delete_role(RoleName=role)
    except ClientError as error:
        if not is_not_found(error):
            raise


def _remove_data(aws: Aws, stage: Stage, say: Say) -> None:
    for bucket in bucket_names(stage, aws):
        for batch in _batches(_versions(aws, bucket)):
            _delete_objects(aws, bucket, batch)
            say(f"  bucket {bucket}: {len(batch)} objects")
    _remove_recovery_points(aws, stage, say)


def _remove_recovery_points(aws: Aws, stage: Stage, say: Say) -> None:
    """Delete them and wait, because a vault must be empty to be deleted."""
    requested: set[str] = set()
    for _ in range(POLLS):
        remaining = list(_recovery_points(aws, stage))
        if not remaining:
            return
        for arn in remaining:
            if arn not in requested:
                _delete(
                    aws.client("backup").delete_recovery_point,
                    BackupVaultName=stage.stack,
                    RecoveryPointArn=arn,
                )
                requested.add(arn)
                say(f"  backup {arn}")
        aws.sleep(POLL_SECONDS)
    raise InfraError(f"backup vault {stage.stack} is not empty yet; run the same command again")


def _delete_objects(aws: Aws, bucket: str, batch: list[dict[str, str]]) -> None:
    """Raises InfraError for the first object that cannot be deleted."""
    response = aws.client("s3").delete_objects(
        Bucket=bucket, Delete={"Objects": batch, "Quiet": True}
    )
    for problem in response.get("Errors", []):
        raise InfraError(
            f"bucket {bucket}: {problem.get('Key')} could not be deleted: {problem.get('Code')}"
        )


def _versions(aws: Aws, bucket: str) -> Iterator[dict[str, str]]:
    """Yields all versions of all objects, and the delete markers."""
    pages = aws.client("s3").get_paginator("list_object_versions").paginate(Bucket=bucket)
    try:
        for page in pages:
            for row in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
                yield {"Key": row["Key"], "VersionId": row["VersionId"]}
    except ClientError as error:
        if not is_not_found(error):
            raise


def _recovery_points(aws: Aws, stage: Stage) -> Iterator[str]:
    pages = aws.client("backup").get_paginator("list_recovery_points_by_backup_vault")
    try:
        for page in pages.paginate(BackupVaultName=stage.stack):
            yield from (row["RecoveryPointArn"] for row in page["RecoveryPoints"])
    except ClientError as error:
        # AWS Backup answers "access denied" also for a vault that does not exist.
        if not is_not_found(error) and error_code(error) != "AccessDeniedException":
            raise


def _batches(rows: Iterator[dict[str, str]]) -> Iterator[list[dict[str, str]]]:
    """Yields lists of up to 1,000 rows, the most that one S3 request may delete."""
    batch: list[dict[str, str]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == 1000:
            yield batch
            batch = []
    if batch:
        yield batch


def _delete(call: Callable[..., Any], **arguments: str) -> None:
    """Call a delete operation; a resource that no longer exists is no error."""
    try:
        call(**arguments)
    except ClientError as error:
        if not is_not_found(error):
            raise
