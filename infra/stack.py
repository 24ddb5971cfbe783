"""The CloudFormation stack: brought to what the template says, from whatever state it is in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from infra.aws import Aws, message_of
from infra.errors import InfraError, StackFailed

Say = Callable[[str], None]

POLL_SECONDS = 5.0
POLLS = 12 * 75
DELETE_ATTEMPTS = 4

# A stack in these was never whole, or was being deleted: AWS lets it only be deleted.
STILLBORN = frozenset({"CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED"})
CAPABILITIES = ["CAPABILITY_NAMED_IAM"]


@dataclass(frozen=True, slots=True)
class Found:
    """The stack as it is. `status` is CloudFormation's word, "" where there is no stack."""

    status: str = ""
    outputs: Mapping[str, str] | None = None
    parameters: Mapping[str, str] | None = None


def find(aws: Aws, name: str) -> Found:
    try:
        stack = aws.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in message_of(error):
            return Found()
        raise
    return Found(
        stack["StackStatus"],
        {row["OutputKey"]: row["OutputValue"] for row in stack.get("Outputs", [])},
        {row["ParameterKey"]: row["ParameterValue"] for row in stack.get("Parameters", [])},
    )


def outputs_of(aws: Aws, name: str) -> Mapping[str, str]:
    """The outputs of a stack that is whole. Raises InfraError."""
    found = find(aws, name)
    if not found.outputs:
        raise InfraError(
            f"stack {name} is {found.status or 'not there'}; run `python -m infra deploy` first"
        )
    return found.outputs


def converge(
    aws: Aws,
    name: str,
    template: str,
    parameters: Mapping[str, str],
    say: Say,
    choose: Callable[[], Mapping[str, str]] = dict,
) -> Mapping[str, str]:
    """Create or update the stack, and return its outputs. Parameters that are not given stay as
    they are; `choose` gives those that are chosen once, at creation. Raises StackFailed with the
    resources that failed and why."""
    found = settle(aws, name, say)
    if found.status in STILLBORN:
        say(f"stack {name} is {found.status}: deleting what is left of it")
        delete(aws, name, say)
        found = Found()
    if found.status == "UPDATE_ROLLBACK_FAILED":
        say(f"stack {name} is {found.status}: going on with the way back")
        began = datetime.now(UTC)
        aws.client("cloudformation").continue_update_rollback(StackName=name)
        _follow(aws, name, began, say, {"UPDATE_ROLLBACK_COMPLETE"})
    if found.status:
        _update(aws, name, template, parameters, say)
    else:
        _create(aws, name, template, {**choose(), **parameters}, say)
    aws.client("cloudformation").update_termination_protection(
        StackName=name, EnableTerminationProtection=True
    )
    return outputs_of(aws, name)


def settle(aws: Aws, name: str, say: Say) -> Found:
    """Wait for the end of what somebody else, or an earlier run, began."""
    for poll in range(POLLS):
        found = find(aws, name)
        if not found.status.endswith("_IN_PROGRESS"):
            return found
        if found.status == "REVIEW_IN_PROGRESS":
            raise InfraError(f"stack {name} is an unfinished change set; delete it, then try again")
        if poll == 0:
            say(f"stack {name} is {found.status}: waiting")
        aws.sleep(POLL_SECONDS)
    raise InfraError(f"stack {name} is still {found.status}; try again later")


def delete(aws: Aws, name: str, say: Say) -> None:
    """Delete the stack and wait for the end. Nothing to do is no error. What still depends on
    something, such as a network interface on a subnet, is given time. Raises StackFailed."""
    for attempt in range(1, DELETE_ATTEMPTS + 1):
        try:
            return _delete_once(aws, name, say)
        except StackFailed as error:
            if not error.is_only_in_use or attempt == DELETE_ATTEMPTS:
                raise
            say(f"  some resources are still in use; deleting again ({attempt + 1}. attempt)")
    raise AssertionError("the last attempt returns or raises")


def _delete_once(aws: Aws, name: str, say: Say) -> None:
    if not settle(aws, name, say).status:
        return
    began = datetime.now(UTC)
    client = aws.client("cloudformation")
    client.update_termination_protection(StackName=name, EnableTerminationProtection=False)
    client.delete_stack(StackName=name)
    _follow(aws, name, began, say, {"", "DELETE_COMPLETE"})


def _create(aws: Aws, name: str, template: str, parameters: Mapping[str, str], say: Say) -> None:
    say(f"creating stack {name} (takes minutes)")
    began = datetime.now(UTC)
    aws.client("cloudformation").create_stack(
        StackName=name,
        TemplateBody=template,
        Parameters=[_parameter(key, parameters) for key in parameters],
        Capabilities=CAPABILITIES,
    )
    _follow(aws, name, began, say, {"CREATE_COMPLETE"})


def _update(aws: Aws, name: str, template: str, parameters: Mapping[str, str], say: Say) -> None:
    client = aws.client("cloudformation")
    known = client.get_template_summary(TemplateBody=template)["Parameters"]
    # A newer template may not know a parameter of the older one, and AWS would refuse it.
    kept = find(aws, name).parameters or {}
    values = {**kept, **parameters}
    given = [_parameter(p["ParameterKey"], values) for p in known if p["ParameterKey"] in values]
    say(f"updating stack {name}")
    began = datetime.now(UTC)
    try:
        client.update_stack(
            StackName=name, TemplateBody=template, Parameters=given, Capabilities=CAPABILITIES
        )
    except ClientError as error:
        if "No updates are to be performed" in message_of(error):
            say(f"stack {name} is as the template says")
            return
        raise
    _follow(aws, name, began, say, {"UPDATE_COMPLETE"})


def _parameter(key: str, values: Mapping[str, str]) -> dict[str, str]:
    return {"ParameterKey": key, "ParameterValue": values[key]}


def _follow(aws: Aws, name: str, began: datetime, say: Say, wanted: set[str]) -> None:
    """Show what happens until the stack rests. Raises StackFailed unless it rests as wanted."""
    told: set[str] = set()
    failures: list[str] = []
    for _ in range(POLLS):
        status = find(aws, name).status
        for event in _events(aws, name, began):
            if event["EventId"] not in told:
                told.add(event["EventId"])
                _tell(event, say, failures)
        if not status.endswith("_IN_PROGRESS"):
            break
        aws.sleep(POLL_SECONDS)
    if status not in wanted:
        reasons = "\n".join(f"  {line}" for line in failures) or "  (no reason given)"
        raise StackFailed(
            f"stack {name} is {status}:\n{reasons}\nRemove the cause, then run this again.",
            is_only_in_use=bool(failures) and all(map(_is_in_use, failures)),
        )


def _is_in_use(failure: str) -> bool:
    """Whether waiting may help. The stack's own line only names the others."""
    words = ("DependencyViolation", "has dependencies", "(AWS::CloudFormation::Stack)")
    return any(word in failure for word in words)


def _events(aws: Aws, name: str, began: datetime) -> list[dict[str, Any]]:
    """Those since `began`, oldest first. AWS gives the newest first, so few pages are read."""
    # The caller's clock and AWS's may differ a little.
    since = began - timedelta(seconds=30)
    found: list[dict[str, Any]] = []
    try:
        pages = aws.client("cloudformation").get_paginator("describe_stack_events")
        for page in pages.paginate(StackName=name):
            found += [event for event in page["StackEvents"] if event["Timestamp"] >= since]
            if len(found) == 0 or page["StackEvents"][-1]["Timestamp"] < since:
                break
    except ClientError as error:
        if "does not exist" not in message_of(error):
            raise
    return found[::-1]


def _tell(event: dict[str, Any], say: Say, failures: list[str]) -> None:
    status, reason = event["ResourceStatus"], event.get("ResourceStatusReason", "")
    what = f"{event['LogicalResourceId']} ({event['ResourceType']})"
    if status.endswith("_FAILED"):
        say(f"  {status} {what}: {reason}")
        # The rest are cancelled because of the first ones; they say nothing of the cause.
        if "cancelled" not in reason.lower():
            failures.append(f"{what}: {reason}")
    elif status.endswith("_COMPLETE"):
        say(f"  {status} {what}")
