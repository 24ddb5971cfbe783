"""Which zones a new installation lies in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from infra.aws import Aws
from infra.errors import InfraError
from infra.names import Location
from infra.resources.zones import WITHOUT_LAMBDA, choose_zones

SERVICE = "com.amazonaws.us-east-1.sqs"


@dataclass
class FakeEc2:
    """A region; `zones` maps names to ids, `with_sqs` names those that the endpoint is offered in,
    `not_opted_in` those that the account has not opted into."""

    zones: dict[str, str]
    with_sqs: list[str]
    not_opted_in: tuple[str, ...] = ()

    def describe_availability_zones(self, Filters: list[Any]) -> dict[str, Any]:
        assert {"Name": "zone-type", "Values": ["availability-zone"]} in Filters
        opted = {True: "not-opted-in", False: "opt-in-not-required"}
        return {
            "AvailabilityZones": [
                {"ZoneName": name, "ZoneId": id, "OptInStatus": opted[name in self.not_opted_in]}
                for name, id in self.zones.items()
            ]
        }

    def describe_vpc_endpoint_services(self, ServiceNames: list[str]) -> dict[str, Any]:
        assert ServiceNames == [SERVICE]
        details = {"ServiceName": SERVICE, "AvailabilityZones": self.with_sqs}
        return {"ServiceDetails": [details]}


def chosen(ec2: FakeEc2) -> list[str]:
    aws = Aws(Location("aws", "us-east-1", "111122223333"), None, _clients={"ec2": ec2})
    return list(choose_zones(aws).values())


ZONES = {"a": "use1-az4", "b": "use1-az6", "c": "use1-az1", "d": "use1-az2"}


@pytest.mark.parametrize(
    ("ec2", "zones"),
    [
        (FakeEc2(ZONES, ["a", "b", "c", "d"]), ["a", "b"]),
        (FakeEc2(ZONES, ["b", "c", "d"]), ["b", "c"]),
        (FakeEc2({**ZONES, "a": "use1-az3"}, ["a", "b", "c", "d"]), ["b", "c"]),
        (FakeEc2({**ZONES, "a": "use1-az3"}, ["a", "b"]), ["b", "a"]),
        (FakeEc2(ZONES, ["a", "b", "c"], not_opted_in=("a",)), ["b", "c"]),
    ],
    ids=["all", "SQS is missing in one", "Lambda is missing in one", "no choice", "not opted in"],
)
def test_zones_are_ones_that_both_sqs_and_lambda_support(ec2: FakeEc2, zones: list[str]) -> None:
    assert chosen(ec2) == zones


def test_a_region_without_two_such_zones_is_refused_by_name() -> None:
    with pytest.raises(InfraError, match=r"us-east-1 has fewer than two zones.*\(a\)"):
        chosen(FakeEc2(ZONES, ["a"]))


def test_zones_are_known_by_id_because_their_names_differ_between_accounts() -> None:
    assert all("-az" in zone for zone in WITHOUT_LAMBDA)
