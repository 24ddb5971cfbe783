"""Secrets and the role's credentials reach the command, and nothing else that can be read."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from tempfile import NamedTemporaryFile

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.errors import NotFound, Unavailable
from tests.integration.executor.bench_of_one import Bench

ROLE = {
    "AWS_ACCESS_KEY_ID": "ASIAROLE",
    "AWS_SECRET_ACCESS_KEY": "role-secret-key",
    "AWS_SESSION_TOKEN": "role-session-token",
    "AWS_REGION": "eu-central-1",
}
PATH = os.environ["PATH"]


class FakeSecrets:
    """Counts what it is asked for."""

    def __init__(self, **by_name: str) -> None:
        self.by_name = by_name
        self.asked: list[str] = []

    def get(self, reference: str) -> str:
        self.asked.append(reference)
        name = reference.removeprefix("ssm:/")
        if name not in self.by_name:
            raise NotFound(f"parameter `/{name}`: ParameterNotFound")
        return self.by_name[name]


class FakeCredentials:
    def __init__(self) -> None:
        self.asked: list[float] = []

    def environ(self, seconds: float) -> Mapping[str, str]:
        self.asked.append(seconds)
        return ROLE


class NoRole:
    def environ(self, seconds: float) -> Mapping[str, str]:
        raise Unavailable("role `r`: AssumeRole answered AccessDenied")


def test_a_secret_is_in_the_environment_and_hidden_in_the_log() -> None:
    bench = Bench(secrets=FakeSecrets(pw="hunter2"))
    result = bench.run('echo "${#PW} $PW"; echo "$PW" >&2', secrets={"PW": "ssm:/pw"})
    assert result.outcome == "success"
    assert bench.output() == ["7 ***", "***"]


def test_a_secret_wins_over_a_variable_of_that_name() -> None:
    bench = Bench(secrets=FakeSecrets(pw="hunter2"))
    bench.run("echo ${#PW}", secrets={"PW": "ssm:/pw"}, env={"PW": "x"})
    assert bench.output() == ["7"]


def test_a_secret_in_an_output_is_hidden_before_it_is_reported() -> None:
    bench = Bench(secrets=FakeSecrets(pw="hunter2"))
    command = 'printf \'a=x-%s\\nb=["%s"]\\n\' "$PW" "$PW" > "$DAG_OUTPUT"'
    result = bench.run(command, secrets={"PW": "ssm:/pw"}, outputs=["a", "b"])
    assert result.outputs == {"a": "x-***", "b": '["***"]'}


def test_a_secret_in_a_reason_is_hidden() -> None:
    bench = Bench(secrets=FakeSecrets(pw="hunter2"))
    result = bench.run('echo "$PW=1" > "$DAG_OUTPUT"', secrets={"PW": "ssm:/pw"})
    assert result.reason.startswith("the command wrote `***` to $DAG_OUTPUT")
    assert "hunter2" not in bench.log()


def test_when_has_the_secrets_too_and_they_are_hidden_in_what_it_says() -> None:
    bench = Bench(secrets=FakeSecrets(pw="hunter2"))
    bench.run("true", when='echo "$PW"', secrets={"PW": "ssm:/pw"})
    assert bench.output() == ["***"]


def test_a_secret_written_in_two_halves_is_hidden() -> None:
    bench = Bench(secrets=FakeSecrets(pw="hunter2"))
    bench.run('printf "%s" "${PW:0:3}"; sleep 0.2; echo "${PW:3}"', secrets={"PW": "ssm:/pw"})
    assert bench.output() == ["***"]


def test_a_secret_that_cannot_be_fetched_fails_the_attempt_and_names_it() -> None:
    bench = Bench(secrets=FakeSecrets())
    result = bench.run("echo never", secrets={"PW": "ssm:/gone"})
    assert (result.outcome, result.exit_code) == ("failed", None)
    assert result.reason == (
        "the secret PW (`ssm:/gone`) could not be fetched: parameter `/gone`: ParameterNotFound"
    )
    assert bench.output() == [result.reason]


def test_an_executor_without_secrets_says_so() -> None:
    result = Bench().run("echo never", secrets={"PW": "ssm:/pw"})
    assert result.outcome == "failed"
    assert result.reason.endswith("this executor has no access to secrets")


def test_a_secret_that_no_variable_can_hold_fails_the_attempt_without_showing_it() -> None:
    for value in ("hun\0ter2", "hun\ud800ter2"):
        result = Bench(secrets=FakeSecrets(pw=value)).run("true", secrets={"PW": "ssm:/pw"})
        assert result.outcome == "failed"
        assert result.reason.endswith("it is not text that an environment variable can hold")


def test_one_reference_is_fetched_once_and_none_without_need() -> None:
    secrets = FakeSecrets(pw="hunter2")
    bench = Bench(secrets=secrets)
    bench.run("true")
    assert secrets.asked == []
    bench.run("test $A = $B", secrets={"A": "ssm:/pw", "B": "ssm:/pw"})
    assert secrets.asked == ["ssm:/pw"]


def test_a_secret_is_in_no_message_and_no_object() -> None:
    bench = Bench(secrets=FakeSecrets(pw="hunter2"))
    command = 'echo "a $PW"; echo "$PW" > "$DAG_OUTPUT"; exit 1'
    bench.run(command, secrets={"PW": "ssm:/pw"})
    everything = [*bench.results.bodies(), *map(bytes.decode, bench.runs.objects.values())]
    assert len(everything) == 3
    assert "hunter2" not in "".join(everything)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\0*"), min_size=3, max_size=40
    ).filter(lambda text: len(text.strip()) >= 3)
)
def test_any_secret_reaches_the_command_and_is_hidden_in_all_that_it_says(secret: str) -> None:
    bench = Bench(secrets=FakeSecrets(s=secret))
    command = """
        printf '%s' "$S" | od -An -v -tx1 | tr -d ' \\n' > "$PLACE"
        printf '<%s>' "$S"; printf 'out<<E-O-F\\n<%s>\\nE-O-F\\n' "$S" > "$DAG_OUTPUT"
    """
    with NamedTemporaryFile() as place:
        env = {"PLACE": place.name}
        result = bench.run(command, secrets={"S": "ssm:/s"}, outputs=["out"], env=env)
        assert bytes.fromhex(place.read().decode()) == secret.encode()
    assert result.outcome == "success"
    assert secret.strip() not in json.dumps(result.outputs, ensure_ascii=False)
    assert secret.strip() not in bench.log()


def test_commands_act_as_the_task_role_and_its_secrets_are_hidden() -> None:
    credentials = FakeCredentials()
    bench = Bench({"PATH": PATH, "AWS_REGION": "us-east-1"}, credentials=credentials)
    bench.run("env | grep AWS_ | sort", timeout=700.0)
    assert bench.output() == [
        "AWS_ACCESS_KEY_ID=ASIAROLE",
        "AWS_REGION=eu-central-1",
        "AWS_SECRET_ACCESS_KEY=***",
        "AWS_SESSION_TOKEN=***",
    ]
    assert credentials.asked == [700.0]


def test_who_brings_credentials_of_his_own_gets_nothing_of_the_roles() -> None:
    own = {"AWS_ACCESS_KEY_ID": "mine", "AWS_SECRET_ACCESS_KEY": "my key"}
    bench = Bench(credentials=FakeCredentials())
    bench.run("env | grep AWS_ | sort", env=own)
    assert bench.output() == ["AWS_ACCESS_KEY_ID=mine", "AWS_SECRET_ACCESS_KEY=my key"]


def test_a_role_that_cannot_be_assumed_fails_the_attempt() -> None:
    result = Bench(credentials=NoRole()).run("echo never")
    assert result.outcome == "failed"
    assert result.reason == (
        "the role of commands could not be assumed: role `r`: AssumeRole answered AccessDenied"
    )


def test_without_a_role_commands_have_no_credentials() -> None:
    bench = Bench()
    bench.run("env | grep -c AWS_")
    assert bench.output() == ["0"]
