"""`down` waits for what Lambda gives back late, and keeps the roles until then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from infra.aws import Aws
from infra.commands import down
from infra.errors import InfraError
from infra.names import Location, Stage

GROUP = "sg-1"


@dataclass
class FakeEc2:
    """Network interfaces, of which one goes at each look."""

    left: int
    asked: list[Any] = field(default_factory=list)

    def get_paginator(self, operation: str) -> FakeEc2:
        assert operation == "describe_network_interfaces"
        return self

    def paginate(self, Filters: list[Any]) -> Iterator[dict[str, Any]]:
        self.asked.append(Filters)
        yield {"NetworkInterfaces": [{}] * self.left}
        self.left = max(0, self.left - 1)


@dataclass
class FakeCloudFormation:
    outputs: dict[str, str]

    def describe_stacks(self, **_: Any) -> dict[str, Any]:
        outputs = [{"OutputKey": key, "OutputValue": value} for key, value in self.outputs.items()]
        return {"Stacks": [{"StackStatus": "DELETE_FAILED", "Outputs": outputs}]}


def account(ec2: FakeEc2, **outputs: str) -> Aws:
    clients = {"ec2": ec2, "cloudformation": FakeCloudFormation(outputs)}
    place = Location("aws", "eu-central-1", "111122223333")
    return Aws(place, None, lambda _: None, _clients=clients)


def test_it_waits_until_no_interface_has_the_functions_group() -> None:
    ec2, said = FakeEc2(3), list[str]()
    down._wait_for_interfaces(account(ec2, SecurityGroupId=GROUP), Stage("prod"), said.append)
    assert ec2.asked == [[{"Name": "group-id", "Values": [GROUP]}]] * 4
    assert [line for line in said if "network interfaces (3 left; up to 1 h)" in line]


def test_a_stack_without_outputs_has_nothing_to_wait_for() -> None:
    ec2 = FakeEc2(3)
    down._wait_for_interfaces(account(ec2), Stage("prod"), lambda _: None)
    assert ec2.asked == []


def test_interfaces_that_never_go_are_an_error_with_a_remedy() -> None:
    class Stuck(FakeEc2):
        def paginate(self, Filters: list[Any]) -> Iterator[dict[str, Any]]:
            yield {"NetworkInterfaces": [{}]}

    with pytest.raises(InfraError, match=r"still holds 1 of the stage.*again later"):
        down._wait_for_interfaces(
            account(Stuck(1), SecurityGroupId=GROUP), Stage("prod"), lambda _: None
        )
