"""Secrets, topics and the role of commands, on AWS as moto plays it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from chalicelib.aws.clients import forget_clients
from chalicelib.aws.credentials import SESSION_SECONDS, RoleCredentials
from chalicelib.aws.notifications import SnsNotifier, subject_line
from chalicelib.aws.secrets import AwsSecrets
from chalicelib.errors import InvalidRequest, NotFound, OrchestratorError
from tests.integration.executor.bench_of_one import Bench, utc_now
from tests.support.fakes import FakeClock

REGION = "us-east-1"
ROLE = "arn:aws:iam::123456789012:role/tasks"


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    forget_clients()
    with mock_aws():
        yield
    forget_clients()


class CountingSts:
    """STS, counting what it is asked for; sessions begin at the moment of `clock`."""

    def __init__(self, clock: FakeClock) -> None:
        self.calls = 0
        self.clock = clock
        self.meta = boto3.client("sts").meta

    def assume_role(self, **wanted: Any) -> dict[str, Any]:
        self.calls += 1
        answer: dict[str, Any] = boto3.client("sts").assume_role(**wanted)
        lasts = timedelta(seconds=wanted["DurationSeconds"])
        answer["Credentials"]["Expiration"] = self.clock() + lasts
        return answer


def refusal(reference: str, secrets: AwsSecrets | None = None) -> OrchestratorError:
    with pytest.raises(OrchestratorError) as caught:
        (secrets or AwsSecrets()).get(reference)
    return caught.value


def keep(name: str, secret: str) -> None:
    boto3.client("secretsmanager").create_secret(Name=name, SecretString=secret)


def test_a_parameter_is_fetched_decrypted() -> None:
    boto3.client("ssm").put_parameter(Name="/a/b", Value="hunter2", Type="SecureString")
    assert AwsSecrets().get("ssm:/a/b") == "hunter2"


def test_a_parameter_that_is_missing_is_named() -> None:
    error = refusal("ssm:/gone")
    assert "parameter `/gone`: GetParameter answered ParameterNotFound" in str(error)


def test_a_secret_is_fetched_whole_or_by_key() -> None:
    text = json.dumps({"password": "hunter2", "port": 5432})
    keep("db", text)
    assert AwsSecrets().get("secretsmanager:db") == text
    assert AwsSecrets().get("secretsmanager:db#password") == "hunter2"
    assert AwsSecrets().get("secretsmanager:db#port") == "5432"


def test_a_secret_is_found_by_its_arn() -> None:
    keep("db", "hunter2")
    arn = boto3.client("secretsmanager").describe_secret(SecretId="db")["ARN"]
    assert AwsSecrets().get(f"secretsmanager:{arn}") == "hunter2"


def test_what_is_wrong_with_a_secret_is_said_without_it() -> None:
    keep("db", '{"password": "hunter2"}')
    keep("plain", "hunter2")
    boto3.client("secretsmanager").create_secret(Name="binary", SecretBinary=b"hunter2")
    errors = {
        "secretsmanager:db#user": "secret `db` has no key `user`",
        "secretsmanager:plain#user": "secret `plain` is not a JSON object",
        "secretsmanager:binary": "secret `binary` is binary",
        "secretsmanager:gone": "secret `gone`: GetSecretValue answered ResourceNotFoundException",
    }
    for reference, words in errors.items():
        error = refusal(reference)
        assert words in str(error)
        assert "hunter2" not in str(error)
        assert "hunter2" not in repr(error.__cause__)
        assert "hunter2" not in repr(error.__context__)


def test_a_variable_of_the_executor_is_a_secret_unless_it_is_the_executors_own() -> None:
    secrets = AwsSecrets(environ={"DB": "hunter2", "AWS_SECRET_ACCESS_KEY": "x"})
    assert secrets.get("env:DB") == "hunter2"
    assert isinstance(refusal("env:GONE", secrets), NotFound)
    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_GONE", "ORCHESTRATOR_DATABASE"):
        error = refusal(f"env:{name}", secrets)
        assert isinstance(error, InvalidRequest)
        assert "are not handed out" in str(error)


@pytest.mark.parametrize("reference", ["", "ssm", "ssm:", "vault:/x", "env:", "secretsmanager:#k"])
def test_what_is_no_reference_is_refused(reference: str) -> None:
    assert isinstance(refusal(reference), InvalidRequest)


def test_a_command_gets_a_secret_from_parameter_store() -> None:
    boto3.client("ssm").put_parameter(Name="/pw", Value="hunter2", Type="SecureString")
    bench = Bench(secrets=AwsSecrets())
    assert bench.run("test $PW = hunter2; echo $? $PW", secrets={"PW": "ssm:/pw"}).reason == ""
    assert bench.output() == ["0 ***"]


def subscribed(region: str) -> tuple[str, Any]:
    """A topic and a queue that hears it."""
    topic = str(boto3.client("sns", region).create_topic(Name="alarms")["TopicArn"])
    sqs = boto3.client("sqs", region)
    queue = sqs.create_queue(QueueName="heard")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    endpoint = arn["QueueArn"]
    boto3.client("sns", region).subscribe(TopicArn=topic, Protocol="sqs", Endpoint=endpoint)
    return topic, lambda: json.loads(sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"])


@pytest.mark.parametrize("region", [REGION, "eu-central-1"])
def test_a_topic_of_any_region_is_told(region: str) -> None:
    topic, heard = subscribed(region)
    SnsNotifier().publish(topic, "é failed\nagain", "body é")
    message = heard()
    assert (message["Subject"], message["Message"]) == ("DAG ? failed again", "body é")


def test_a_topic_that_is_missing_or_none_is_named() -> None:
    topic, _ = subscribed(REGION)
    with pytest.raises(OrchestratorError, match="alarms-gone`: Publish answered NotFound"):
        SnsNotifier().publish(f"{topic}-gone", "s", "b")
    with pytest.raises(InvalidRequest, match="`alarms` is not the ARN of an SNS topic"):
        SnsNotifier().publish("alarms", "s", "b")


@given(st.text(max_size=300))
def test_any_subject_becomes_one_that_sns_takes(text: str) -> None:
    line = subject_line(text)
    assert 0 < len(line) <= 100
    assert line.isascii()
    assert line.isprintable()
    assert line[0].isalnum()


def test_a_good_subject_stays_as_it_is() -> None:
    assert subject_line("nightly: run 7 failed (2 tasks)") == "nightly: run 7 failed (2 tasks)"


def test_the_role_is_assumed_and_its_variables_given() -> None:
    environ = RoleCredentials(ROLE).environ(60.0)
    assert set(environ) == {
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
    }
    as_role = boto3.client(
        "sts",
        aws_access_key_id=environ["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environ["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=environ["AWS_SESSION_TOKEN"],
    )
    assert "assumed-role/tasks/" in as_role.get_caller_identity()["Arn"]


def test_a_session_is_used_again_until_five_minutes_before_its_end() -> None:
    clock = FakeClock(utc_now())
    sts = CountingSts(clock)
    credentials = RoleCredentials(ROLE, clock, lambda: sts)
    first = credentials.environ(10.0)
    clock.advance(SESSION_SECONDS - 301)
    assert credentials.environ(10.0) is first
    clock.advance(2)
    assert credentials.environ(10.0) is not first
    assert sts.calls == 2


def test_a_session_lasts_as_long_as_the_command_may_run() -> None:
    clock = FakeClock(utc_now())
    sts = CountingSts(clock)
    credentials = RoleCredentials(ROLE, clock, lambda: sts)
    credentials.environ(800.0)
    clock.advance(SESSION_SECONDS - 700)
    credentials.environ(800.0)
    assert sts.calls == 2
    credentials.environ(float("inf"))
    assert sts.calls == 2


def test_a_role_that_is_none_or_refused_is_named() -> None:
    with pytest.raises(InvalidRequest, match="role `x`"):
        RoleCredentials("x").environ(60.0)

    class Refusing:
        meta = None

        def assume_role(self, **_: Any) -> Any:
            raise ClientError({"Error": {"Code": "AccessDenied"}}, "AssumeRole")

    with pytest.raises(OrchestratorError, match="AssumeRole answered AccessDenied"):
        RoleCredentials(ROLE, get_client=Refusing).environ(60.0)


def test_a_command_acts_as_the_role() -> None:
    bench = Bench(credentials=RoleCredentials(ROLE))
    bench.run('echo "${#AWS_SESSION_TOKEN} $AWS_SECRET_ACCESS_KEY $AWS_REGION"')
    [line] = bench.output()
    assert line.split()[1:] == ["***", REGION]
    assert int(line.split()[0]) > 100
