"""The options of `deploy`, and the stack's parameters that they set."""

from __future__ import annotations

import argparse

from chalicelib.config import memory_sizes
from chalicelib.enums import AuthMode
from chalicelib.local import python_versions
from infra.commands.numbers import positive
from infra.errors import InfraError
from infra.layers import NONE as NO_LAYERS
from infra.resources import domain
from infra.runtime import MACHINES

OPTIONS = {
    "Network": "network",
    "EndpointZones": "endpoint_zones",
    "AlarmEmail": "alarm_email",
    "LogRetentionDays": "log_retention_days",
    "RetentionDays": "retention_days",
    "TaskMemory": "task_memory",
    "TaskLayers": "task_layers",
    "FargateDisk": "fargate_disk",
    "Auth": "auth",
    "EmailFrom": "email_from",
    "Python": "python",
    "Architecture": "architecture",
}
"""Stack parameters and the options of `deploy` that set them."""

SWITCHES = {"Fargate": "fargate", "FargateSpot": "fargate_spot", "Editor": "editor"}
"""The same for parameters that are yes or no."""


def add(command: argparse.ArgumentParser) -> None:
    """Add the options of `deploy` to its parser."""
    settings = command.add_argument_group("settings", "settings left out stay unchanged")
    settings.add_argument(
        "--network",
        choices=["endpoint", "ipv6"],
        help="how the VPC reaches SQS: interface endpoint (default; about 7.30 USD a month), or"
        " IPv6 (free)",
    )
    settings.add_argument(
        "--endpoint-zones", choices=["1", "2"], help="zones of the interface endpoint (1)"
    )
    settings.add_argument("--alarm-email", help="e-mail address that alarms are sent to")
    settings.add_argument(
        "--email-from",
        help="sender of notifications by e-mail, an address that Amazon SES has verified",
    )
    settings.add_argument("--log-retention-days", help="days to keep the functions' logs (30)")
    settings.add_argument(
        "--retention-days", type=positive(int), help="days to keep finished runs (90)"
    )
    settings.add_argument(
        "--task-memory", type=positive(int), help="MB of memory for a command by default (384)"
    )
    layers = settings.add_mutually_exclusive_group()
    layers.add_argument(
        "--task-layer",
        dest="task_layers",
        action="append",
        metavar="ARN",
        help="Lambda layer with programs for commands; up to five, each with this option",
    )
    layers.add_argument(
        "--no-task-layer",
        dest="task_layers",
        action="store_const",
        const=[NO_LAYERS],
        help="remove the layers",
    )
    _add_places(settings)
    settings.add_argument(
        "--python",
        choices=python_versions.SUPPORTED,
        help=f"Python version of the functions ({python_versions.ON_LAMBDA}); it may differ from"
        " the one that runs this command",
    )
    settings.add_argument(
        "--architecture",
        choices=list(MACHINES),
        help="processor of the functions: x86_64 (default), or arm64, which makes compute 20%%"
        " cheaper but runs no x86_64 programs and relies on the SQLite in Lambda's Python",
    )
    settings.add_argument(
        "--auth",
        choices=[AuthMode.TOKEN, AuthMode.IAM],
        help="how the API authorizes requests: by access token (default) or IAM",
    )
    settings.add_argument(
        "--editor",
        action=argparse.BooleanOptionalAction,
        help="let operators create and change DAG files on the page (default: yes)",
    )
    _add_domain(settings)


def _add_places(settings: argparse._ArgumentGroup) -> None:
    settings.add_argument(
        "--lambda-memory",
        metavar="MB,MB,...",
        help="Lambda sizes that tasks can ask for (`memory`), such as 384,2048,8192; the first is"
        " the default, and a size left out is removed",
    )
    settings.add_argument(
        "--fargate",
        action=argparse.BooleanOptionalAction,
        help="run tasks on Fargate that ask for an image, vCPUs, more memory or more time (costs"
        " nothing while none runs)",
    )
    settings.add_argument(
        "--fargate-spot",
        action=argparse.BooleanOptionalAction,
        help="run those that have retries on spare capacity: cheaper, but it may be taken away",
    )
    settings.add_argument(
        "--fargate-disk", type=positive(int), help="GB of disk of a task on Fargate (20)"
    )


def _add_domain(settings: argparse._ArgumentGroup) -> None:
    settings.add_argument(
        "--domain", help="custom domain for the API and the page, such as dags.example.com"
    )
    settings.add_argument(
        "--certificate", help="ARN of an ACM certificate for the domain, in the stage's region"
    )
    settings.add_argument(
        "--hosted-zone", help="id of the Route 53 hosted zone for the domain's records"
    )
    settings.add_argument(
        "--no-domain", action="store_true", help="remove the domain; AWS's own address remains"
    )


def parameters(options: argparse.Namespace) -> dict[str, str]:
    """Return the stack's parameters that were given. Raises InfraError."""
    given = {
        parameter: _text(getattr(options, option))
        for parameter, option in OPTIONS.items()
        if getattr(options, option) is not None
    }
    for parameter, option in SWITCHES.items():
        if getattr(options, option) is not None:
            given[parameter] = "yes" if getattr(options, option) else "no"
    if options.lambda_memory is not None:
        given |= _lambda_memory(options.lambda_memory, options.task_memory)
    return given


def domain_choice(options: argparse.Namespace) -> domain.Choice:
    """Return what is to become of the stage's domain."""
    parameters = {
        "Domain": options.domain,
        "Certificate": options.certificate,
        "HostedZone": options.hosted_zone,
    }
    given = {name: value for name, value in parameters.items() if value is not None}
    return domain.Choice(given, options.no_domain)


def _text(value: object) -> str:
    return ",".join(value) if isinstance(value, list) else str(value)


def _lambda_memory(text: str, task_memory: int | None) -> dict[str, str]:
    """Return the parameters for the sizes. Raises InfraError."""
    try:
        default, _, further = memory_sizes(text).partition(",")
    except ValueError as error:
        raise InfraError(f"--lambda-memory {text}: {error}") from None
    if task_memory is not None and str(task_memory) != default:
        raise InfraError(
            f"--task-memory {task_memory} and --lambda-memory {text} name different default sizes:"
            " leave one of them out"
        )
    return {"TaskMemory": default, "LambdaMemory": further}
