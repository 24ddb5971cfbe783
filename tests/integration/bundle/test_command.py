"""`python -m infra` with the functions that it talks to: `admin` and the API are those of the
bundle, each in its own process, and nothing of their answers is made up."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping

import pytest

from infra.__main__ import main
from infra.commands.deploy import Deployment, deploy
from infra.commands.health import Response
from infra.names import API_STAGE, Stage
from tests.integration.bundle.event_sources import EventSources, Lambda
from tests.integration.bundle.installation import STAGE, Installation

Type = Callable[[str], str]


@pytest.fixture(scope="module")
def own_sources(installed: Installation, functions: Lambda) -> Iterator[EventSources]:
    """The API, the clock and the queues: `deploy` sends a task through all of it."""
    own = Stage(STAGE)
    installed.account.unserved.function = lambda name, command: functions.invoke(
        name.removeprefix(f"{own.stack}-"), command
    )
    sources = EventSources(installed, functions)
    sources.start()
    yield sources
    sources.stop()


@pytest.fixture
def type_in(
    installed: Installation,
    own_sources: EventSources,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Type:
    """What a command line prints."""
    monkeypatch.setattr("infra.__main__.connect", lambda *_: installed.account.aws)

    def typed(line: str) -> str:
        assert main([*line.split(), "--stage", STAGE]) == 0, capsys.readouterr().err
        return capsys.readouterr().out

    return typed


def deploy_again(installed: Installation, sources: EventSources) -> tuple[list[str], list[int]]:
    """Deploy again without Chalice's part, which would give the events back to moto. Returns the
    output and what `/api/health` answered."""
    said: list[str] = []
    answered: list[int] = []

    def fetch(url: str, headers: Mapping[str, str]) -> Response:
        path = url.partition(f".com/{API_STAGE}")[2]
        token = headers.get("Authorization", "").removeprefix("Bearer ")
        reply = sources.ask("GET", path, token)
        answered.append(reply.status)
        return Response(reply.status, json.dumps(reply.json))

    account = installed.account
    deployment = Deployment(
        account.aws, Stage(STAGE), {}, said.append, account.project, lambda *_: None, fetch
    )
    deploy(deployment)
    return said, answered


def test_the_first_deploy_shows_a_token_that_works_and_the_next_one_shows_none(
    installed: Installation, own_sources: EventSources, type_in: Type
) -> None:
    said, answered = deploy_again(installed, own_sources)
    (token,) = [found[1] for line in said if (found := re.search(r"once\): (orch_.*)", line))]
    assert answered[-1] == 200
    assert own_sources.ask("GET", "/api/dags", token).status == 200
    assert own_sources.ask("POST", "/api/dags/none/run", token).status == 404  # an operator's

    said, answered = deploy_again(installed, own_sources)
    assert "once" not in " ".join(said)
    assert answered[-1] == 200
    assert [line.split()[:2] for line in type_in("token list").splitlines()[1:]] == [
        ["first", "operator"]
    ]


def test_a_token_is_made_used_listed_and_withdrawn(
    own_sources: EventSources, type_in: Type
) -> None:
    token = type_in("token create ci --role viewer").split()[-1]
    assert own_sources.ask("GET", "/api/dags", token).status == 200
    assert own_sources.ask("POST", "/api/dags/none/run", token).status == 403
    (line,) = [line for line in type_in("token list").splitlines() if line.startswith("ci ")]
    assert line.split()[1] == "viewer"
    assert line.split()[3] != "-"  # its last use
    assert type_in("token revoke ci") == "revoked: ci\n"
    assert own_sources.ask("GET", "/api/dags", token).status == 401


def test_a_token_comes_with_a_link_that_signs_a_browser_in(type_in: Type) -> None:
    shown, link = type_in("token create anna --role operator --open").splitlines()
    token = shown.split()[-1]
    assert re.fullmatch(rf"sign in: https://\w+\.execute-api\.\S+/v1/#/signin\?token={token}", link)


def test_a_backup_is_made_and_listed(type_in: Type) -> None:
    name = type_in("backup").splitlines()[1].split()[0]
    assert name in type_in("backups")
