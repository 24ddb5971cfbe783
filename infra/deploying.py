"""`deploy`: from any state to a working installation. Each step looks at what is there, so it may
be broken off anywhere and run again."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from chalicelib.local.deploy_command import STEP_OF_DEPLOY
from infra import (
    admin,
    bundle,
    cost,
    domain,
    finishing,
    functions,
    health,
    inventory,
    self_test,
    stack,
    zones,
)
from infra.aws import Aws
from infra.errors import InfraError
from infra.functions import FUNCTIONS
from infra.naming import PROJECT, Stage
from infra.policies import Installation, policies
from infra.project import Project
from infra.runtime import Runtime
from infra.stack import Say

TEMPLATE = Path(__file__).with_name("template.yaml")


def run_chalice(folder: Path, stage: Stage, environ: Mapping[str, str]) -> None:
    """`chalice deploy` of the stage as it is configured. Its output goes to ours."""
    # Last on the path: the project's own modules come first, wherever it lies.
    ours = "import sys; sys.path.append(sys.argv.pop(1)); from infra import chalice_command"
    command = [sys.executable, "-c", f"{ours}; chalice_command.main()", str(PROJECT)]
    arguments = [*command, "deploy", "--stage", stage.name]
    environ = {**environ, STEP_OF_DEPLOY: "1"}
    done = subprocess.run(arguments, cwd=folder, env=environ, check=False)
    if done.returncode:
        raise InfraError("`chalice deploy` failed; see above, then run the same command again")


@dataclass(frozen=True)
class Deployment:
    """One run of the command. `options` are template parameters; those left out, and a domain that
    is not chosen anew, stay as they are. The callables are the outside world."""

    aws: Aws
    stage: Stage
    options: Mapping[str, str]
    say: Say
    project: Project = field(default_factory=lambda: Project(PROJECT))
    chalice: Callable[[Path, Stage, Mapping[str, str]], None] = run_chalice
    fetch: health.Fetch = health.fetch
    domain: domain.Choice = domain.UNCHANGED


def deploy(deployment: Deployment) -> str:
    """Do all of it and return the API's URL. Raises InfraError."""
    say, stage, aws = deployment.say, deployment.stage, deployment.aws
    chosen = domain.choose(aws, stage, deployment.domain)
    there = stack.find(aws, stage.stack)
    Runtime.of({**(there.parameters or {}), **deployment.options})  # may refuse the choice
    if not there.status:
        for line in announcement(deployment):
            say(line)
    say(f"[1/8] stack {stage.stack} in {aws.place.account}, {aws.place.region}")
    outputs = stack.converge(
        aws,
        stage.stack,
        TEMPLATE.read_text(encoding="utf-8"),
        _parameters(deployment),
        say,
        lambda: zones.choose_zones(aws),
    )
    say("[2/8] .chalice/config.json and policies")
    write_files(deployment.project, stage, aws, outputs)
    say("[3/8] chalice deploy")
    bundle.prepare(deployment.project, Runtime.of(outputs), say)
    _run_chalice(deployment)
    say("[4/8] file system, settings of functions and API")
    api = _finish(deployment, outputs)
    say("[5/8] access")
    token = None if outputs["Auth"] == "iam" else _first_token(aws, stage, say)
    say("[6/8] health")
    url = inventory.api_url(aws, api)
    health.wait_until_healthy(aws, url, deployment.fetch, auth=outputs["Auth"], token=token)
    say("[7/8] self-test")
    say(f"  {self_test.run(aws, stage)}")
    say("[8/8] address")
    return _own_domain(deployment, chosen, api, outputs["Auth"], token) or url


def _finish(deployment: Deployment, outputs: Mapping[str, str]) -> str:
    """Do what Chalice has no setting for; the API's id."""
    aws, stage, say = deployment.aws, deployment.stage, deployment.say
    finishing.finish(aws, stage, outputs, say)
    found = inventory.take(aws, stage)
    for mapping in found.mappings:
        if mapping.function == "execute":
            finishing.leave_room(aws, mapping.uuid, say)
    api = _api(found)
    finishing.shape_refusals(aws, api, auth=outputs["Auth"])
    finishing.limit_requests(aws, api)
    finishing.let_alarms_act(aws, stage, acting=True)
    return api


def _own_domain(
    deployment: Deployment, chosen: Mapping[str, str], api: str, auth: str, token: str | None
) -> str:
    """The API's URL under its domain, "" without one. Comes last: all works without it, and a new
    name may be unknown for longer than anybody wants to wait."""
    aws, say = deployment.aws, deployment.say
    url = domain.converge(aws, deployment.stage, chosen, api, say)
    if not url:
        return ""
    try:
        health.wait_until_healthy(aws, url, deployment.fetch, auth=auth, token=token)
    except InfraError as error:
        say(f"  not yet: {str(error).splitlines()[0]}")
        say("  resolvers may take a quarter of an hour to know a new name; `status` asks again")
    return url


def announcement(deployment: Deployment) -> Iterator[str]:
    """What a first installation makes, what it costs, and how to be rid of it."""
    place, stage = deployment.aws.place, deployment.stage
    zones = 0 if deployment.options.get("Network") == "ipv6" else 1
    load = cost.Load(
        1_000_000,
        1.0,
        int(deployment.options.get("TaskMemory", 384)),
        zones=zones,
        architecture=Runtime.of(deployment.options).architecture,
    )
    yield (
        f"creating stage {stage.name} in account {place.account}, {place.region}: {len(FUNCTIONS)}"
        " functions and an API, a VPC with a file system, queues, buckets, alarms, backups"
    )
    yield (
        f"it costs about {cost.by_the_month(load):.2f} USD a month while nothing runs, and"
        f" {cost.by_the_task(load):.2f} for a million one-second tasks (list prices of us-east-1;"
        " `python -m infra cost`)"
    )
    yield f"`python -m infra down --stage {stage.name}` removes all of it"


def _run_chalice(deployment: Deployment) -> None:
    """Once more after a failure: what is new, a role or a permission, is not known everywhere at
    once, and Chalice does not try again by itself."""
    for is_last in (False, True):
        found = inventory.take(deployment.aws, deployment.stage)
        finishing.wait_until_settled(deployment.aws, found.functions)
        outputs = stack.outputs_of(deployment.aws, deployment.stage.stack)
        # Whatever Chalice's own file says: it may be of another time, or not there.
        known = inventory.deployed(found, deployment.stage, deployment.aws, outputs["DagsBucket"])
        deployment.project.write_deployed(deployment.stage, known)
        try:
            return deployment.chalice(
                deployment.project.folder, deployment.stage, deployment.aws.environ()
            )
        except InfraError:
            if is_last:
                raise
            deployment.say("  `chalice deploy` failed; once more, in case AWS was only slow")
            deployment.aws.sleep(RETRY_SECONDS)


RETRY_SECONDS = 15.0

FIRST_TOKEN = "first"  # noqa: S105 - its name


def _first_token(aws: Aws, stage: Stage, say: Say) -> str | None:
    """Made once, and shown at once: what comes after may fail."""
    token: str | None = admin.ask(aws, stage, "token first", name=FIRST_TOKEN)["token"]
    if token is None:
        say("  there are operators' tokens; `python -m infra token create` makes others")
    else:
        say(f"  access token of an operator, shown this once: {token}")
    return token


def write_files(project: Project, stage: Stage, aws: Aws, outputs: Mapping[str, str]) -> None:
    """What plain `chalice deploy` needs to know of the stage."""
    project.write_stage(stage, functions.stage_config(stage, outputs))
    project.write_policies(stage, policies(Installation(stage, aws.place, outputs)))


def _parameters(deployment: Deployment) -> dict[str, str]:
    given = {"Stage": deployment.stage.name, **deployment.options}
    if "RetentionDays" in given:
        # The scheduler removes a run's objects first; the bucket drops what it forgot.
        given["ObjectDays"] = str(int(given["RetentionDays"]) + 30)
    return given


def _api(found: inventory.Inventory) -> str:
    if not found.apis:
        raise InfraError("Chalice made no API; run the same command again")
    return found.apis[0]
