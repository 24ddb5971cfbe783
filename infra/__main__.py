"""The command line: `python -m infra deploy|status|token|queue|backup|restore|down|cost`."""

from __future__ import annotations

import sys

from chalicelib.local import python_versions

if python_versions.refusal():  # before the imports that an older Python could not parse
    sys.exit(f"error: {python_versions.refusal()}")

import argparse
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.enums import Role, words
from infra import cost, permissions
from infra.aws import Aws, connect
from infra.commands import (
    admin_function,
    cost_options,
    deploy,
    deploy_options,
    down,
    health,
    queue,
    self_test,
    status,
)
from infra.errors import InfraError, Refused
from infra.names import Stage
from infra.output import say


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code: 0, 1 for an error, 130 if interrupted."""
    words = sys.argv[1:] if arguments is None else arguments
    options = parser().parse_args(words or ["--help"])
    try:
        options.run(options)
    except (InfraError, ClientError, BotoCoreError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; run the same command again to continue\n")
        return 130
    return 0


def parser() -> argparse.ArgumentParser:
    description = "Install the orchestrator on AWS, show its state and cost, and remove it."
    root = argparse.ArgumentParser(prog="python -m infra", description=description)
    commands = root.add_subparsers(required=True, metavar="COMMAND")
    text = "create or update a stage; safe to run again after any failure"
    install = _add(commands, "deploy", _deploy, text)
    _add_stage(install)
    deploy_options.add(install)
    status = _add(commands, "status", _status, "show what is installed and whether it works")
    _add_stage(status)
    status.add_argument(
        "--self-test", action="store_true", help="also run a task from end to end (takes seconds)"
    )
    _add_token(commands)
    _add_queue(commands)
    _add_data(commands)
    down = _add(commands, "down", _down, "remove a stage")
    _add_stage(down)
    down.add_argument("--delete-data", action="store_true", help="also delete buckets and backups")
    down.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    _add_permissions(commands)
    cost_options.add(_add(commands, "cost", _cost, "estimate the monthly bill"))
    return root


Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def _add(
    commands: Commands,
    name: str,
    run: Callable[[argparse.Namespace], None],
    text: str,
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    command.set_defaults(run=run)
    return command


def _add_stage(command: argparse.ArgumentParser) -> None:
    command.add_argument("--stage", required=True, help="name of the installation, such as prod")
    command.add_argument("--region", help="AWS region (default: from your AWS configuration)")
    command.add_argument("--profile", help="profile of your AWS configuration")


def _add_permissions(commands: Commands) -> None:
    text = "print the IAM policies needed to install, upgrade or remove a stage"
    command = _add(commands, "permissions", _permissions, text)
    command.add_argument("--stage", required=True, help="name of the installation, such as prod")
    command.add_argument("--account", required=True, help="AWS account number")
    command.add_argument("--region", required=True, help="AWS region")
    command.add_argument("--partition", default="aws", choices=["aws", "aws-cn", "aws-us-gov"])


def _add_token(commands: Commands) -> None:
    text = "manage the API's access tokens"
    actions = commands.add_parser(
        "token", help=text, description="Manage the API's access tokens."
    ).add_subparsers(required=True, metavar="ACTION")
    create = _add(actions, "create", _create_token, "create a token and print it, once")
    create.add_argument("name", help="who uses the token; appears in the audit log")
    create.add_argument("--role", choices=words(Role), required=True)
    create.add_argument(
        "--dags", metavar="PATTERN", help="only for these DAGs, such as 'sales_*,billing'"
    )
    create.add_argument(
        "--expires-in-days", type=int, metavar="DAYS", help="when it stops working (default: never)"
    )
    create.add_argument(
        "--open", action="store_true", help="also print a link that signs a browser in"
    )
    list_all = _add(actions, "list", _list_tokens, "list all tokens and when they were last used")
    revoke = _add(actions, "revoke", _revoke_token, "revoke a token, effective immediately")
    revoke.add_argument("name", help="name of the token")
    for action in (create, list_all, revoke):
        _add_stage(action)


def _add_queue(commands: Commands) -> None:
    text = "manage the queues that workers on other machines receive tasks from"
    actions = commands.add_parser(
        "queue", help=text, description=f"{text[0].upper()}{text[1:]}."
    ).add_subparsers(required=True, metavar="ACTION")
    create = _add(
        actions, "create", _create_queue, "create a queue and print the policy that a worker needs"
    )
    create.add_argument(
        "--dag",
        action="append",
        default=[],
        metavar="ID",
        help="limit the policy to the attempts of this DAG; may be repeated, and `*` stands for"
        " any characters (default: all DAGs)",
    )
    list_all = _add(actions, "list", _list_queues, "list the queues and what waits in them")
    delete = _add(actions, "delete", _delete_queue, "delete a queue")
    delete.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    for action in (create, delete):
        action.add_argument("name", help="the name that tasks give as their `queue`")
    for action in (create, list_all, delete):
        _add_stage(action)


def _create_queue(options: argparse.Namespace) -> None:
    queue.create(_aws(options), Stage(options.stage), options.name, options.dag, say)


def _list_queues(options: argparse.Namespace) -> None:
    for line in queue.lines(_aws(options), Stage(options.stage)):
        say(line)


def _delete_queue(options: argparse.Namespace) -> None:
    def confirm(question: str) -> bool:
        return _is_confirmed(options, question)

    queue.delete(_aws(options), Stage(options.stage), options.name, confirm, say)


def _add_data(commands: Commands) -> None:
    _add_stage(_add(commands, "backup", _backup, "back up the database now"))
    _add_stage(_add(commands, "backups", _backups, "list the backups"))
    restore = _add(commands, "restore", _restore, "replace the database by a backup")
    restore.add_argument("name", nargs="?", help="a name from `backups` (default: the newest)")
    restore.add_argument(
        "--even-while-runs-are-active",
        action="store_true",
        help="restore although runs are active; what they did since the backup is lost",
    )
    restore.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    _add_stage(restore)


def _aws(options: argparse.Namespace) -> Aws:
    return connect(options.region, options.profile)


def _deploy(options: argparse.Namespace) -> None:
    stage, parameters = Stage(options.stage), deploy_options.parameters(options)
    aws = _aws(options)
    choice = deploy_options.domain_choice(options)
    url = deploy.deploy(deploy.Deployment(aws, stage, parameters, say, domain=choice))
    dags_bucket = down.bucket_names(stage, aws)[0]
    say(f"ready: {url}")
    say(f"upload a DAG: aws s3 cp my.yaml s3://{dags_bucket}/")


def _status(options: argparse.Namespace) -> None:
    aws, stage = _aws(options), Stage(options.stage)
    for line in status.lines(aws, stage, health.fetch):
        say(line)
    if options.self_test:
        say(f"self-test: {self_test.run(aws, stage)}")


def _down(options: argparse.Namespace) -> None:
    stage = Stage(options.stage)

    def confirm(question: str) -> bool:
        return _is_confirmed(options, question)

    down.remove(down.Removal(_aws(options), stage, say, confirm, options.delete_data))
    say(f"stage {stage.name} was removed")


def _is_confirmed(options: argparse.Namespace, question: str) -> bool:
    if options.yes:
        return True
    try:
        typed = input(f"{question}\nType the stage's name to confirm: ").strip()
    except EOFError:
        raise Refused("cannot ask for confirmation without a terminal; add --yes") from None
    return bool(typed == options.stage)


def _invoke(options: argparse.Namespace, action: str, **fields: Any) -> dict[str, Any]:
    return admin_function.invoke(_aws(options), Stage(options.stage), action, **fields)


def _create_token(options: argparse.Namespace) -> None:
    aws, stage = _aws(options), Stage(options.stage)
    limits = {"dags": options.dags, "expires_in_days": options.expires_in_days}
    given = {name: value for name, value in limits.items() if value is not None}
    fields = {"name": options.name, "role": options.role, **given}
    reply = admin_function.invoke(aws, stage, "token create", **fields)
    say(f"access token (shown only once): {reply['token']}")
    if options.open:
        say(f"sign in: {admin_function.sign_in_link(status.url(aws, stage), reply['token'])}")


def _list_tokens(options: argparse.Namespace) -> None:
    for line in admin_function.token_lines(_invoke(options, "token list")["tokens"]):
        say(line)


def _revoke_token(options: argparse.Namespace) -> None:
    say(f"revoked: {_invoke(options, 'token revoke', name=options.name)['revoked']}")


def _backup(options: argparse.Namespace) -> None:
    backup = _invoke(options, "backup")
    for line in admin_function.backup_lines([backup]):
        say(line)
    say(f"the database was locked for {backup['locked_seconds']:.2f} s")


def _backups(options: argparse.Namespace) -> None:
    for line in admin_function.backup_lines(_invoke(options, "backups")["backups"]):
        say(line)


def _restore(options: argparse.Namespace) -> None:
    backup = f"backup {options.name}" if options.name else "the newest backup"
    question = f"This replaces the database of stage {options.stage} by {backup}."
    if not _is_confirmed(options, question):
        raise Refused("nothing was restored")
    fields = {"name": options.name} if options.name else {}
    force = options.even_while_runs_are_active
    report = _invoke(options, "restore", even_while_runs_are_active=force, **fields)
    for line in admin_function.restore_lines(report):
        say(line)


def _permissions(options: argparse.Namespace) -> None:
    stage = Stage(options.stage)
    for policy in permissions.policies(
        options.partition, options.region, options.account, stage.name
    ):
        say(json.dumps(policy, indent=2))


def _cost(options: argparse.Namespace) -> None:
    try:
        lines = list(cost.table(cost_options.load(options)))
    except ValueError as error:
        raise Refused(str(error)) from None
    for line in lines:
        say(line)


if __name__ == "__main__":
    sys.exit(main())
