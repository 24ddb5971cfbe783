"""The command line: `python -m infra deploy|status|token|backup|backups|restore|down|cost`."""

from __future__ import annotations

import sys

from chalicelib.local import python_versions

if python_versions.refusal():  # before all that an older Python could not even read
    sys.exit(f"error: {python_versions.refusal()}")

import argparse
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from botocore.exceptions import BotoCoreError, ClientError

import infra
from chalicelib.enums import AuthMode, Role, words
from infra import admin, cost, deploying, domain, health, permissions, removing, self_test, status
from infra.aws import Aws, connect
from infra.errors import InfraError, Refused
from infra.naming import Stage
from infra.runtime import MACHINES


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 if it did what was asked, 1 if it could not."""
    words = sys.argv[1:] if arguments is None else arguments
    given = parser().parse_args(words or ["--help"])
    try:
        given.run(given)
    except (InfraError, ClientError, BotoCoreError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("broken off; run the same command again to go on\n")
        return 130
    return 0


def parser() -> argparse.ArgumentParser:
    whole = argparse.ArgumentParser(prog="python -m infra", description=infra.__doc__)
    commands = whole.add_subparsers(required=True, metavar="COMMAND")
    _add_deploy(commands)
    shown = _add(commands, "status", _status, "what is installed, and how it is")
    _add_place(shown)
    shown.add_argument(
        "--self-test", action="store_true", help="also send a task through all of it (seconds)"
    )
    _add_token(commands)
    _add_data(commands)
    down = _add(commands, "down", _down, "remove all of a stage")
    _add_place(down)
    down.add_argument("--delete-data", action="store_true", help="buckets and backups too")
    down.add_argument("--yes", action="store_true", help="do not ask")
    text = "the IAM policies of whoever installs, upgrades or removes a stage"
    allowed = _add(commands, "permissions", _permissions, text)
    allowed.add_argument("--stage", required=True, help="the installation's name, such as prod")
    allowed.add_argument("--account", required=True, help="the number of the AWS account")
    allowed.add_argument("--region", required=True)
    allowed.add_argument("--partition", default="aws", choices=["aws", "aws-cn", "aws-us-gov"])
    price = _add(commands, "cost", _cost, "what a month costs")
    price.add_argument("--tasks", type=_positive(int), default=1_000_000, help="a month")
    price.add_argument("--seconds", type=_positive(float), default=1.0, help="that each takes")
    price.add_argument("--memory", type=_positive(int), default=384, help="MB that each has")
    price.add_argument("--network", choices=["endpoint", "ipv6"], default="endpoint")
    price.add_argument("--architecture", choices=list(MACHINES), default="x86_64")
    return whole


Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def _add(
    commands: Commands,
    name: str,
    run: Callable[[argparse.Namespace], None],
    text: str,
) -> argparse.ArgumentParser:
    made = commands.add_parser(name, help=text, description=text)
    made.set_defaults(run=run)
    return made


def _add_place(command: argparse.ArgumentParser) -> None:
    command.add_argument("--stage", required=True, help="the installation's name, such as prod")
    command.add_argument("--region", help="default: the one of your AWS configuration")
    command.add_argument("--profile", help="of your AWS configuration")


OPTIONS = {
    "Network": "network",
    "EndpointZones": "endpoint_zones",
    "AlarmEmail": "alarm_email",
    "LogRetentionDays": "log_retention_days",
    "RetentionDays": "retention_days",
    "TaskMemory": "task_memory",
    "Auth": "auth",
    "Python": "python",
    "Architecture": "architecture",
}
"""The stack's parameters and the options that set them."""


def _add_deploy(commands: Commands) -> None:
    text = "create or update the installation; run it again whenever something went wrong"
    command = _add(commands, "deploy", _deploy, text)
    _add_place(command)
    what = command.add_argument_group("what is left out stays as it is")
    what.add_argument(
        "--network",
        choices=["endpoint", "ipv6"],
        help="how the VPC reaches SQS: interface endpoint (default, about 7.3 USD a month),"
        " or IPv6 (free)",
    )
    what.add_argument("--endpoint-zones", choices=["1", "2"], help="zones of that endpoint")
    what.add_argument("--alarm-email", help="where alarms go")
    what.add_argument("--log-retention-days", help="of the functions' own logs (30)")
    what.add_argument("--retention-days", type=_positive(int), help="of finished runs (90)")
    what.add_argument("--task-memory", type=_positive(int), help="MB that a command has (384)")
    what.add_argument(
        "--python",
        choices=python_versions.SUPPORTED,
        help=f"that the functions run on ({python_versions.ON_LAMBDA}), whichever runs this",
    )
    what.add_argument(
        "--architecture",
        choices=list(MACHINES),
        help="processors of the functions: x86_64 (default), or arm64: a fifth less for compute, no"
        " SQLite but that of Lambda's Python, and no x86_64 programs in commands",
    )
    what.add_argument(
        "--auth",
        choices=[AuthMode.TOKEN, AuthMode.IAM],
        help="who may use the API: access tokens (default), IAM",
    )
    _add_domain(what)


def _add_domain(what: argparse._ArgumentGroup) -> None:
    what.add_argument(
        "--domain", help="host name for the API and the page, such as dags.example.com"
    )
    what.add_argument("--certificate", help="ARN of its ACM certificate, in the stage's region")
    what.add_argument("--hosted-zone", help="id of the Route 53 zone that gets its records")
    what.add_argument(
        "--no-domain", action="store_true", help="remove the domain; AWS's own address stays"
    )


def _add_token(commands: Commands) -> None:
    text = "access tokens of the API"
    actions = commands.add_parser("token", help=text, description=text).add_subparsers(
        required=True, metavar="ACTION"
    )
    create = _add(actions, "create", _create_token, "make one and show it, this once")
    create.add_argument("name", help="whose it is; it stands in the audit")
    create.add_argument("--role", choices=words(Role), required=True)
    create.add_argument(
        "--open", action="store_true", help="print a link that signs a browser in with it"
    )
    shown = _add(actions, "list", _list_tokens, "all, with their last use")
    revoke = _add(actions, "revoke", _revoke_token, "from the next request on it opens nothing")
    revoke.add_argument("name")
    for action in (create, shown, revoke):
        _add_place(action)


def _add_data(commands: Commands) -> None:
    _add_place(_add(commands, "backup", _backup, "copy the database to the backups bucket now"))
    _add_place(_add(commands, "backups", _backups, "the backups that there are"))
    restore = _add(commands, "restore", _restore, "put a backup in the place of the database")
    restore.add_argument("name", nargs="?", help="as `backups` shows it; default: the newest")
    restore.add_argument(
        "--even-while-runs-are-active", action="store_true", help="their further states are lost"
    )
    restore.add_argument("--yes", action="store_true", help="do not ask")
    _add_place(restore)


def _positive(kind: Callable[[str], float]) -> Callable[[str], float]:
    def parse(text: str) -> float:
        value = kind(text)
        if value <= 0:
            raise ValueError
        return value

    parse.__name__ = "number above 0"
    return parse


def _aws(given: argparse.Namespace) -> Aws:
    return connect(given.region, given.profile)


def _deploy(given: argparse.Namespace) -> None:
    stage = Stage(given.stage)
    options = {
        parameter: str(getattr(given, option))
        for parameter, option in OPTIONS.items()
        if getattr(given, option) is not None
    }
    deployment = deploying.Deployment(
        _aws(given), stage, options, say, domain=_domain_choice(given)
    )
    url = deploying.deploy(deployment)
    dags = removing.bucket_names(stage, deployment.aws)[0]
    say(f"ready: {url}")
    say(f"upload a DAG: aws s3 cp my.yaml s3://{dags}/")


def _domain_choice(given: argparse.Namespace) -> domain.Choice:
    chosen = {
        "Domain": given.domain, "Certificate": given.certificate, "HostedZone": given.hosted_zone,
    }  # fmt: skip
    return domain.Choice({k: v for k, v in chosen.items() if v is not None}, given.no_domain)


def _status(given: argparse.Namespace) -> None:
    aws, stage = _aws(given), Stage(given.stage)
    for line in status.lines(aws, stage, health.fetch):
        say(line)
    if given.self_test:
        say(f"self-test: {self_test.run(aws, stage)}")


def _down(given: argparse.Namespace) -> None:
    stage = Stage(given.stage)

    def confirm(question: str) -> bool:
        return _agrees(given, question)

    removing.remove(removing.Removal(_aws(given), stage, say, confirm, given.delete_data))
    say(f"stage {stage.name} is gone")


def _agrees(given: argparse.Namespace, question: str) -> bool:
    if given.yes:
        return True
    try:
        typed = input(f"{question}\nType the stage's name to go on: ").strip()
    except EOFError:
        raise Refused("nobody is there to be asked; with --yes nobody is") from None
    return bool(typed == given.stage)


def _ask(given: argparse.Namespace, do: str, **fields: Any) -> dict[str, Any]:
    return admin.ask(_aws(given), Stage(given.stage), do, **fields)


def _create_token(given: argparse.Namespace) -> None:
    aws, stage = _aws(given), Stage(given.stage)
    token = admin.ask(aws, stage, "token create", name=given.name, role=given.role)["token"]
    say(f"shown this once: {token}")
    if given.open:
        say(f"open: {admin.sign_in_link(status.url(aws, stage), token)}")


def _list_tokens(given: argparse.Namespace) -> None:
    for line in admin.token_lines(_ask(given, "token list")["tokens"]):
        say(line)


def _revoke_token(given: argparse.Namespace) -> None:
    say(f"revoked: {_ask(given, 'token revoke', name=given.name)['revoked']}")


def _backup(given: argparse.Namespace) -> None:
    made = _ask(given, "backup")
    for line in admin.backup_lines([made]):
        say(line)
    say(f"for {made['locked_seconds']:.2f} s nobody could commit")


def _backups(given: argparse.Namespace) -> None:
    for line in admin.backup_lines(_ask(given, "backups")["backups"]):
        say(line)


def _restore(given: argparse.Namespace) -> None:
    what = f"the backup {given.name}" if given.name else "the newest backup"
    question = f"This puts {what} in the place of the database of stage {given.stage}."
    if not _agrees(given, question):
        raise Refused("nothing was restored")
    chosen = {"name": given.name} if given.name else {}
    force = given.even_while_runs_are_active
    done = _ask(given, "restore", even_while_runs_are_active=force, **chosen)
    for line in admin.restored_lines(done):
        say(line)


def _permissions(given: argparse.Namespace) -> None:
    stage = Stage(given.stage)
    for policy in permissions.policies(given.partition, given.region, given.account, stage.name):
        say(json.dumps(policy, indent=2))


def _cost(given: argparse.Namespace) -> None:
    zones = 1 if given.network == "endpoint" else 0
    load = cost.Load(
        given.tasks,
        given.seconds,
        given.memory,
        zones=zones,
        architecture=given.architecture,
    )
    for line in cost.table(load):
        say(line)


def say(line: str) -> None:
    """A line for the person at the terminal, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
