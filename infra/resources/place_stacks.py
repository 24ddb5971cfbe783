"""The stacks of the places that not every installation has: one for the queue, logs and alarms of
each, and one for what Fargate needs.

Those that are new are created before the functions, which use them; those that are no longer wanted
are deleted after the functions. A message that a deleted queue still held is sent again by the
tick, to another place.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from botocore.exceptions import ClientError

from chalicelib.enums import PlaceKind
from chalicelib.places import Place
from infra.aws import Aws, is_not_found
from infra.functions import LAUNCH_SECONDS, further_places
from infra.names import Stage
from infra.output import Say
from infra.policies import Installation, sidecar_policy
from infra.resources import stack

PLACE_TEMPLATE = Path(__file__).parents[1] / "place.yaml"
FARGATE_TEMPLATE = Path(__file__).parents[1] / "fargate.yaml"

SIDECAR_POLICY = "sidecar"
GONE = frozenset({"DELETE_COMPLETE"})
ALL_STATUSES = (
    "CREATE_IN_PROGRESS", "CREATE_FAILED", "CREATE_COMPLETE", "ROLLBACK_IN_PROGRESS",
    "ROLLBACK_FAILED", "ROLLBACK_COMPLETE", "DELETE_IN_PROGRESS", "DELETE_FAILED",
    "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE",
    "UPDATE_FAILED", "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE",
)  # fmt: skip
"""Every status of a stack that exists."""


def converge(aws: Aws, stage: Stage, outputs: Mapping[str, str], say: Say) -> Mapping[str, str]:
    """Create or update the stacks of the stage's places. Returns the outputs of Fargate's, none
    without it. Raises StackFailed."""
    for place in _with_functions(outputs):
        converge_place(aws, stage, outputs, place, say)
    if outputs.get("Fargate") != "yes":
        return {}
    template = FARGATE_TEMPLATE.read_text(encoding="utf-8")
    made = stack.converge(aws, stage.fargate_stack, template, {"Stage": stage.name}, say)
    policy = sidecar_policy(Installation(stage, aws.location, outputs))
    aws.client("iam").put_role_policy(
        RoleName=stage.role("sidecar"),
        PolicyName=SIDECAR_POLICY,
        PolicyDocument=json.dumps(policy),
    )
    return made


def converge_place(
    aws: Aws, stage: Stage, outputs: Mapping[str, str], place: Place, say: Say
) -> None:
    """Create or update the stack of one place."""
    suffix = suffix_of(place, outputs)
    parameters = {
        "Stage": stage.name,
        "Suffix": suffix,
        "Function": str(place.function),
        "VisibilitySeconds": str(_visibility(place)),
        # While Fargate has no capacity, a message comes back again and again.
        "MaxReceives": "1000" if place.kind is PlaceKind.FARGATE else "5",
        "DeadLetterArn": aws.location.arn("sqs", outputs["TasksDeadQueue"]),
        "AlarmTopicArn": outputs["AlarmTopicArn"],
        "LogRetentionDays": outputs.get("LogRetentionDays", "30"),
    }
    template = PLACE_TEMPLATE.read_text(encoding="utf-8")
    stack.converge(aws, stage.place_stack(suffix), template, parameters, say)


def _with_functions(outputs: Mapping[str, str]) -> Iterator[Place]:
    """Yields the places that need a stack: the queues of workers are made one by one."""
    return (place for place in further_places(outputs) if place.function)


def suffix_of(place: Place, outputs: Mapping[str, str]) -> str:
    """Returns what the name of the place's queue ends with, and its stack's."""
    return place.queue.removeprefix(f"{outputs['TasksQueue']}-")


def _visibility(place: Place) -> int:
    return 6 * (LAUNCH_SECONDS if place.kind is PlaceKind.FARGATE else 900)


def prune(aws: Aws, stage: Stage, outputs: Mapping[str, str], say: Say) -> None:
    """Delete the stacks of places that the stage no longer has."""
    wanted = {stage.place_stack(suffix_of(p, outputs)) for p in _with_functions(outputs)}
    for name in existing(aws, stage):
        if name not in wanted:
            say(f"  stack {name}: deleting; what its queue holds is sent to another place")
            stack.delete(aws, name, say)
    if outputs.get("Fargate") != "yes":
        remove_fargate(aws, stage, say)


def remove(aws: Aws, stage: Stage, say: Say) -> None:
    """Delete all of them."""
    for name in existing(aws, stage):
        say(f"  stack {name}: deleting")
        stack.delete(aws, name, say)
    remove_fargate(aws, stage, say)


def existing(aws: Aws, stage: Stage) -> list[str]:
    """Returns the names of the stacks of places that exist."""
    prefix = stage.place_stack("")
    pages = aws.client("cloudformation").get_paginator("list_stacks")
    names = (
        summary["StackName"]
        for page in pages.paginate(StackStatusFilter=list(ALL_STATUSES))
        for summary in page["StackSummaries"]
    )
    return sorted({name for name in names if name.startswith(prefix)})


def remove_fargate(aws: Aws, stage: Stage, say: Say) -> None:
    """Stop what runs on Fargate, and delete its stack."""
    if not stack.describe(aws, stage.fargate_stack).status:
        return
    _stop_tasks(aws, stage, say)
    _deregister(aws, stage)
    try:
        aws.client("iam").delete_role_policy(
            RoleName=stage.role("sidecar"), PolicyName=SIDECAR_POLICY
        )
    except ClientError as error:
        if not is_not_found(error):
            raise
    say(f"  stack {stage.fargate_stack}: deleting")
    stack.delete(aws, stage.fargate_stack, say)


def _stop_tasks(aws: Aws, stage: Stage, say: Say) -> None:
    """Stop the tasks that run, because a cluster must be empty to be deleted."""
    client = aws.client("ecs")
    try:
        pages = client.get_paginator("list_tasks").paginate(cluster=stage.stack)
        tasks = [arn for page in pages for arn in page["taskArns"]]
    except ClientError as error:
        if "ClusterNotFound" in str(error):
            return
        raise
    for arn in tasks:
        say(f"  stopping {arn}")
        client.stop_task(cluster=stage.stack, task=arn, reason="Fargate is being removed")


def _deregister(aws: Aws, stage: Stage) -> None:
    client = aws.client("ecs")
    for arn in _task_definitions(aws, stage):
        client.deregister_task_definition(taskDefinition=arn)


def _task_definitions(aws: Aws, stage: Stage) -> Iterator[str]:
    pages = aws.client("ecs").get_paginator("list_task_definitions")
    for page in pages.paginate(status="ACTIVE"):
        for arn in page["taskDefinitionArns"]:
            if arn.rsplit("/", 1)[1].startswith(f"{stage.stack}-task-"):
                yield arn
