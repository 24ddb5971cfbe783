"""Chooses the availability zones of a new installation's subnets.

Lambda rejects subnets in some zones, and SQS does not offer its interface endpoint in all of them.
Zone names map to different zones in each account, so AWS has to be asked.
"""

from __future__ import annotations

from typing import Any

from infra.aws import Aws
from infra.errors import InfraError

WITHOUT_LAMBDA = frozenset({"use1-az3"})
"""Ids of zones where Lambda is known to reject subnets ("The provided subnets contain availability
zone Lambda doesn't support"). No API lists them. They are chosen last."""


def choose_zones(aws: Aws) -> dict[str, str]:
    """Returns the stack parameters `ZoneA` and `ZoneB` as zone names. Raises InfraError if fewer
    than two zones of the region offer an endpoint for SQS."""
    ec2 = aws.client("ec2")
    with_sqs = _zones_with_sqs(ec2, aws.location.region)
    zones = [zone for zone in _available_zones(ec2) if zone["ZoneName"] in with_sqs]
    zones.sort(key=lambda zone: (zone["ZoneId"] in WITHOUT_LAMBDA, zone["ZoneName"]))
    if len(zones) < 2:
        raise InfraError(
            f"region {aws.location.region} has fewer than two zones with an interface endpoint for"
            f" SQS ({', '.join(sorted(with_sqs)) or 'none'}); install in another region"
        )
    return {"ZoneA": zones[0]["ZoneName"], "ZoneB": zones[1]["ZoneName"]}


def _available_zones(ec2: Any) -> list[dict[str, Any]]:
    """Returns regular zones: no local or wavelength zones, none that the account must opt into."""
    response = ec2.describe_availability_zones(
        Filters=[
            {"Name": "state", "Values": ["available"]},
            {"Name": "zone-type", "Values": ["availability-zone"]},
        ]
    )
    return [
        zone for zone in response["AvailabilityZones"] if zone.get("OptInStatus") != "not-opted-in"
    ]


def _zones_with_sqs(ec2: Any, region: str) -> set[str]:
    service = f"com.amazonaws.{region}.sqs"
    response = ec2.describe_vpc_endpoint_services(ServiceNames=[service])
    return {
        zone
        for details in response.get("ServiceDetails", [])
        if details["ServiceName"] == service
        for zone in details["AvailabilityZones"]
    }
