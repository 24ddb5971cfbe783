"""A custom domain for the API and the page.

The options are checked before anything changes. The domain is a stack of its own because it needs
the API, which Chalice deploys after the main stack.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from infra.aws import Aws, error_code, is_not_found
from infra.errors import InfraError
from infra.names import API_STAGE, Stage
from infra.output import Say
from infra.resources import stack
from infra.resources.stack import Description

TEMPLATE = Path(__file__).parents[1] / "domain.yaml"

_LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"(?=.{{3,253}}$)({_LABEL}\.)+(?!\d+$){_LABEL}")
_ZONE = re.compile("[A-Z0-9]{1,32}")
_CERTIFICATE = re.compile(r"arn:([\w-]+):acm:([\w-]+):(\d{12}):certificate/[\w-]+")

OPTIONS = {"Domain": "--domain", "Certificate": "--certificate", "HostedZone": "--hosted-zone"}
"""Stack parameters and the options of `deploy` that set them."""


RECORDS_PER_NAME = 100
"""Route 53 lists the records in the order of their names, so those of one name come together."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The domain options of `deploy`. `parameters` of the stack that are left out stay unchanged;
    `removes` is --no-domain."""

    parameters: Mapping[str, str]
    removes: bool = False


UNCHANGED = Choice({})


def choose(aws: Aws, stage: Stage, choice: Choice = UNCHANGED) -> Mapping[str, str]:
    """Returns the stack's parameters; empty means no domain. Raises InfraError, with the remedy, if
    a new domain does not fit its certificate or hosted zone."""
    if choice.removes:
        if choice.parameters:
            raise InfraError(f"--no-domain cannot be combined with {_options(choice.parameters)}")
        return {}
    parameters = {**_current_parameters(aws, stage), **_normalized(choice.parameters)}
    if choice.parameters:
        missing = [parameter for parameter in OPTIONS if parameter not in parameters]
        if missing:
            raise InfraError(
                f"{_options(choice.parameters)} needs {_options(missing)} as well: a domain has a"
                " name, a certificate, and a hosted zone for its records"
            )
        name, zone = parameters["Domain"], parameters["HostedZone"]
        _check_name(name)
        _check_certificate(aws, parameters["Certificate"], name)
        zone_name = _check_zone(aws, zone, name)
        if not _has_records(aws, stage, zone, name):
            _check_records(aws, zone, zone_name, name)
    return parameters


def converge(aws: Aws, stage: Stage, chosen: Mapping[str, str], api: str, say: Say) -> str:
    """Create, update or remove the domain as chosen. Returns its URL, "" for no domain. Raises
    StackFailed."""
    if not chosen:
        remove(aws, stage, say)
        return ""
    parameters = {**chosen, "Api": api, "ApiStage": API_STAGE}
    template = TEMPLATE.read_text(encoding="utf-8")
    return stack.converge(aws, stage.domain_stack, template, parameters, say)["Url"]


def remove(aws: Aws, stage: Stage, say: Say) -> None:
    """Delete the domain name and its records. The certificate and the zone belong to the user."""
    if stack.describe(aws, stage.domain_stack).status:
        say(f"  stack {stage.domain_stack}: deleting")
        stack.delete(aws, stage.domain_stack, say)


def url(aws: Aws, stage: Stage) -> str:
    """Returns the API's URL under its domain, ending in a slash; "" without a domain."""
    return url_of(stack.describe(aws, stage.domain_stack))


def url_of(domain_stack: Description) -> str:
    return (domain_stack.outputs or {}).get("Url", "")


def _current_parameters(aws: Aws, stage: Stage) -> dict[str, str]:
    current = stack.describe(aws, stage.domain_stack)
    # After an interrupted removal, the latest choice is no domain.
    if not current.parameters or current.status.startswith("DELETE_"):
        return {}
    return {parameter: current.parameters[parameter] for parameter in OPTIONS}


def _normalized(parameters: Mapping[str, str]) -> dict[str, str]:
    """Accepts the spellings of DNS (upper case, final dot) and Route 53 (`/hostedzone/ID`)."""
    normalized = {key: value.strip() for key, value in parameters.items()}
    if "Domain" in normalized:
        normalized["Domain"] = normalized["Domain"].lower().removesuffix(".")
    if "HostedZone" in normalized:
        normalized["HostedZone"] = normalized["HostedZone"].removeprefix("/hostedzone/")
    return normalized


def _options(parameters: Any) -> str:
    return ", ".join(OPTIONS[parameter] for parameter in OPTIONS if parameter in parameters)


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise InfraError(
            f"--domain {name!r}: use a host name such as orchestrator.example.com,"
            " without https://, path, port or *"
        )


def _check_certificate(aws: Aws, arn: str, name: str) -> None:
    match = _CERTIFICATE.fullmatch(arn)
    if match is None:
        raise InfraError(
            f"--certificate {arn!r}: use the ARN of an ACM certificate,"
            f" {aws.location.arn('acm', 'certificate/ID')}"
        )
    _check_certificate_place(aws, *match.groups())
    try:
        certificate = aws.client("acm").describe_certificate(CertificateArn=arn)["Certificate"]
    except ClientError as error:
        if is_not_found(error):
            raise InfraError(
                f"certificate {arn} does not exist; `aws acm list-certificates` lists yours"
            ) from error
        raise
    status = certificate["Status"]
    if status != "ISSUED":
        raise InfraError(
            f"certificate {arn} is {status}, but API Gateway requires it to be ISSUED: validate its"
            " names in ACM first"
        )
    names = {certificate["DomainName"], *certificate.get("SubjectAlternativeNames", [])}
    if not any(covers(pattern, name) for pattern in names):
        raise InfraError(
            f"certificate {arn} is for {', '.join(sorted(names))}, not for {name}; request one"
            " for this name or a matching wildcard"
        )


def _check_certificate_place(aws: Aws, partition: str, region: str, account: str) -> None:
    location = aws.location
    if region != location.region:
        raise InfraError(
            f"the certificate is in {region}, but the API is in {location.region}, and a"
            f" regional API needs a certificate in its own region: request or import one in"
            f" {location.region}"
        )
    if (partition, account) != (location.partition, location.account):
        raise InfraError(
            f"the certificate belongs to account {account} ({partition}), but the stage is"
            f" in {location.account} ({location.partition}): request or import one in the stage's"
            " account"
        )


def _check_zone(aws: Aws, zone: str, name: str) -> str:
    """Returns the zone's name. Raises InfraError if it does not contain the host name."""
    if not _ZONE.fullmatch(zone):
        raise InfraError(
            f"--hosted-zone {zone!r}: use the id of a Route 53 hosted zone, such as"
            " Z0123456789ABCDEFGHIJ (`aws route53 list-hosted-zones`)"
        )
    try:
        hosted_zone = aws.client("route53").get_hosted_zone(Id=zone)["HostedZone"]
    except ClientError as error:
        if error_code(error) == "NoSuchHostedZone":
            raise InfraError(
                f"hosted zone {zone} does not exist in account {aws.location.account};"
                " `aws route53 list-hosted-zones` lists yours"
            ) from error
        raise
    zone_name = hosted_zone["Name"].lower().removesuffix(".")
    if hosted_zone.get("Config", {}).get("PrivateZone"):
        raise InfraError(
            f"hosted zone {zone} ({zone_name}) is private, so nobody outside its VPCs could resolve"
            f" {name}; use the public zone"
        )
    if name != zone_name and not name.endswith(f".{zone_name}"):
        raise InfraError(
            f"hosted zone {zone} is for {zone_name}, which does not contain {name}; use the zone of"
            " a domain that the name ends with"
        )
    return str(zone_name)


def _has_records(aws: Aws, stage: Stage, zone: str, name: str) -> bool:
    """Returns whether the stage's own stack created, or tried to create, records of the name."""
    parameters = stack.describe(aws, stage.domain_stack).parameters or {}
    return (parameters.get("HostedZone"), parameters.get("Domain")) == (zone, name)


def _check_records(aws: Aws, zone: str, zone_name: str, name: str) -> None:
    """Raises InfraError if the zone delegates the name to another zone, so that resolvers would not
    ask this one, or if it has a record that would collide."""
    for owner, kind in _records(aws, zone, zone_name, name):
        if kind == "NS" and owner != zone_name:
            raise InfraError(
                f"hosted zone {zone} delegates {owner} to other name servers, so records of {name}"
                f" in it have no effect; use the hosted zone for {owner}"
            )
        if owner == name and kind in ("A", "AAAA", "CNAME"):
            raise InfraError(
                f"hosted zone {zone} already has a record {name} {kind}; delete it, or choose"
                " another name"
            )


def _records(aws: Aws, zone: str, zone_name: str, name: str) -> Iterator[tuple[str, str]]:
    """Yields name and type of the records of the host name and of each name above it there."""
    owner = name
    while owner.endswith(zone_name):
        response = aws.client("route53").list_resource_record_sets(
            HostedZoneId=zone, StartRecordName=owner, MaxItems=str(RECORDS_PER_NAME)
        )
        for record in response["ResourceRecordSets"]:
            if record["Name"].lower().removesuffix(".") == owner:
                yield owner, record["Type"]
        owner = owner.partition(".")[2]


def covers(pattern: str, name: str) -> bool:
    """Returns whether a certificate's name matches a host name; `*` matches one label."""
    pattern = pattern.lower().removesuffix(".")
    if pattern.startswith("*."):
        return name.partition(".")[2] == pattern[2:]
    return name == pattern
