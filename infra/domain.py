"""The API under a domain name of its owner's: checked before anything changes, then made, kept and
removed as a stack of its own, which needs the API that Chalice deploys after the main stack."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from infra import stack
from infra.aws import Aws, code_of, is_missing
from infra.errors import InfraError
from infra.naming import API_STAGE, Stage
from infra.stack import Found, Say

TEMPLATE = Path(__file__).with_name("domain.yaml")

_LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"(?=.{{3,253}}$)({_LABEL}\.)+(?!\d+$){_LABEL}")
_ZONE = re.compile("[A-Z0-9]{1,32}")
_CERTIFICATE = re.compile(r"arn:([\w-]+):acm:([\w-]+):(\d{12}):certificate/[\w-]+")

OPTIONS = {"Domain": "--domain", "Certificate": "--certificate", "HostedZone": "--hosted-zone"}
"""The stack's parameters that are chosen, and the options that set them."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the caller of `deploy` said about the domain. `given` holds parameters of the stack;
    those left out stay as they are."""

    given: Mapping[str, str]
    is_none: bool = False


UNCHANGED = Choice({})


def choose(aws: Aws, stage: Stage, choice: Choice = UNCHANGED) -> Mapping[str, str]:
    """The stack's parameters as they shall be, empty for no domain. What is new is checked against
    the certificate and the hosted zone. Raises InfraError with what to change."""
    if choice.is_none:
        if choice.given:
            raise InfraError(f"--no-domain and {_options(choice.given)}: give one or the other")
        return {}
    wanted = {**_kept(aws, stage), **_tidied(choice.given)}
    if choice.given:
        missing = [parameter for parameter in OPTIONS if parameter not in wanted]
        if missing:
            raise InfraError(
                f"{_options(choice.given)} needs {_options(missing)} as well:"
                " a domain is a name, its certificate and the hosted zone of its records"
            )
        _check_name(wanted["Domain"])
        _check_certificate(aws, wanted["Certificate"], wanted["Domain"])
        _check_zone(aws, wanted["HostedZone"], wanted["Domain"])
    return wanted


def converge(aws: Aws, stage: Stage, wanted: Mapping[str, str], api: str, say: Say) -> str:
    """Bring the domain to what `choose` said, for this API. Returns its URL, "" for no domain.
    Raises StackFailed."""
    if not wanted:
        remove(aws, stage, say)
        return ""
    parameters = {**wanted, "Api": api, "ApiStage": API_STAGE}
    template = TEMPLATE.read_text(encoding="utf-8")
    return stack.converge(aws, stage.domain_stack, template, parameters, say)["Url"]


def remove(aws: Aws, stage: Stage, say: Say) -> None:
    """Delete the domain name and its records; the certificate and the zone are their owner's."""
    if stack.find(aws, stage.domain_stack).status:
        say(f"  stack {stage.domain_stack}: deleting")
        stack.delete(aws, stage.domain_stack, say)


def url(aws: Aws, stage: Stage) -> str:
    """Where the API answers under its domain, with a slash at the end; "" without a domain."""
    return url_of(stack.find(aws, stage.domain_stack))


def url_of(found: Found) -> str:
    """That of a stack that was found."""
    return (found.outputs or {}).get("Url", "")


def _kept(aws: Aws, stage: Stage) -> dict[str, str]:
    found = stack.find(aws, stage.domain_stack)
    # A removal that was broken off is still what was chosen last.
    if not found.parameters or found.status.startswith("DELETE_"):
        return {}
    return {parameter: found.parameters[parameter] for parameter in OPTIONS}


def _tidied(given: Mapping[str, str]) -> dict[str, str]:
    """As DNS and Route 53 also write them."""
    tidied = {key: value.strip() for key, value in given.items()}
    if "Domain" in tidied:
        tidied["Domain"] = tidied["Domain"].lower().removesuffix(".")
    if "HostedZone" in tidied:
        tidied["HostedZone"] = tidied["HostedZone"].removeprefix("/hostedzone/")
    return tidied


def _options(parameters: Any) -> str:
    return ", ".join(OPTIONS[parameter] for parameter in OPTIONS if parameter in parameters)


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise InfraError(
            f"--domain {name!r}: use a host name such as orchestrator.example.com,"
            " without https://, path, port or *"
        )


def _check_certificate(aws: Aws, arn: str, name: str) -> None:
    found = _CERTIFICATE.fullmatch(arn)
    if found is None:
        raise InfraError(
            f"--certificate {arn!r}: use the ARN of an ACM certificate,"
            f" {aws.place.arn('acm', 'certificate/ID')}"
        )
    _check_place_of_certificate(aws, *found.groups())
    try:
        certificate = aws.client("acm").describe_certificate(CertificateArn=arn)["Certificate"]
    except ClientError as error:
        if is_missing(error):
            raise InfraError(
                f"there is no certificate {arn}; `aws acm list-certificates`"
            ) from error
        raise
    status = certificate["Status"]
    if status != "ISSUED":
        raise InfraError(
            f"certificate {arn} is {status}; API Gateway takes it once it is ISSUED"
            " (validate the certificate's names in ACM)"
        )
    names = {certificate["DomainName"], *certificate.get("SubjectAlternativeNames", [])}
    if not any(covers(pattern, name) for pattern in names):
        raise InfraError(
            f"certificate {arn} is for {', '.join(sorted(names))}, not for {name}; request one"
            " that names it, or its wildcard"
        )


def _check_place_of_certificate(aws: Aws, partition: str, region: str, account: str) -> None:
    place = aws.place
    if region != place.region:
        raise InfraError(
            f"the certificate is in {region}, but the API is in {place.region}, and a regional API"
            f" takes only certificates of its own region: request or import one in {place.region}"
        )
    if (partition, account) != (place.partition, place.account):
        raise InfraError(
            f"the certificate belongs to account {account} ({partition}), but the stage is in"
            f" {place.account} ({place.partition}), and only certificates of that account are taken"
        )


def _check_zone(aws: Aws, zone: str, name: str) -> None:
    if not _ZONE.fullmatch(zone):
        raise InfraError(
            f"--hosted-zone {zone!r}: use the id of a Route 53 hosted zone, such as"
            " Z0123456789ABCDEFGHIJ (`aws route53 list-hosted-zones`)"
        )
    try:
        found = aws.client("route53").get_hosted_zone(Id=zone)["HostedZone"]
    except ClientError as error:
        if code_of(error) == "NoSuchHostedZone":
            raise InfraError(
                f"there is no hosted zone {zone} in account {aws.place.account};"
                " `aws route53 list-hosted-zones` shows those there are"
            ) from error
        raise
    zone_name = found["Name"].lower().removesuffix(".")
    if found.get("Config", {}).get("PrivateZone"):
        raise InfraError(
            f"hosted zone {zone} ({zone_name}) is private: nobody outside its VPCs would find"
            f" {name}; use the public zone"
        )
    if name != zone_name and not name.endswith(f".{zone_name}"):
        raise InfraError(
            f"hosted zone {zone} is for {zone_name}, and {name} is not a name in it; use the zone"
            " of a domain that the name ends with"
        )


def covers(pattern: str, name: str) -> bool:
    """Whether a certificate's name holds for a host's: a wildcard stands for one label."""
    pattern = pattern.lower().removesuffix(".")
    if pattern.startswith("*."):
        return name.partition(".")[2] == pattern[2:]
    return name == pattern
