"""The command line and the question whether the installation answers."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping

import boto3
import pytest

from infra.__main__ import main, parser
from infra.aws import Aws
from infra.commands.deploy_options import OPTIONS, domain_choice
from infra.commands.health import ATTEMPTS, Response, check, wait_until_healthy
from infra.errors import InfraError
from infra.names import PROJECT, Location
from infra.resources import domain
from infra.resources.stack import TEMPLATE
from tests.unit.infra.fakes import FakeCloudFormation, aws_with

AWS = aws_with(FakeCloudFormation())


def test_cost_prints_a_table_without_an_account(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cost", "--tasks", "1000", "--seconds", "2", "--memory", "512"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("1,000 tasks of 2 s in 512 MB, one month, us-east-1\n")
    assert re.search(r"^total +\d+\.\d\d$", printed, re.MULTILINE)


@pytest.mark.parametrize("value", ["0", "-1", "many"])
def test_a_number_that_makes_no_sense_is_refused(
    value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["cost", "--tasks", value])
    assert "--tasks" in capsys.readouterr().err


def test_without_a_command_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 0
    assert "restore" in capsys.readouterr().out


def test_an_error_is_one_line_without_a_trace(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["deploy", "--stage", "My Stage"]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("error: --stage 'My Stage': use at most 16")
    assert shown.err.count("\n") == 1


def test_every_option_of_deploy_sets_a_parameter_of_the_template() -> None:
    given = vars(parser().parse_args(["deploy", "--stage", "x"]))
    text = TEMPLATE.read_text(encoding="utf-8")
    for parameter, option in OPTIONS.items():
        assert given[option] is None
        assert f"\n  {parameter}:\n    Type:" in text


def test_every_choice_of_a_domain_is_an_option_of_deploy() -> None:
    words = [word for option in domain.OPTIONS.values() for word in (option, "x")]
    given = parser().parse_args(["deploy", "--stage", "x", *words])
    assert domain_choice(given).parameters == dict.fromkeys(domain.OPTIONS, "x")
    assert domain_choice(parser().parse_args(["deploy", "--stage", "x"])) == domain.UNCHANGED
    assert domain_choice(parser().parse_args(["deploy", "--stage", "x", "--no-domain"])).removes


README = (PROJECT / "infra" / "README.md").read_text(encoding="utf-8")


def test_every_command_is_in_the_readme() -> None:
    (commands,) = [a for a in parser()._actions if isinstance(a, argparse._SubParsersAction)]
    assert [name for name in commands.choices if f"`python -m infra {name}" not in README] == []


def readme_commands() -> list[str]:
    found = re.findall(r"`python -m infra ([^`]+)`", README)
    return sorted({command for command in found if "--help" not in command})


@pytest.mark.parametrize("command", readme_commands())
def test_every_command_in_the_readme_can_be_typed(command: str) -> None:
    for shown, typed in (("[NAME]", "x"), ("NAME", "x"), (r"\|operator", ""), ("STAGE", "prod")):
        command = command.replace(shown, typed)
    words = ["384" if word in ("N", "S", "M") else word for word in command.split()]
    if "--stage" not in words and words[0] != "cost":
        words += ["--stage", "prod"]  # where the text speaks of the command as such
    if words[:2] == ["token", "create"] and "--role" not in words:
        words += ["x", "--role", "viewer"]
    assert parser().parse_args(words).run


def test_a_profile_that_was_named_wins_over_keys_in_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "other")
    place = Location("aws", "eu-west-1", "111122223333")
    assert Aws(place, None).environ()["AWS_ACCESS_KEY_ID"] == "other"
    environ = Aws(place, None, profile="mine").environ()
    assert (environ["AWS_PROFILE"], environ["AWS_DEFAULT_REGION"]) == ("mine", "eu-west-1")
    assert "AWS_ACCESS_KEY_ID" not in environ


def test_health_is_asked_until_it_is_good() -> None:
    answers = [Response(0, "no such host"), Response(403, "{}"), Response(200, '{"status": "ok"}')]
    report = wait_until_healthy(AWS, "https://x/api/", lambda *_: answers.pop(0))
    assert report == {"status": "ok"}
    assert answers == []


def test_health_is_asked_with_the_token_or_with_a_signature() -> None:
    asked: list[Mapping[str, str]] = []

    def ask(url: str, headers: Mapping[str, str]) -> Response:
        asked.append(headers)
        return Response(200, "{}")

    check(AWS, "https://x/api/", ask, auth="token", token="orch_secret")
    keys = boto3.Session("AKIDEXAMPLE", "secret", region_name="eu-central-1")
    aws = Aws(Location("aws", "eu-central-1", "111122223333"), keys)
    check(aws, "https://x/api/", ask, auth="iam")
    assert asked[0] == {"Authorization": "Bearer orch_secret"}
    assert re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/\d{8}/eu-central-1/execute-api/.*",
        asked[1]["Authorization"],
    )


def test_an_installation_that_never_answers_is_an_error_with_its_last_words() -> None:
    asked: list[str] = []

    def ask(url: str, headers: Mapping[str, str]) -> Response:
        asked.append(url)
        assert headers == {}
        return Response(502, "Internal server error")

    with pytest.raises(InfraError, match=r"502: Internal server error(.|\n)*chalice logs"):
        wait_until_healthy(AWS, "https://x/api/", ask)
    assert asked == ["https://x/api/api/health"] * ATTEMPTS
