"""The availability zones that a new installation's subnets lie in.

Not every zone has everything: Lambda refuses subnets in some, and the interface endpoint of SQS is
not offered in all. Zone names stand for other zones in each account, so neither can be known
without asking.
"""

from __future__ import annotations

from typing import Any

from infra.aws import Aws
from infra.errors import InfraError

WITHOUT_LAMBDA = frozenset({"use1-az3"})
"""Ids of zones in which Lambda is known to refuse a subnet ("The provided subnets contain
availability zone Lambda doesn't support"). Nothing can be asked for them. They are chosen last."""


def choose_zones(aws: Aws) -> dict[str, str]:
    """The stack's parameters `ZoneA` and `ZoneB`, by name. Raises InfraError where the region has
    fewer than two zones with an endpoint for SQS."""
    ec2 = aws.client("ec2")
    with_sqs = _zones_with_sqs(ec2, aws.place.region)
    zones = [zone for zone in _available_zones(ec2) if zone["ZoneName"] in with_sqs]
    zones.sort(key=lambda zone: (zone["ZoneId"] in WITHOUT_LAMBDA, zone["ZoneName"]))
    if len(zones) < 2:
        raise InfraError(
            f"region {aws.place.region} has fewer than two zones with an interface endpoint for SQS"
            f" ({', '.join(sorted(with_sqs)) or 'none'}); install in another region"
        )
    return {"ZoneA": zones[0]["ZoneName"], "ZoneB": zones[1]["ZoneName"]}


def _available_zones(ec2: Any) -> list[dict[str, Any]]:
    """Without local and wavelength zones, and those that the account has not opted into."""
    answer = ec2.describe_availability_zones(
        Filters=[
            {"Name": "state", "Values": ["available"]},
            {"Name": "zone-type", "Values": ["availability-zone"]},
        ]
    )
    return [
        zone for zone in answer["AvailabilityZones"] if zone.get("OptInStatus") != "not-opted-in"
    ]


def _zones_with_sqs(ec2: Any, region: str) -> set[str]:
    service = f"com.amazonaws.{region}.sqs"
    answer = ec2.describe_vpc_endpoint_services(ServiceNames=[service])
    return {
        zone
        for details in answer.get("ServiceDetails", [])
        if details["ServiceName"] == service
        for zone in details["AvailabilityZones"]
    }
