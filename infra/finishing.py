"""What Chalice has no setting for: the file system, IPv6, and loops that are meant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.aws import Aws
from infra.functions import FUNCTIONS, MOUNT, Function, uses_ipv6
from infra.naming import Stage
from infra.stack import Say


def wait_until_settled(aws: Aws, functions: Mapping[str, str]) -> None:
    """Lambda refuses a change to a function while an earlier one is under way."""
    for arn in functions.values():
        _wait(aws, arn)


def finish(aws: Aws, stage: Stage, outputs: Mapping[str, str], say: Say) -> None:
    """Bring each function to what it needs beyond Chalice's settings; say what was changed."""
    for function in FUNCTIONS:
        name = stage.function(function.name)
        changes = _changes(aws, name, function, outputs)
        if changes:
            say(f"  {name}: setting {', '.join(sorted(changes))}")
            aws.client("lambda").update_function_configuration(FunctionName=name, **changes)
            _wait(aws, name)
        _allow_loops(aws, name)


def file_systems(outputs: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Arn": outputs["AccessPointArn"], "LocalMountPath": MOUNT}]


def _changes(aws: Aws, name: str, function: Function, outputs: Mapping[str, str]) -> dict[str, Any]:
    if not function.has_database:
        return {}
    now = aws.client("lambda").get_function_configuration(FunctionName=name)
    changes: dict[str, Any] = {}
    if now.get("FileSystemConfigs", []) != file_systems(outputs):
        changes["FileSystemConfigs"] = file_systems(outputs)
    vpc = now.get("VpcConfig", {})
    if bool(vpc.get("Ipv6AllowedForDualStack")) != uses_ipv6(outputs):
        changes["VpcConfig"] = {
            "SubnetIds": outputs["SubnetIds"].split(","),
            "SecurityGroupIds": [outputs["SecurityGroupId"]],
            "Ipv6AllowedForDualStack": uses_ipv6(outputs),
        }
    return changes


def _allow_loops(aws: Aws, name: str) -> None:
    """A chain of tasks goes round by way of the two queues: `apply` sends a task, `execute` a
    result. Lambda takes that for an accident and stops it after about 16 rounds, unless told."""
    aws.client("lambda").put_function_recursion_config(FunctionName=name, RecursiveLoop="Allow")


def _wait(aws: Aws, name: str) -> None:
    for waiter in ("function_active_v2", "function_updated_v2"):
        aws.client("lambda").get_waiter(waiter).wait(FunctionName=name)
