"""The emulated account: its users, its resources, and what users do with it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from infra import permissions
from infra.names import PROJECT
from tests.emulator import shims
from tests.emulator.emulator import ACCOUNT, REGION, Emulator
from tests.integration.infra.account import copy_of_the_project
from tests.support.waiting import HANG_SECONDS, eventually

LISTS: tuple[tuple[str, str, str, str], ...] = (
    ("apigateway", "get_domain_names", "items", "domainName"),
    ("apigateway", "get_rest_apis", "items", "id"),
    ("backup", "list_backup_plans", "BackupPlansList", "BackupPlanArn"),
    ("backup", "list_backup_vaults", "BackupVaultList", "BackupVaultArn"),
    ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmArn"),
    ("ec2", "describe_route_tables", "RouteTables", "RouteTableId"),
    ("ec2", "describe_security_groups", "SecurityGroups", "GroupId"),
    ("ec2", "describe_subnets", "Subnets", "SubnetId"),
    ("ec2", "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
    ("ec2", "describe_vpcs", "Vpcs", "VpcId"),
    ("efs", "describe_access_points", "AccessPoints", "AccessPointId"),
    ("efs", "describe_file_systems", "FileSystems", "FileSystemId"),
    ("events", "list_rules", "Rules", "Arn"),
    ("iam", "list_roles", "Roles", "Arn"),
    ("lambda", "list_event_source_mappings", "EventSourceMappings", "UUID"),
    ("lambda", "list_functions", "Functions", "FunctionArn"),
    ("logs", "describe_log_groups", "logGroups", "logGroupName"),
    ("s3", "list_buckets", "Buckets", "Name"),
    ("sns", "list_topics", "Topics", "TopicArn"),
)


@dataclass
class Account:
    """`owner` may do anything and only prepares the tests. The user of `environ` installs the
    product, with the permissions that `python -m infra permissions` prints."""

    emulator: Emulator
    project: Path
    environ: dict[str, str] = field(default_factory=dict)

    def owner(self, service: str) -> Any:
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.emulator.environ["AWS_ENDPOINT_URL"],
            verify=self.emulator.environ["AWS_CA_BUNDLE"],
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}),
        )

    def everything(self) -> set[str]:
        """Returns all resources, by service and name."""
        stacks = self.owner("cloudformation").describe_stacks()["Stacks"]
        alive = {s["StackName"] for s in stacks if s["StackStatus"] != "DELETE_COMPLETE"}
        queues = self.owner("sqs").list_queues().get("QueueUrls", [])
        return (
            {f"stack {name}" for name in alive}
            | {f"queue {url}" for url in queues}
            | {
                f"{service} {row[name]}"
                for service, call, rows, name in LISTS
                for row in getattr(self.owner(service), call)()[rows]
            }
        )

    def type_in(self, line: str, *, succeeds: bool = True) -> str:
        """Run a command in the project's folder as the installer. Returns what it prints."""
        process = self.begin(line)
        printed, _ = process.communicate(timeout=10 * HANG_SECONDS)
        assert (process.returncode == 0) == succeeds, f"{line}\n{printed}\n{self.emulator.tail()}"
        return printed

    def begin(self, line: str) -> subprocess.Popen[str]:
        program, *words = line.split()
        return subprocess.Popen(
            [*PROGRAMS[program], *words],
            cwd=self.project,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def upload(self, stage: str, key: str, text: str) -> None:
        """Upload a DAG file as a user who may only write to the dags bucket."""
        bucket = f"orchestrator-{stage}-{ACCOUNT}-dags"
        self.owner("s3").put_object(Bucket=bucket, Key=key, Body=text.encode())

    def domain(self, name: str) -> tuple[str, str]:
        """Create a certificate for the name, and a hosted zone that contains it."""
        certificate = self.owner("acm").request_certificate(DomainName=name, ValidationMethod="DNS")
        zone = self.owner("route53").create_hosted_zone(Name=shims.OWN_DOMAIN, CallerReference=name)
        return certificate["CertificateArn"], zone["HostedZone"]["Id"].rpartition("/")[2]

    def records(self, zone: str) -> list[tuple[str, str]]:
        """Returns name and type of the zone's address records."""
        rows = self.owner("route53").list_resource_record_sets(HostedZoneId=zone)
        records = [(row["Name"], row["Type"]) for row in rows["ResourceRecordSets"]]
        return sorted(record for record in records if record[1] in ("A", "AAAA"))

    def caller(self, name: str, *actions: str) -> Signs:
        """Create a user with these permissions, who signs API requests."""
        iam = self.owner("iam")
        iam.create_user(UserName=name)
        allowed = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        if actions:
            iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        credentials = Credentials(key["AccessKeyId"], key["SecretAccessKey"])

        def signs(method: str, url: str) -> Mapping[str, str]:
            request = AWSRequest(method, url)
            SigV4Auth(credentials, "execute-api", REGION).add_auth(request)
            return dict(request.headers)

        return signs


CHALICE = [sys.executable, "-c", "import sys; from chalice.cli import main; sys.exit(main())"]
PROGRAMS = {
    "chalice": CHALICE,
    "infra": [sys.executable, "-m", "infra"],
}


def new_account(emulator: Emulator, project: Path, stages: list[str]) -> Account:
    """Create the account's installer and a copy of the project in `project`."""
    project.mkdir()
    copy_of_the_project(project)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PROJECT / "infra", project / "infra", ignore=ignored)
    account = Account(emulator, project)
    iam = account.owner("iam")
    iam.create_user(UserName="installer")
    for number, document in enumerate(_allowed(stages)):
        name = f"installer-{number}"
        arn = iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(document))
        iam.attach_user_policy(UserName="installer", PolicyArn=arn["Policy"]["Arn"])
    key = iam.create_access_key(UserName="installer")["AccessKey"]
    account.environ = {
        **emulator.environ,
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
    }
    return account


def _allowed(stages: list[str]) -> Iterator[dict[str, Any]]:
    for stage in stages:
        yield from permissions.policies("aws", REGION, ACCOUNT, stage)


Signs = Callable[[str, str], Mapping[str, str]]
"""Takes the method and the URL; returns headers that identify the caller."""


@dataclass(frozen=True)
class Api:
    """A client of a stage's API, with an access token or signed requests."""

    url: str
    token: str = ""
    signs: Signs | None = None

    def ask(self, method: str, path: str) -> tuple[int, Any]:
        """Returns status and body."""
        url = self.url.rstrip("/") + path
        with_token = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        headers = dict(self.signs(method, url) if self.signs else with_token)
        request = urllib.request.Request(url, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=HANG_SECONDS) as response:
                return response.status, json.loads(response.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def get(self, path: str) -> Any:
        return self._good("GET", path)

    def post(self, path: str) -> Any:
        return self._good("POST", path)

    def knows(self, dag_id: str) -> bool:
        return self.ask("GET", f"/api/dags/{dag_id}")[0] == 200

    def run(self, dag_id: str) -> str:
        """Start a run, once the file has been registered."""
        eventually(lambda: self.knows(dag_id))
        return str(self.post(f"/api/dags/{dag_id}/run")["run_id"])

    def ended(self, run_id: str) -> Mapping[str, Any]:
        def ended() -> Any:
            run = self.get(f"/api/runs/{run_id}")
            return run if run["ended_at"] else None

        run: Mapping[str, Any] = eventually(ended)
        return run

    def log(self, run_id: str, task_id: str) -> str:
        return str(self.get(f"/api/runs/{run_id}/tasks/{task_id}/logs")["content"])

    def _good(self, method: str, path: str) -> Any:
        status, answer = self.ask(method, path)
        assert status < 300, (status, answer)
        return answer
