"""`launch`: what becomes of a message, with ECS and STS by moto and by botocore's stubber."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from chalicelib.aws.ecs import EcsContainers
from chalicelib.aws.sessions import SidecarSessions
from chalicelib.claims import BucketClaims, Claim
from chalicelib.enums import Claimant, Outcome
from chalicelib.errors import Forbidden, OrchestratorError, Unavailable
from chalicelib.fargate import task_definition
from chalicelib.fargate.launch import Launcher, StartedTask, wait_seconds
from chalicelib.fargate.task_definition import definition, token
from chalicelib.messages import Attempt, Result, TaskMessage, decode_report
from chalicelib.ports import ReceivedMessage
from tests.support.fakes import FakeBucket, FakeClock, FakeQueue
from tests.unit.fargate.test_requests import ACCOUNT, SIZE, installed, started

ATTEMPT = Attempt("d", "d__1", "t", -1, 1)
MESSAGE = TaskMessage(ATTEMPT, "true", image="alpine", vcpu=1, memory_mb=3072, place="fargate")
FUNCTION = "orchestrator-prod-launch"
ROLE = f"{ACCOUNT}-sidecar"


@pytest.fixture(autouse=True)
def wrapper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "wrapper.sh"
    file.write_text("exec sh -c true\n")
    monkeypatch.setattr(task_definition, "WRAPPER", file)


class FakeContainers:
    """Starts one task for each token. `refuses` is raised instead; `stopped` is why it ended."""

    def __init__(self) -> None:
        self.defined: list[Mapping[str, Any]] = []
        self.started: dict[str, Mapping[str, Any]] = {}
        self.refuses: Exception | None = None
        self.stopped: str | None = None

    def define(self, request: Mapping[str, Any]) -> None:
        self.defined.append(request)

    def start(self, request: Mapping[str, Any]) -> StartedTask:
        if self.refuses is not None:
            raise self.refuses
        self.started.setdefault(request["clientToken"], request)
        return StartedTask("arn:of:the-task", self.stopped)

    def code_url(self, function: str) -> str:
        return f"https://code.example/{function}"


class FakeSessions:
    def environ(self, attempt: Attempt, name: str) -> Mapping[str, str]:
        return {"AWS_SESSION_TOKEN": f"{attempt.dag_id}/{name}"}

    def name_of(self, url: str) -> str:
        return url.removeprefix("signed-by:")


class Hiding(FakeQueue):
    """Records what is to be hidden, and for how long."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.hidden: list[tuple[str, int]] = []

    def hide(self, messages: Sequence[ReceivedMessage], seconds: int) -> None:
        self.hidden += [(message.receipt, seconds) for message in messages]


class Bench:
    def __init__(self) -> None:
        clock = FakeClock()
        self.runs = FakeBucket()
        self.claims = BucketClaims(self.runs)
        self.results = FakeQueue(clock)
        self.containers = FakeContainers()
        self.tasks = Hiding(clock)
        self.launcher = Launcher(
            installed=installed(),
            runs=self.runs,
            claims=self.claims,
            results=self.results,
            tasks=self.tasks,
            containers=self.containers,
            sessions=FakeSessions(),
            now=clock,
        )

    def deliver(self, body: str = MESSAGE.encode(), received: int = 1) -> dict[str, Any]:
        attributes = {"ApproximateReceiveCount": str(received)}
        record = {"body": body, "messageId": "m", "receiptHandle": "r", "attributes": attributes}
        return self.launcher.handle_event({"Records": [record]})

    def reports(self) -> list[Result]:
        reports = [decode_report(body) for body in self.results.bodies()]
        assert all(isinstance(report, Result) for report in reports)
        return [report for report in reports if isinstance(report, Result)]


@pytest.fixture
def bench() -> Bench:
    return Bench()


ACKNOWLEDGED: dict[str, Any] = {"batchItemFailures": []}


def test_a_message_starts_a_task_that_finds_all_it_needs(bench: Bench) -> None:
    assert bench.deliver() == ACKNOWLEDGED
    (request,) = bench.containers.started.values()
    (override,) = request["overrides"]["containerOverrides"]
    told = {entry["name"]: entry["value"] for entry in override["environment"]}
    stored = bench.runs.objects[told["FARGATE_MESSAGE_KEY"]]
    assert TaskMessage.decode(stored.decode()) == MESSAGE
    assert told["FARGATE_CODE_URL"] == f"https://code.example/{FUNCTION}"
    assert told["AWS_SESSION_TOKEN"] == f"d/{token(ATTEMPT.prefix)}"
    assert bench.containers.defined[0]["cpu"] == "1024"
    assert bench.reports() == []


def test_a_message_that_is_delivered_twice_starts_one_task(bench: Bench) -> None:
    bench.deliver()
    bench.deliver(received=2)
    assert list(bench.containers.started) == [token(ATTEMPT.prefix)]


@pytest.mark.parametrize("by", list(Claimant))
def test_what_is_claimed_already_is_not_started(bench: Bench, by: Claimant) -> None:
    bench.claims.take(ATTEMPT, Claim(by, 0.0))
    assert bench.deliver() == ACKNOWLEDGED
    assert bench.containers.started == {}


def test_without_capacity_the_message_is_put_back_for_longer_and_longer(bench: Bench) -> None:
    bench.containers.refuses = Unavailable("no capacity")
    for received in (1, 2, 3, 20):
        assert bench.deliver(received=received) == {"batchItemFailures": [{"itemIdentifier": "m"}]}
    assert bench.tasks.hidden == [("r", 15), ("r", 30), ("r", 60), ("r", 900)]
    assert [wait_seconds(1000), bench.reports()] == [900, []]


def test_what_fargate_refuses_for_good_is_a_result_and_can_never_start(bench: Bench) -> None:
    bench.containers.refuses = OrchestratorError("ECS: InvalidParameterException: no such image")
    assert bench.deliver() == ACKNOWLEDGED
    (result,) = bench.reports()
    assert (result.outcome, result.is_transient) == (Outcome.FAILED, False)
    assert "no such image" in result.reason
    assert bench.claims.is_taken(ATTEMPT)


def test_a_task_that_ended_before_it_began_is_a_result_with_the_reason_of_ecs(bench: Bench) -> None:
    bench.containers.stopped = "CannotPullContainerError: alpin not found"
    bench.deliver()
    (result,) = bench.reports()
    assert "alpin not found" in result.reason
    assert bench.claims.is_taken(ATTEMPT)


def test_whoever_claimed_the_attempt_meanwhile_reports_on_it(bench: Bench) -> None:
    class Late(FakeContainers):
        def start(self, request: Mapping[str, Any]) -> StartedTask:
            bench.claims.take(ATTEMPT, Claim(Claimant.EXECUTOR, 0.0))
            return StartedTask("arn", "it ended")

    object.__setattr__(bench.launcher, "_containers", Late())
    bench.deliver()
    assert bench.reports() == []


def test_one_sidecar_is_not_given_the_session_of_another(bench: Bench) -> None:
    own = {"renew": f"signed-by:{token(ATTEMPT.prefix)}", "prefix": ATTEMPT.prefix}
    answer = bench.launcher.handle_event(own)
    assert answer == {"AWS_SESSION_TOKEN": f"d/{token(ATTEMPT.prefix)}"}
    with pytest.raises(Forbidden):
        bench.launcher.handle_event({**own, "prefix": "d/d__1/t/-1/2/"})


# ---- ECS


def ecs_client() -> Any:
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
    return boto3.client("ecs", region_name="us-east-1", **keys)


def refusing(code: str, message: str, **more: Any) -> EcsContainers:
    client = boto3.client(
        "ecs", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    stub = Stubber(client)
    stub.add_client_error("run_task", code, message, http_status_code=400, modeled_fields=more)
    stub.activate()
    return EcsContainers(lambda _: client)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("ThrottlingException", "Rate exceeded"),
        ("ClientException", "You've reached the limit on the number of vCPUs you can run"),
        ("InvalidParameterException", "Capacity is unavailable at this time"),
        ("ServerException", "Service Unavailable: capacity"),
    ],
)
def test_what_may_pass_is_told_from_what_will_not(code: str, message: str) -> None:
    with pytest.raises(Unavailable):
        refusing(code, message).start(started())
    with pytest.raises(OrchestratorError) as raised:
        refusing("InvalidParameterException", "Invalid image name").start(started())
    assert not isinstance(raised.value, Unavailable)


@pytest.mark.parametrize(
    ("status", "reason"), [("PENDING", None), ("STOPPED", "Task failed to start; not found")]
)
def test_a_token_that_is_in_use_leads_to_the_task_that_has_it(
    status: str, reason: str | None
) -> None:
    client = boto3.client(
        "ecs", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    stub = Stubber(client)
    stub.add_client_error(
        "run_task", "ConflictException", "in use", modeled_fields={"resourceIds": ["arn:1"]}
    )
    task = {
        "taskArn": "arn:1", "lastStatus": status, "stoppedReason": "Task failed to start",
        "containers": [{"name": "command", "reason": "not found"}],
    }  # fmt: skip
    stub.add_response("describe_tasks", {"tasks": [task]})
    stub.activate()
    assert EcsContainers(lambda _: client).start(started()) == StartedTask("arn:1", reason)


@pytest.fixture
def account() -> Iterator[Callable[[str], Any]]:
    with mock_aws():
        yield lambda service: boto3.client(service, region_name="eu-central-1")


def test_a_definition_is_registered_once_and_used_by_the_next_sandbox(
    account: Callable[[str], Any],
) -> None:
    wanted = definition(installed(), "alpine", SIZE)
    first = EcsContainers(account)
    first.define(wanted)
    first.define(wanted)
    EcsContainers(account).define(wanted)
    (arn,) = account("ecs").list_task_definitions()["taskDefinitionArns"]
    assert arn.endswith(f"{wanted['family']}:1")
    told = account("ecs").describe_task_definition(taskDefinition=wanted["family"])
    kept = told["taskDefinition"]
    assert {name: kept[name] for name in ("cpu", "memory", "networkMode", "taskRoleArn")} == {
        name: wanted[name] for name in ("cpu", "memory", "networkMode", "taskRoleArn")
    }
    for made, asked in zip(
        kept["containerDefinitions"], wanted["containerDefinitions"], strict=True
    ):
        assert {name: made[name] for name in asked} == asked


def test_a_task_is_started_in_the_cluster(account: Callable[[str], Any]) -> None:
    account("ecs").create_cluster(clusterName="orchestrator-prod")
    vpc = account("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    account("ec2").modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    subnet = account("ec2").create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    group = account("ec2").create_security_group(GroupName="g", Description="g", VpcId=vpc)
    places = {"FARGATE_SUBNETS": subnet, "FARGATE_SECURITY_GROUP": group["GroupId"]}
    containers = EcsContainers(account)
    containers.define(definition(installed(**places), "alpine", SIZE))
    request = {**started(**places), "cluster": "orchestrator-prod"}
    task = containers.start(request)
    (found,) = account("ecs").describe_tasks(cluster="orchestrator-prod", tasks=[task.arn])["tasks"]
    assert found["startedBy"] == request["startedBy"]


# ---- STS


def test_a_session_is_made_for_the_sidecars_role_and_limited_to_its_run(
    account: Callable[[str], Any],
) -> None:
    sessions = SidecarSessions(ROLE, "runs", lambda: account("sts"))
    assert set(sessions.environ(ATTEMPT, token(ATTEMPT.prefix))) == {
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
    }


def answer(arn: str) -> Callable[[str], str]:
    return lambda _: f"<GetCallerIdentityResult><Arn>{arn}</Arn></GetCallerIdentityResult>"


SIGNED = "https://sts.eu-central-1.amazonaws.com/?Action=GetCallerIdentity&X-Amz-Signature=1"
OF_A_SIDECAR = "arn:aws:sts::111122223333:assumed-role/orchestrator-prod-sidecar/name"


def test_a_sidecar_is_recognized_by_what_it_signs() -> None:
    assert SidecarSessions(ROLE, "runs", fetch=answer(OF_A_SIDECAR)).name_of(SIGNED) == "name"


@pytest.mark.parametrize(
    ("url", "arn"),
    [
        (SIGNED, OF_A_SIDECAR.replace("sidecar", "task")),
        (SIGNED, OF_A_SIDECAR.replace("1111", "9999")),
        (SIGNED, "arn:aws:iam::111122223333:user/ann"),
        (SIGNED.replace("https", "http"), OF_A_SIDECAR),
        (
            SIGNED.replace("sts.eu-central-1.amazonaws.com", "sts.amazonaws.com.evil.org"),
            OF_A_SIDECAR,
        ),
        (SIGNED.replace("sts.eu", "x@evil.org/sts.eu"), OF_A_SIDECAR),
        (SIGNED.replace("GetCallerIdentity", "AssumeRole"), OF_A_SIDECAR),
        (SIGNED + "&Action=AssumeRole", OF_A_SIDECAR),
    ],
)
def test_nobody_else_is_taken_for_a_sidecar(url: str, arn: str) -> None:
    with pytest.raises(Forbidden):
        SidecarSessions(ROLE, "runs", fetch=answer(arn)).name_of(url)
