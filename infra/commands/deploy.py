"""`deploy`: from any state to a working installation.

Every step looks at what exists, so the command may be interrupted anywhere and run again.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from chalicelib.config import PREFIX
from chalicelib.local.deploy_command import STEP_OF_DEPLOY
from infra import cost, functions, layers
from infra.aws import Aws
from infra.bundle import build
from infra.bundle.project import Project
from infra.commands import admin_function, health, self_test
from infra.errors import InfraError
from infra.functions import CLAIMS_ON_S3_UNTIL, FUNCTIONS, PAGE_URL, WORKER_QUEUES
from infra.names import PROJECT, Stage
from infra.output import Say
from infra.policies import Installation, policies
from infra.resources import (
    alarms,
    claims,
    concurrency,
    domain,
    function_settings,
    gateway_responses,
    inventory,
    place_stacks,
    stack,
    throttling,
    worker_queues,
    zones,
)
from infra.resources.stack import TEMPLATE
from infra.runtime import Runtime

RETRY_SECONDS = 15.0

FIRST_TOKEN = "first"  # noqa: S105 - its name


def run_chalice(folder: Path, stage: Stage, environ: Mapping[str, str]) -> None:
    """Run `chalice deploy` for the stage and show its output. Raises InfraError if it fails."""
    # Appended to the path, so that the modules of the project in `folder` take precedence.
    code = "import sys; sys.path.append(sys.argv.pop(1)); from infra.bundle import chalice_command"
    command = [sys.executable, "-c", f"{code}; chalice_command.main()", str(PROJECT)]
    arguments = [*command, "deploy", "--stage", stage.name]
    environ = {**environ, STEP_OF_DEPLOY: "1"}
    completed = subprocess.run(arguments, cwd=folder, env=environ, check=False)
    if completed.returncode:
        raise InfraError("`chalice deploy` failed; see above, then run the same command again")


@dataclass(frozen=True)
class Deployment:
    """One run of `deploy`. `options` are template parameters; those left out stay unchanged, and so
    does the domain. The callables are replaced in tests."""

    aws: Aws
    stage: Stage
    options: Mapping[str, str]
    say: Say
    project: Project = field(default_factory=lambda: Project(PROJECT))
    chalice: Callable[[Path, Stage, Mapping[str, str]], None] = run_chalice
    fetch: health.Fetch = health.fetch
    domain: domain.Choice = domain.UNCHANGED
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


def deploy(deployment: Deployment) -> str:
    """Install or update the stage. Returns the API's URL. Raises InfraError."""
    say, stage, aws = deployment.say, deployment.stage, deployment.aws
    domain_parameters = domain.choose(aws, stage, deployment.domain)
    existing = stack.describe(aws, stage.stack)
    # Reject what cannot work before anything changes.
    chosen = {**(existing.parameters or {}), **deployment.options}
    Runtime.of(chosen)
    functions.check_memory(chosen)
    layers.check(aws, chosen)
    if not existing.status:
        for line in announcement(deployment):
            say(line)
    say(f"[1/8] stack {stage.stack} in account {aws.location.account}, {aws.location.region}")
    outputs = _converge_stack(deployment)
    outputs = {**outputs, **place_stacks.converge(aws, stage, outputs, say)}
    say("[2/8] Chalice configuration and policies")
    outputs = {**outputs, CLAIMS_ON_S3_UNTIL: claims.on_s3_until(aws, stage, deployment.now())}
    outputs = {**outputs, WORKER_QUEUES: ",".join(worker_queues.names(aws, stage))}
    outputs = {**outputs, PAGE_URL: _page_url(aws, stage)}
    write_files(deployment.project, stage, aws, outputs)
    say("[3/8] chalice deploy")
    build.prepare(deployment.project, Runtime.of(outputs), say)
    _run_chalice(deployment)
    say("[4/8] settings of the functions and the API")
    api = _apply_settings(deployment, outputs)
    place_stacks.prune(aws, stage, outputs, say)
    say("[5/8] access token")
    token = None if outputs["Auth"] == "iam" else _first_token(aws, stage, say)
    say("[6/8] health check")
    url = inventory.api_url(aws, api)
    health.wait_until_healthy(aws, url, deployment.fetch, auth=outputs["Auth"], token=token)
    say("[7/8] self-test")
    say(f"  {self_test.run(aws, stage)}")
    say("[8/8] domain")
    url = _converge_domain(deployment, domain_parameters, api, outputs["Auth"], token) or url
    if url != outputs[PAGE_URL]:
        _set_page_url(aws, stage, url)
    return url


def _page_url(aws: Aws, stage: Stage) -> str:
    """Return the address of the page as it is now, empty before the first deployment."""
    apis = inventory.take(aws, stage).apis
    return domain.url(aws, stage) or (inventory.api_url(aws, apis[0]) if apis else "")


def _set_page_url(aws: Aws, stage: Stage, url: str) -> None:
    """Tell the functions that write notifications where the page is. The next deployment knows it
    from the beginning."""
    for function in FUNCTIONS:
        if function.has_database:
            name = stage.function(function.name)
            variables = {f"{PREFIX}PAGE_URL": url}
            function_settings.change_environment(aws, name, variables, lambda _: None)


def announcement(deployment: Deployment) -> Iterator[str]:
    """Yields what a first installation creates, what it costs, and how to remove it."""
    location, stage = deployment.aws.location, deployment.stage
    load = cost.Load(
        1_000_000,
        1.0,
        int(deployment.options.get("TaskMemory", 384)),
        zones=0 if deployment.options.get("Network") == "ipv6" else 1,
        architecture=Runtime.of(deployment.options).architecture,
    )
    yield (
        f"creating stage {stage.name} in account {location.account}, {location.region}:"
        f" {len(FUNCTIONS)} functions, an API, a VPC with a file system, queues, buckets, alarms"
        " and backups"
    )
    yield (
        f"cost: about {cost.fixed_usd(load):.2f} USD a month when idle, plus"
        f" {cost.tasks_usd(load):.2f} per million one-second tasks (us-east-1 list prices;"
        " see `python -m infra cost`)"
    )
    yield f"to remove all of it: `python -m infra down --stage {stage.name}`"


def write_files(project: Project, stage: Stage, aws: Aws, outputs: Mapping[str, str]) -> None:
    """Write Chalice's configuration of the stage and the policies it refers to."""
    project.write_stage(stage, functions.stage_config(stage, outputs))
    project.write_policies(stage, policies(Installation(stage, aws.location, outputs)))


def _converge_stack(deployment: Deployment) -> Mapping[str, str]:
    aws = deployment.aws
    template = TEMPLATE.read_text(encoding="utf-8")
    parameters = {"Stage": deployment.stage.name, **deployment.options}
    if "RetentionDays" in parameters:
        # The scheduler deletes a run's objects first; the bucket's lifecycle rule is the fallback.
        parameters["ObjectDays"] = str(int(parameters["RetentionDays"]) + 30)
    return stack.converge(
        aws,
        deployment.stage.stack,
        template,
        parameters,
        deployment.say,
        lambda: zones.choose_zones(aws),
    )


def _run_chalice(deployment: Deployment) -> None:
    """Run `chalice deploy`, and once more if it fails: Chalice does not retry when AWS has not yet
    propagated a new role or permission."""
    for is_last in (False, True):
        deployed = inventory.take(deployment.aws, deployment.stage)
        function_settings.wait_for_updates(deployment.aws, deployed.functions)
        outputs = stack.outputs_of(deployment.aws, deployment.stage.stack)
        # Chalice's own record may be outdated or missing.
        record = inventory.chalice_record(
            deployed, deployment.stage, deployment.aws, outputs["DagsBucket"]
        )
        deployment.project.write_deployed(deployment.stage, record)
        try:
            return deployment.chalice(
                deployment.project.folder, deployment.stage, deployment.aws.environ()
            )
        except InfraError:
            if is_last:
                raise
            deployment.say("  `chalice deploy` failed; trying once more, in case AWS was slow")
            deployment.aws.sleep(RETRY_SECONDS)


def _apply_settings(deployment: Deployment, outputs: Mapping[str, str]) -> str:
    """Apply what Chalice has no settings for. Returns the API's id."""
    aws, stage, say = deployment.aws, deployment.stage, deployment.say
    function_settings.apply_settings(aws, stage, outputs, say)
    deployed = inventory.take(aws, stage)
    concurrency.limit_all(aws, deployed.mappings, say)
    if not deployed.apis:
        raise InfraError("Chalice created no API; run the same command again")
    api = deployed.apis[0]
    gateway_responses.set_gateway_responses(aws, api, auth=outputs["Auth"])
    throttling.throttle(aws, api)
    alarms.enable_alarm_actions(aws, stage)
    return api


def _first_token(aws: Aws, stage: Stage, say: Say) -> str | None:
    """Create the first operator token and print it at once, in case a later step fails. Returns
    None if there are operator tokens already."""
    reply = admin_function.invoke(aws, stage, "token first", name=FIRST_TOKEN)
    token: str | None = reply["token"]
    if token is None:
        say("  operator tokens exist; `python -m infra token create` adds another")
    else:
        say(f"  operator access token (shown only once): {token}")
    return token


def _converge_domain(
    deployment: Deployment, parameters: Mapping[str, str], api: str, auth: str, token: str | None
) -> str:
    """Set up, keep or remove the domain. Returns the API's URL under it, "" without one.

    This is the last step: everything else works without it, and DNS may take longer to publish a
    new name than anyone wants to wait.
    """
    aws, say = deployment.aws, deployment.say
    url = domain.converge(aws, deployment.stage, parameters, api, say)
    if not url:
        return ""
    try:
        health.wait_until_healthy(aws, url, deployment.fetch, auth=auth, token=token)
    except InfraError as error:
        say(f"  not reachable yet: {str(error).splitlines()[0]}")
        say("  DNS may take 15 minutes to publish a new name; check with `status`")
    return url
