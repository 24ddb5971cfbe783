"""Everything that the tests need and the emulator lacks or does differently from AWS, each with the
reason. The product does not know about it.

Run as a program, this module is the emulator (`start`). `be_found` directs a program that calls AWS
to it. Only ministack and the standard library may be imported here, because the program runs in
ministack's own environment.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import threading
from pathlib import Path
from typing import Any

FILE_SYSTEMS = "EMULATOR_FILE_SYSTEMS"
"""Environment variable: the folder that contains the access points' folders."""

GATEWAY_PORT = "EMULATOR_GATEWAY_PORT"
"""Environment variable: the emulator's port, for callers."""

OWN_DOMAIN = "example.com"
"""The domain of the account's owner. Its names are not in DNS either."""

IPV6_BLOCK = "2600:1f18:1234:5600::/56"


def be_found() -> None:
    """Resolve the host names of APIs, which are not in DNS, to the emulator. Runs in the caller's
    process. The emulator's certificate contains these names. All other requests go to
    AWS_ENDPOINT_URL."""
    ours = re.compile(rf".*\.execute-api\..*|.*\.{re.escape(OWN_DOMAIN)}")
    sockets: Any = socket
    resolve, port = sockets.getaddrinfo, int(os.environ[GATEWAY_PORT])

    def resolved(host: Any, asked_port: Any, *rest: Any, **more: Any) -> Any:
        if isinstance(host, str) and ours.fullmatch(host):
            return resolve("127.0.0.1", port, *rest, **more)
        return resolve(host, asked_port, *rest, **more)

    sockets.getaddrinfo = resolved


def start() -> None:
    """Run ministack with all shims."""
    from ministack import app

    _listen_by_ipv6_too()
    _know_more_resource_types()
    _give_ipv6_addresses()
    _import_apis()
    _name_roles_as_principals()
    _check_batches_by_their_single_action()
    _check_lambda_by_its_own_actions()
    _name_resources_as_aws_does()
    _change_functions_at_once()
    _run_functions_as_lambda_does()
    app.main()


def has_ipv6() -> bool:
    """Returns whether the loopback interface has an IPv6 address."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def _listen_by_ipv6_too() -> None:
    """ministack listens on one address and gives all functions the same endpoint, but functions
    with `--network ipv6` connect by IPv6 only."""
    from hypercorn.config import Config

    create = Config.create_sockets

    def created(config: Any) -> Any:
        port = os.environ["GATEWAY_PORT"]
        config.bind = [*config.bind, *([f"[::1]:{port}"] if has_ipv6() else [])]
        return create(config)

    Config.create_sockets = created


def _know_more_resource_types() -> None:
    """Its CloudFormation rejects templates with unknown types, and does not know these four. They
    only need to be created and deleted."""
    from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS as handlers

    handlers["AWS::Backup::BackupSelection"] = {
        "create": _select_for_backup,
        "delete": _forget_selection,
    }
    for kind in ("EgressOnlyInternetGateway", "SecurityGroupEgress", "VPCCidrBlock"):
        handlers[f"AWS::EC2::{kind}"] = {"create": _make_nothing, "delete": lambda *_: None}


def _select_for_backup(logical_id: str, props: Any, stack_name: str) -> Any:
    from ministack.services import backup

    plan, body = props["BackupPlanId"], {"BackupSelection": props["BackupSelection"]}
    status, _, answer = backup._create_selection(plan, body)
    if status >= 400:
        raise ValueError(answer.decode())
    selection = json.loads(answer)["SelectionId"]
    return f"{plan}|{selection}", {"BackupPlanId": plan, "SelectionId": selection}


def _forget_selection(physical_id: str, props: Any) -> None:
    from ministack.services import backup

    backup._delete_selection(*physical_id.split("|"))


def _make_nothing(logical_id: str, props: Any, stack_name: str) -> Any:
    return f"{stack_name}-{logical_id}", {}


def _give_ipv6_addresses() -> None:
    """Its VPCs have no IPv6 addresses, which the template assigns to the subnets."""
    from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS as handlers

    create = handlers["AWS::EC2::VPC"]["create"]

    def created(logical_id: str, props: Any, stack_name: str) -> Any:
        physical_id, attributes = create(logical_id, props, stack_name)
        return physical_id, {**attributes, "Ipv6CidrBlocks": [IPV6_BLOCK]}

    handlers["AWS::EC2::VPC"]["create"] = created


def _import_apis() -> None:
    """It accepts a Swagger document, which Chalice sends, only in templates. Over HTTP it mistakes
    ImportRestApi for CreateRestApi, and does not know PutRestApi."""
    from ministack.services import apigateway_v1 as gateway

    handle = gateway.handle_request

    async def handled(method: str, path: str, headers: Any, body: Any, query: Any) -> Any:
        parts = path.strip("/").split("/")
        if method == "POST" and parts == ["restapis"] and "mode" in query:
            document = json.loads(body)
            settings = {"binaryMediaTypes": document.get("x-amazon-apigateway-binary-media-types")}
            return gateway._get_rest_api(gateway._import_rest_api(document, settings))
        if method == "PUT" and len(parts) == 2 and parts[0] == "restapis":
            return _put_rest_api(gateway, parts[1], json.loads(body))
        return await handle(method, path, headers, body, query)

    gateway.handle_request = handled


def _put_rest_api(gateway: Any, api: str, document: Any) -> Any:
    """Replace all paths: the mode "overwrite", which Chalice uses."""
    if api in gateway._resources:
        resources = gateway._resources[api]
        for resource in [row for row in resources.values() if row["path"] != "/"]:
            del resources[resource["id"]]
        schemes = gateway._import_security_schemes(api, document)
        for path, item in document["paths"].items():
            gateway._import_path_item(api, path, item, schemes, document.get("security"))
    return gateway._get_rest_api(api)


def _name_roles_as_principals() -> None:
    """On AWS, `aws:PrincipalArn` of an assumed role is the role's ARN, as the task role's trust
    policy expects; in ministack it is the session's."""
    from ministack.core import iam_evaluator

    resolve = iam_evaluator._resolve_condition_key

    def resolved(key: str, context: Any) -> Any:
        value = resolve(key, context)
        if key.lower() != "aws:principalarn" or ":assumed-role/" not in str(value):
            return value
        account, role = value.split(":")[4], value.split("/")[1]
        return f"arn:aws:iam::{account}:role/{role}"

    iam_evaluator._resolve_condition_key = resolved


def _check_batches_by_their_single_action() -> None:
    """AWS authorizes SendMessageBatch as `sqs:SendMessage`, and so on; in ministack a batch is an
    action of its own, which does not exist on AWS."""
    from ministack.core import iam_actions

    extract = iam_actions.extract_iam_action

    def extracted(service: str, *rest: Any) -> Any:
        action = extract(service, *rest)
        return action.removesuffix("Batch") if service == "sqs" and action else action

    iam_actions.extract_iam_action = extracted


def _check_lambda_by_its_own_actions() -> None:
    """It guesses Lambda's actions from parts of the path and allows what it cannot guess: it takes
    DeleteFunctionConcurrency for Put..., GetEventSourceMapping for List..., and does not check
    GetAccountSettings. botocore's API model, which it uses for other services, has the actions."""
    from ministack.core import iam_actions

    iam_actions._BOTOCORE_SERVICE_MAP["lambda"] = ["lambda"]

    def action(method: str, path: str) -> Any:
        name = iam_actions._match_rest_action("lambda", method, path)
        return "InvokeFunction" if name == "Invoke" else name

    iam_actions._lambda_action = action


def _name_resources_as_aws_does() -> None:
    """On AWS, the ARN of a rule of the default event bus does not contain the bus; calls for a
    rule's targets are authorized for that rule, which they call "Rule"; and calls for several
    alarms are authorized for alarms, not for `*`."""
    from ministack.core import iam_actions

    extract, name = iam_actions.extract_resource_arn, iam_actions._safe_json_field

    def extracted(service: str, *rest: Any, **more: Any) -> Any:
        arn = extract(service, *rest, **more).replace(":rule/default/", ":rule/")
        is_unnamed = service == "monitoring" and arn == "*"
        return "arn:aws:cloudwatch:{}:{}:alarm:*".format(*rest[-2:]) if is_unnamed else arn

    iam_actions.extract_resource_arn = extracted

    def named(body: bytes, field: str) -> Any:
        return name(body, field) or (name(body, "Rule") if field == "RuleName" else "")

    iam_actions._safe_json_field = named

    iam_actions.extract_resource_arn = extracted


def _change_functions_at_once() -> None:
    """It takes half a second to update a function, and Chalice polls every five seconds after each
    update. Not necessary, but saves a minute."""
    from ministack.services import lambda_svc

    lambda_svc._LAMBDA_STATE_TRANSITION_DELAY = 0


def _run_functions_as_lambda_does() -> None:
    """It runs each function in a process but mounts no file systems. This gives each process
    `_HANDLER`, as on Lambda, and its own mount namespace with the folder of the function's access
    point: functions without a file system see none, and stages do not see each other's."""
    from ministack.core import lambda_runtime as runtime

    spawn, spawning = runtime.Worker._spawn, threading.local()

    def spawned(worker: Any) -> Any:
        spawning.config = worker.config
        return spawn(worker)

    class Processes:
        def __getattr__(self, name: str) -> Any:
            return getattr(subprocess, name)

        @staticmethod
        def Popen(command: list[str], *, env: dict[str, str], **more: Any) -> Any:
            config = spawning.config
            program = [*_mounting(config.get("FileSystemConfigs") or []), *command]
            return subprocess.Popen(program, env={**env, "_HANDLER": config["Handler"]}, **more)

    runtime.Worker._spawn = spawned
    runtime.subprocess = Processes()


def _mounting(file_systems: list[dict[str, str]]) -> list[str]:
    """Returns the command that runs another one with the file systems mounted."""
    command = ["unshare", "--mount"]
    for file_system in file_systems:
        folder = Path(os.environ[FILE_SYSTEMS], file_system["Arn"].rpartition("/")[2])
        folder.mkdir(exist_ok=True)
        script = 'mount --bind "$0" "$1" && shift && exec "$@"'
        command += ["sh", "-c", script, str(folder), file_system["LocalMountPath"]]
    return command


if __name__ == "__main__":
    start()
