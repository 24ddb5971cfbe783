"""The CloudFormation stack: brought into line with the template from whatever state it is in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from infra.aws import Aws, error_message
from infra.errors import InfraError, StackFailed
from infra.output import Say

TEMPLATE = Path(__file__).parents[1] / "template.yaml"

POLL_SECONDS = 5.0
POLLS = 12 * 75
DELETE_ATTEMPTS = 4

# A stack in one of these states can only be deleted.
UNUSABLE = frozenset({"CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED"})
CAPABILITIES = ["CAPABILITY_NAMED_IAM"]


@dataclass(frozen=True, slots=True)
class Description:
    """The state of a stack. `status` is CloudFormation's; "" means that there is no stack."""

    status: str = ""
    outputs: Mapping[str, str] | None = None
    parameters: Mapping[str, str] | None = None


def describe(aws: Aws, name: str) -> Description:
    try:
        stack = aws.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in error_message(error):
            return Description()
        raise
    return Description(
        stack["StackStatus"],
        {row["OutputKey"]: row["OutputValue"] for row in stack.get("Outputs", [])},
        {row["ParameterKey"]: row["ParameterValue"] for row in stack.get("Parameters", [])},
    )


def outputs_of(aws: Aws, name: str) -> Mapping[str, str]:
    """Returns the outputs of a complete stack. Raises InfraError."""
    current = describe(aws, name)
    if not current.outputs:
        state = f"is {current.status}" if current.status else "does not exist"
        raise InfraError(f"stack {name} {state}; run `python -m infra deploy` first")
    return current.outputs


def converge(
    aws: Aws,
    name: str,
    template: str,
    parameters: Mapping[str, str],
    say: Say,
    choose: Callable[[], Mapping[str, str]] = dict,
) -> Mapping[str, str]:
    """Create or update the stack. Returns its outputs. Parameters left out stay unchanged; `choose`
    returns those that are chosen once, at creation. Raises StackFailed with the resources that
    failed, and why."""
    current = wait_until_idle(aws, name, say)
    if current.status in UNUSABLE:
        say(f"stack {name} is {current.status}: deleting what is left of it")
        delete(aws, name, say)
        current = Description()
    if current.status == "UPDATE_ROLLBACK_FAILED":
        say(f"stack {name} is {current.status}: continuing the rollback")
        started = datetime.now(UTC)
        aws.client("cloudformation").continue_update_rollback(StackName=name)
        _follow(aws, name, started, say, {"UPDATE_ROLLBACK_COMPLETE"})
    if current.status:
        _update(aws, name, template, parameters, say)
    else:
        _create(aws, name, template, {**choose(), **parameters}, say)
    aws.client("cloudformation").update_termination_protection(
        StackName=name, EnableTerminationProtection=True
    )
    return outputs_of(aws, name)


def wait_until_idle(aws: Aws, name: str, say: Say) -> Description:
    """Wait for the end of an operation that someone else, or an earlier run, started."""
    for poll in range(POLLS):
        current = describe(aws, name)
        if not current.status.endswith("_IN_PROGRESS"):
            return current
        if current.status == "REVIEW_IN_PROGRESS":
            raise InfraError(f"stack {name} is an unfinished change set; delete it, then try again")
        if poll == 0:
            say(f"stack {name} is {current.status}: waiting")
        aws.sleep(POLL_SECONDS)
    raise InfraError(f"stack {name} is still {current.status}; try again later")


def delete(aws: Aws, name: str, say: Say) -> None:
    """Delete the stack and wait until it is gone. A stack that does not exist is no error. Tries
    again if resources are still in use, as a subnet by a network interface. Raises StackFailed."""
    for attempt in range(1, DELETE_ATTEMPTS + 1):
        try:
            return _delete_once(aws, name, say)
        except StackFailed as error:
            if not error.is_only_in_use or attempt == DELETE_ATTEMPTS:
                raise
            say(f"  some resources are still in use; deleting again (attempt {attempt + 1})")
    raise AssertionError("the last attempt returns or raises")


def _delete_once(aws: Aws, name: str, say: Say) -> None:
    if not wait_until_idle(aws, name, say).status:
        return
    started = datetime.now(UTC)
    client = aws.client("cloudformation")
    client.update_termination_protection(StackName=name, EnableTerminationProtection=False)
    client.delete_stack(StackName=name)
    _follow(aws, name, started, say, {"", "DELETE_COMPLETE"})


def _create(aws: Aws, name: str, template: str, parameters: Mapping[str, str], say: Say) -> None:
    say(f"creating stack {name} (takes a few minutes)")
    started = datetime.now(UTC)
    aws.client("cloudformation").create_stack(
        StackName=name,
        TemplateBody=template,
        Parameters=[_parameter(key, parameters) for key in parameters],
        Capabilities=CAPABILITIES,
    )
    _follow(aws, name, started, say, {"CREATE_COMPLETE"})


def _update(aws: Aws, name: str, template: str, parameters: Mapping[str, str], say: Say) -> None:
    client = aws.client("cloudformation")
    known = client.get_template_summary(TemplateBody=template)["Parameters"]
    # The new template may lack a parameter of the old one, which AWS would reject.
    values = {**(describe(aws, name).parameters or {}), **parameters}
    accepted = [_parameter(p["ParameterKey"], values) for p in known if p["ParameterKey"] in values]
    say(f"updating stack {name}")
    started = datetime.now(UTC)
    try:
        client.update_stack(
            StackName=name, TemplateBody=template, Parameters=accepted, Capabilities=CAPABILITIES
        )
    except ClientError as error:
        if "No updates are to be performed" in error_message(error):
            say(f"stack {name} is up to date")
            return
        raise
    _follow(aws, name, started, say, {"UPDATE_COMPLETE"})


def _parameter(key: str, values: Mapping[str, str]) -> dict[str, str]:
    return {"ParameterKey": key, "ParameterValue": values[key]}


def _follow(aws: Aws, name: str, started: datetime, say: Say, expected: set[str]) -> None:
    """Print events until the operation ends. Raises StackFailed unless it ends as expected."""
    printed: set[str] = set()
    failures: list[str] = []
    for _ in range(POLLS):
        status = describe(aws, name).status
        for event in _events(aws, name, started):
            if event["EventId"] not in printed:
                printed.add(event["EventId"])
                _print_event(event, say, failures)
        if not status.endswith("_IN_PROGRESS"):
            break
        aws.sleep(POLL_SECONDS)
    if status not in expected:
        reasons = "\n".join(f"  {line}" for line in failures) or "  (CloudFormation gave no reason)"
        raise StackFailed(
            f"stack {name} is {status}:\n{reasons}\nFix the cause, then run the command again.",
            is_only_in_use=bool(failures) and all(map(_is_in_use, failures)),
        )


def _is_in_use(failure: str) -> bool:
    """Returns whether waiting may help. The stack's own event only lists the failed resources."""
    words = ("DependencyViolation", "has dependencies", "(AWS::CloudFormation::Stack)")
    return any(word in failure for word in words)


def _events(aws: Aws, name: str, started: datetime) -> list[dict[str, Any]]:
    """Returns the events since `started`, oldest first. AWS lists the newest first, so that few
    pages are read."""
    since = started - timedelta(seconds=30)  # the clocks may differ a little
    events: list[dict[str, Any]] = []
    try:
        pages = aws.client("cloudformation").get_paginator("describe_stack_events")
        for page in pages.paginate(StackName=name):
            events += [event for event in page["StackEvents"] if event["Timestamp"] >= since]
            if not events or page["StackEvents"][-1]["Timestamp"] < since:
                break
    except ClientError as error:
        if "does not exist" not in error_message(error):
            raise
    return events[::-1]


def _print_event(event: dict[str, Any], say: Say, failures: list[str]) -> None:
    status, reason = event["ResourceStatus"], event.get("ResourceStatusReason", "")
    resource = f"{event['LogicalResourceId']} ({event['ResourceType']})"
    if status.endswith("_FAILED"):
        say(f"  {status} {resource}: {reason}")
        # Resources cancelled because another one failed do not name the cause.
        if "cancelled" not in reason.lower():
            failures.append(f"{resource}: {reason}")
    elif status.endswith("_COMPLETE"):
        say(f"  {status} {resource}")
