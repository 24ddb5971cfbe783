"""CloudFormation as far as the command needs it, playing a script."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from infra.aws import Aws
from infra.names import Location


def refusal(operation: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": "ValidationError", "Message": message}}, operation)


@dataclass
class FakeCloudFormation:
    """One stack. `status` is "" where there is none; each call that changes it begins the statuses
    that `script` gives it (from the second time on, `scripts_after`), and each look at it moves one
    on."""

    status: str = ""
    script: dict[str, list[str]] = field(default_factory=dict)
    scripts_after: dict[str, list[str]] = field(default_factory=dict)
    failures: list[tuple[str, str]] = field(default_factory=list)
    parameters: dict[str, str] = field(default_factory=dict)
    known: tuple[str, ...] = ("Stage",)
    is_current: bool = False
    calls: list[str] = field(default_factory=list)
    given: dict[str, str] = field(default_factory=dict)
    ahead: list[str] = field(default_factory=list)
    protected: bool = False

    def describe_stacks(self, StackName: str) -> dict[str, Any]:
        if self.ahead:
            self.status = self.ahead.pop(0)
        if not self.status:
            raise refusal("DescribeStacks", f"Stack with id {StackName} does not exist")
        outputs = [{"OutputKey": "Network", "OutputValue": "endpoint"}]
        parameters = [
            {"ParameterKey": key, "ParameterValue": value} for key, value in self.parameters.items()
        ]
        return {
            "Stacks": [{"StackStatus": self.status, "Outputs": outputs, "Parameters": parameters}]
        }

    def create_stack(self, Parameters: list[dict[str, str]], **_: Any) -> None:
        self._change("create", Parameters)

    def update_stack(self, Parameters: list[dict[str, str]], **_: Any) -> None:
        if self.is_current:
            raise refusal("UpdateStack", "No updates are to be performed.")
        self._change("update", Parameters)

    def delete_stack(self, **_: Any) -> None:
        assert not self.protected, "a protected stack cannot be deleted"
        self._change("delete", [])

    def continue_update_rollback(self, **_: Any) -> None:
        self._change("continue", [])

    def update_termination_protection(self, EnableTerminationProtection: bool, **_: Any) -> None:
        self.protected = EnableTerminationProtection

    def get_template_summary(self, **_: Any) -> dict[str, Any]:
        return {"Parameters": [{"ParameterKey": key} for key in self.known]}

    def get_paginator(self, operation: str) -> FakeCloudFormation:
        assert operation == "describe_stack_events"
        return self

    def paginate(self, **_: Any) -> Iterator[dict[str, Any]]:
        yield {
            "StackEvents": [
                {
                    "EventId": f"{resource}-{reason}",
                    "Timestamp": datetime.now(UTC),
                    "ResourceStatus": "CREATE_FAILED",
                    "ResourceStatusReason": reason,
                    "LogicalResourceId": resource,
                    "ResourceType": "AWS::X::Y",
                }
                for resource, reason in self.failures
            ]
        }

    def _change(self, call: str, given: list[dict[str, str]]) -> None:
        self.calls.append(call)
        self.given = {row["ParameterKey"]: row["ParameterValue"] for row in given}
        is_first = self.calls.count(call) == 1
        script = self.script if is_first or call not in self.scripts_after else self.scripts_after
        self.ahead = list(script[call])


def aws_with(cloudformation: FakeCloudFormation) -> Aws:
    """An account that has nothing but CloudFormation, and where waiting takes no time."""
    place = Location("aws", "eu-central-1", "111122223333")
    clients: dict[str, Any] = {"cloudformation": cloudformation}
    return Aws(place, None, lambda _: None, None, "arn:of:the-caller", clients)
