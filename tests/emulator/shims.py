"""What the emulator lacks of AWS, or does differently, and these tests need: all of it, each with
its reason. The product knows nothing of it.

Run as a program, it is the emulator (`start`). A program that calls AWS is led to the emulator by
`be_found`. Nothing but ministack and the standard library may be imported here, because the program
runs in ministack's own environment.
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
"""The variable that names the folder which holds the folders of the access points."""

GATEWAY_PORT = "EMULATOR_GATEWAY_PORT"
"""The variable that names the emulator's port, for callers."""

OWN_DOMAIN = "example.com"
"""That of the account's owner, whose names, too, are in no DNS."""

IPV6_BLOCK = "2600:1f18:1234:5600::/56"


def be_found() -> None:
    """In the process of a caller. The host names of APIs are in no DNS; here they lead to the
    emulator, whose certificate bears them. All else is asked at AWS_ENDPOINT_URL."""
    ours = re.compile(rf".*\.execute-api\..*|.*\.{re.escape(OWN_DOMAIN)}")
    sockets: Any = socket
    resolve, port = sockets.getaddrinfo, int(os.environ[GATEWAY_PORT])

    def resolved(host: Any, asked_port: Any, *rest: Any, **more: Any) -> Any:
        if isinstance(host, str) and ours.fullmatch(host):
            return resolve("127.0.0.1", port, *rest, **more)
        return resolve(host, asked_port, *rest, **more)

    sockets.getaddrinfo = resolved


def start() -> None:
    """ministack, with what it lacks."""
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
    """Whether this machine's loopback does."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def _listen_by_ipv6_too() -> None:
    """It takes one address. Functions with `--network ipv6` connect by IPv6 and nothing else, and
    it leads all functions to the same endpoint."""
    from hypercorn.config import Config

    create = Config.create_sockets

    def created(config: Any) -> Any:
        port = os.environ["GATEWAY_PORT"]
        config.bind = [*config.bind, *([f"[::1]:{port}"] if has_ipv6() else [])]
        return create(config)

    Config.create_sockets = created


def _know_more_resource_types() -> None:
    """Its CloudFormation refuses a template with a type that it does not know, and these four are
    ours. What is needed of them is that they can be made and are gone afterwards."""
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
    made = json.loads(answer)["SelectionId"]
    return f"{plan}|{made}", {"BackupPlanId": plan, "SelectionId": made}


def _forget_selection(physical_id: str, props: Any) -> None:
    from ministack.services import backup

    backup._delete_selection(*physical_id.split("|"))


def _make_nothing(logical_id: str, props: Any, stack_name: str) -> Any:
    return f"{stack_name}-{logical_id}", {}


def _give_ipv6_addresses() -> None:
    """Its VPCs have no IPv6 addresses, and the template divides them among the subnets."""
    from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS as handlers

    create = handlers["AWS::EC2::VPC"]["create"]

    def created(logical_id: str, props: Any, stack_name: str) -> Any:
        physical_id, attributes = create(logical_id, props, stack_name)
        return physical_id, {**attributes, "Ipv6CidrBlocks": [IPV6_BLOCK]}

    handlers["AWS::EC2::VPC"]["create"] = created


def _import_apis() -> None:
    """It reads a Swagger document, which is what Chalice sends, from a template only: over HTTP it
    takes it for the fields of CreateRestApi, and PutRestApi is unknown."""
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
    """In mode "overwrite", which Chalice uses: all paths are replaced."""
    if api in gateway._resources:
        resources = gateway._resources[api]
        for resource in [one for one in resources.values() if one["path"] != "/"]:
            del resources[resource["id"]]
        schemes = gateway._import_security_schemes(api, document)
        for path, item in document["paths"].items():
            gateway._import_path_item(api, path, item, schemes, document.get("security"))
    return gateway._get_rest_api(api)


def _name_roles_as_principals() -> None:
    """AWS says of an assumed role that `aws:PrincipalArn` is the role's ARN; here it would be the
    session's, and the task role's trust policy asks for the role's."""
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
    """AWS checks SendMessageBatch by `sqs:SendMessage`, and so on; here a batch is an action of its
    own, which no policy on AWS could name."""
    from ministack.core import iam_actions

    extract = iam_actions.extract_iam_action

    def extracted(service: str, *rest: Any) -> Any:
        action = extract(service, *rest)
        return action.removesuffix("Batch") if service == "sqs" and action else action

    iam_actions.extract_iam_action = extracted


def _check_lambda_by_its_own_actions() -> None:
    """It guesses Lambda's actions from a few parts of the path, and lets pass what it cannot guess:
    DeleteFunctionConcurrency counts as Put..., GetEventSourceMapping as List..., and account
    settings as nothing. botocore's description of the API, which it uses elsewhere, knows them."""
    from ministack.core import iam_actions

    iam_actions._BOTOCORE_SERVICE_MAP["lambda"] = ["lambda"]

    def action(method: str, path: str) -> Any:
        name = iam_actions._match_rest_action("lambda", method, path)
        return "InvokeFunction" if name == "Invoke" else name

    iam_actions._lambda_action = action


def _name_resources_as_aws_does() -> None:
    """The ARN of a rule of the default event bus does not name the bus on AWS, and calls for a
    rule's targets are for that rule, which they call "Rule". Calls for several alarms are for
    alarms, not for anything."""
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
    """It takes half a second to change a function, and who waits for it, as Chalice does after each
    change, looks again after five. Not needed, but it saves a minute of waiting."""
    from ministack.services import lambda_svc

    lambda_svc._LAMBDA_STATE_TRANSITION_DELAY = 0


def _run_functions_as_lambda_does() -> None:
    """It starts a function in a process with its own environment and mounts nothing. Here each
    process gets `_HANDLER`, as on Lambda, and a mount namespace of its own in which the folder of
    the function's access point, if it has one, lies at its path: functions without a file system
    see none, and the stages not each other's."""
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
    """The start of a command line: what follows runs with the file systems mounted."""
    command = ["unshare", "--mount"]
    for one in file_systems:
        folder = Path(os.environ[FILE_SYSTEMS], one["Arn"].rpartition("/")[2])
        folder.mkdir(exist_ok=True)
        script = 'mount --bind "$0" "$1" && shift && exec "$@"'
        command += ["sh", "-c", script, str(folder), one["LocalMountPath"]]
    return command


if __name__ == "__main__":
    start()
