"""`deploy` with a domain of the owner's, against an account in a moto server."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from infra.commands import status
from infra.commands.health import Response
from infra.errors import InfraError
from infra.names import Stage
from infra.resources import domain
from infra.resources.domain import Choice
from infra.resources.stack import describe
from tests.integration.infra.account import Account

NAME = "dags.example.com"
OWN_ADDRESS = "execute-api.us-east-1.amazonaws.com/v1/"


@dataclass(frozen=True)
class Owner:
    """Somebody with a zone and a certificate."""

    account: Account
    zone: str
    certificate: str

    def choice(self, **changes: str) -> Choice:
        chosen = {"Domain": NAME, "Certificate": self.certificate, "HostedZone": self.zone}
        return Choice({**chosen, **changes})

    def records(self) -> dict[str, list[str]]:
        """The names with an address, and the types of their records."""
        client = self.account.aws.client("route53")
        found: dict[str, list[str]] = {}
        for row in client.list_resource_record_sets(HostedZoneId=self.zone)["ResourceRecordSets"]:
            if row["Type"] in ("A", "AAAA"):
                target = row["AliasTarget"]["DNSName"]
                assert ".execute-api.us-east-1.amazonaws.com" in target
                found.setdefault(row["Name"].removesuffix("."), []).append(row["Type"])
        return found

    def names(self) -> list[dict[str, Any]]:
        return list(self.account.aws.client("apigateway").get_domain_names()["items"])

    def mapped(self, name: str) -> tuple[str, str, str]:
        client = self.account.aws.client("apigateway")
        (row,) = client.get_base_path_mappings(domainName=name)["items"]
        return row["basePath"], row["restApiId"], row["stage"]


@pytest.fixture(scope="module")
def owner(account: Account) -> Owner:
    zone = account.aws.client("route53").create_hosted_zone(Name="example.com", CallerReference="1")
    return Owner(
        account,
        zone["HostedZone"]["Id"].rpartition("/")[2],
        certificate_for(account, "*.example.com"),
    )


def certificate_for(account: Account, *names: str) -> str:
    """The ARN of one that was imported, so that nothing has to be validated."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    day = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(day)
        .not_valid_after(day + datetime.timedelta(days=36_500))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    imported = account.aws.client("acm").import_certificate(
        Certificate=built.public_bytes(pem),
        PrivateKey=key.private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    )
    return str(imported["CertificateArn"])


def _as_it_is(folder: Path, stage: Stage, environ: Mapping[str, str]) -> None:
    """Take Chalice's place, where nothing has changed for it."""


def test_the_api_gets_the_name_keeps_it_changes_it_and_gives_it_back(owner: Owner) -> None:
    account = owner.account
    assert account.deploy("named", domain=owner.choice()) == f"https://{NAME}/"
    (api,) = account.inventory("named").apis
    (made,) = owner.names()
    assert (made["domainName"], made["securityPolicy"]) == (NAME, "TLS_1_2")
    assert made["regionalCertificateArn"] == owner.certificate
    assert made["endpointConfiguration"] == {"types": ["REGIONAL"], "ipAddressType": "dualstack"}
    assert owner.mapped(NAME) == ("(none)", api, "v1")
    assert owner.records() == {NAME: ["A", "AAAA"]}
    assert account.asked[-1][0] == f"https://{NAME}/api/health"

    assert account.deploy("named", _as_it_is) == f"https://{NAME}/"
    assert account.deploy("named", _as_it_is, owner.choice()) == f"https://{NAME}/"
    assert owner.records() == {NAME: ["A", "AAAA"]}
    other = "flows.example.com"
    assert account.deploy("named", _as_it_is, Choice({"Domain": other})) == f"https://{other}/"
    assert [row["domainName"] for row in owner.names()] == [other]
    assert owner.mapped(other) == ("(none)", api, "v1")

    assert account.deploy("named", _as_it_is, Choice({}, removes=True)).endswith(OWN_ADDRESS)
    assert (owner.names(), owner.records()) == ([], {})
    assert account.deploy("named", _as_it_is).endswith(OWN_ADDRESS)
    account.remove("named")


def test_status_and_links_use_the_name_and_down_removes_it(owner: Owner) -> None:
    account, stage = owner.account, Stage("shown")
    account.deploy(stage.name, domain=owner.choice())
    shown = list(status.lines(account.aws, stage, lambda url, _: Response(200, url)))
    assert f"domain {NAME}: stack orchestrator-shown-domain CREATE_COMPLETE" in shown
    assert f"API https://{NAME}/: 200 https://{NAME}/api/health" in shown
    assert shown[-1].endswith(f"{OWN_ADDRESS}api/health")  # AWS's own stays
    assert status.url(account.aws, stage) == f"https://{NAME}/"
    account.remove(stage.name)
    assert (owner.names(), owner.records()) == ([], {})
    assert describe(account.aws, stage.domain_stack).status == ""
    assert status_of_everything(account) == set()


def status_of_everything(account: Account) -> set[str]:
    stacks = account.aws.client("cloudformation").list_stacks()["StackSummaries"]
    return {s["StackName"] for s in stacks if s["StackStatus"] != "DELETE_COMPLETE"}


def test_a_name_that_is_not_known_yet_does_not_fail_the_deployment(owner: Owner) -> None:
    account = owner.account
    account.unknown.add(NAME)
    assert account.deploy("early", domain=owner.choice()) == f"https://{NAME}/"
    for function in ("tick", "apply"):
        variables = account.configuration("early", function)["Environment"]["Variables"]
        assert variables["ORCHESTRATOR_PAGE_URL"] == f"https://{NAME}/"
    told = account.said[-2:]
    assert told[0] == f"  not reachable yet: https://{NAME}/api/health: no response: no such host"
    assert "15 minutes" in told[1]
    account.unknown.clear()
    account.remove("early")


def test_nothing_is_installed_for_a_domain_that_cannot_be(owner: Owner) -> None:
    def never(folder: Path, stage: Stage, environ: Mapping[str, str]) -> None:
        raise AssertionError("deployed all the same")

    wrong = owner.choice(Domain="dags.example.org")
    with pytest.raises(InfraError, match="is for"):
        owner.account.deploy("wrong", never, domain=wrong)
    assert describe(owner.account.aws, "orchestrator-wrong").status == ""


def refused(owner: Owner, choice: Choice, stage: str = "none") -> str:
    with pytest.raises(InfraError) as raised:
        domain.choose(owner.account.aws, Stage(stage), choice)
    return str(raised.value)


@pytest.mark.parametrize(
    "name",
    [
        "https://dags.example.com",
        "dags.example.com/x",
        "dags.example.com:443",
        "*.example.com",
        "example",
        "-a.example.com",
        "a-.example.com",
        "a_b.example.com",
        "a..example.com",
        f"{'a' * 64}.example.com",
        f"{'a.' * 130}example.com",
        "192.0.2.1",
        "dags.example.com\n.org",
        "",
    ],
)
def test_what_is_no_host_name_is_refused(owner: Owner, name: str) -> None:
    assert refused(owner, owner.choice(Domain=name)).startswith("--domain ")


@pytest.mark.parametrize("name", ["DAGs.Example.COM", "dags.example.com.", " dags.example.com "])
def test_a_name_is_taken_however_it_is_spelt(owner: Owner, name: str) -> None:
    zone = f"/hostedzone/{owner.zone}"
    chosen = domain.choose(
        owner.account.aws, Stage("none"), owner.choice(Domain=name, HostedZone=zone)
    )
    assert (chosen["Domain"], chosen["HostedZone"]) == (NAME, owner.zone)


@pytest.mark.parametrize("missing", ["Domain", "Certificate", "HostedZone"])
def test_the_three_belong_together_the_first_time(owner: Owner, missing: str) -> None:
    given = {k: v for k, v in owner.choice().parameters.items() if k != missing}
    assert f"needs {domain.OPTIONS[missing]} as well" in refused(owner, Choice(given))


def test_a_domain_cannot_be_given_and_taken_away_at_once(owner: Owner) -> None:
    told = refused(owner, Choice({"Domain": NAME}, removes=True))
    assert told == "--no-domain cannot be combined with --domain"


def test_a_certificate_of_another_region_is_refused_in_plain_words(owner: Owner) -> None:
    arn = owner.certificate.replace("us-east-1", "eu-central-1")
    told = refused(owner, owner.choice(Certificate=arn))
    assert "in eu-central-1, but the API is in us-east-1" in told
    assert "request or import one in us-east-1" in told


def test_a_certificate_that_is_not_there_not_of_the_account_or_no_arn_is_refused(
    owner: Owner,
) -> None:
    place = owner.account.aws.location
    for arn, told in (
        (place.arn("acm", "certificate/12345678-1234-1234-1234-123456789012"), "does not exist"),
        (
            owner.certificate.replace(place.account, "999999999999"),
            "belongs to account 999999999999",
        ),
        (owner.certificate.replace("arn:aws:", "arn:aws-cn:"), "(aws-cn)"),
        (place.arn("iam", "server-certificate/x"), "--certificate "),
        ("dags.example.com", "--certificate "),
    ):
        assert told in refused(owner, owner.choice(Certificate=arn))


def test_a_certificate_that_is_not_issued_or_is_for_other_names_is_refused(owner: Owner) -> None:
    acm = owner.account.aws.client("acm")
    waiting = acm.request_certificate(DomainName=NAME, ValidationMethod="DNS")["CertificateArn"]
    told = refused(owner, owner.choice(Certificate=waiting))
    assert "is PENDING_VALIDATION" in told
    other = certificate_for(owner.account, "example.com", "*.dags.example.com")
    told = refused(owner, owner.choice(Certificate=other))
    assert f"is for *.dags.example.com, example.com, not for {NAME}" in told


def new_zone(owner: Owner, name: str, reference: str, **settings: Any) -> str:
    route53 = owner.account.aws.client("route53")
    zone = route53.create_hosted_zone(Name=name, CallerReference=reference, **settings)
    return str(zone["HostedZone"]["Id"].rpartition("/")[2])


def test_a_zone_that_does_not_hold_the_name_is_refused_in_plain_words(owner: Owner) -> None:
    ending = new_zone(owner, "ample.com", "2")  # the same letters, another domain
    private = new_zone(
        owner, "example.com", "3", HostedZoneConfig={"PrivateZone": True, "Comment": ""}
    )
    for given, told in (
        (ending, f"is for ample.com, which does not contain {NAME}"),
        (private, "is private"),
        ("Z0000000000000", "hosted zone Z0000000000000 does not exist"),
        ("example.com", "--hosted-zone 'example.com'"),
    ):
        assert told in refused(owner, owner.choice(HostedZone=given))


def add_record(owner: Owner, zone: str, name: str, kind: str, value: str) -> None:
    record = {"Name": name, "Type": kind, "TTL": 60, "ResourceRecords": [{"Value": value}]}
    owner.account.aws.client("route53").change_resource_record_sets(
        HostedZoneId=zone,
        ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]},
    )


@pytest.mark.parametrize("delegated", [NAME, "eu.example.com", "a.eu.example.com"])
def test_a_name_that_the_zone_delegates_to_another_zone_is_refused(
    owner: Owner, delegated: str
) -> None:
    name = NAME if delegated == NAME else "dags.a.eu.example.com"
    zone = new_zone(owner, "example.com", f"delegates {delegated}")
    add_record(owner, zone, delegated, "NS", "ns.example.net.")
    choice = owner.choice(
        Domain=name, HostedZone=zone, Certificate=certificate_for(owner.account, name)
    )
    told = refused(owner, choice)
    assert f"delegates {delegated} to other name servers" in told
    assert told.endswith(f"use the hosted zone for {delegated}")


@pytest.mark.parametrize(
    ("kind", "value"), [("A", "192.0.2.1"), ("AAAA", "2001:db8::1"), ("CNAME", "x.example.net.")]
)
def test_a_name_that_has_a_record_already_is_refused(owner: Owner, kind: str, value: str) -> None:
    zone = new_zone(owner, "example.com", f"has {kind}")
    add_record(owner, zone, NAME, kind, value)
    told = refused(owner, owner.choice(HostedZone=zone))
    assert f"already has a record {NAME} {kind}; delete it" in told


def test_records_of_other_names_and_of_other_types_are_no_obstacle(owner: Owner) -> None:
    zone = new_zone(owner, "example.com", "unrelated")
    for name, kind, value in (
        ("example.com", "A", "192.0.2.1"),
        ("a.dags.example.com", "NS", "ns.example.net."),
        ("eu.example.com", "NS", "ns.example.net."),
        ("xdags.example.com", "A", "192.0.2.1"),
        (NAME, "TXT", '"hello"'),
    ):
        add_record(owner, zone, name, kind, value)
    chosen = domain.choose(owner.account.aws, Stage("none"), owner.choice(HostedZone=zone))
    assert chosen["HostedZone"] == zone


def test_a_name_at_the_top_of_its_zone_is_taken(owner: Owner) -> None:
    certificate = certificate_for(owner.account, "example.com")
    choice = owner.choice(Domain="example.com", Certificate=certificate)
    assert domain.choose(owner.account.aws, Stage("none"), choice)["Domain"] == "example.com"


@pytest.mark.parametrize(
    ("pattern", "name", "holds"),
    [
        ("a.example.com", "a.example.com", True),
        ("A.Example.com", "a.example.com", True),
        ("*.example.com", "a.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "a.b.example.com", False),
        ("*.ample.com", "a.example.com", False),
        ("example.com", "a.example.com", False),
    ],
)
def test_a_wildcard_stands_for_one_label(pattern: str, name: str, holds: bool) -> None:
    assert domain.covers(pattern, name) is holds
