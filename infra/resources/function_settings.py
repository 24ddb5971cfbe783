"""Function settings that Chalice does not support: file system, IPv6, temporary storage, recursion.

Chalice keeps them on later deployments, except for the IPv6 flag.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.aws import Aws
from infra.errors import InfraError
from infra.functions import MOUNT, Function, functions_of, uses_ipv6
from infra.names import Stage
from infra.output import Say

UPDATE_POLLS = 120
UPDATE_POLL_SECONDS = 5.0


def apply_settings(aws: Aws, stage: Stage, outputs: Mapping[str, str], say: Say) -> None:
    """Apply the missing settings to every function and print what was changed. Raises InfraError
    if Lambda rejects a change."""
    for function in functions_of(outputs):
        name = stage.function(function.name)
        changes = _changes(aws, name, function, outputs)
        if changes:
            say(f"  {name}: setting {', '.join(sorted(changes))}")
            aws.client("lambda").update_function_configuration(FunctionName=name, **changes)
            _confirm_update(aws, name)
        _allow_recursion(aws, name)


def change_environment(aws: Aws, name: str, variables: Mapping[str, str], say: Say) -> None:
    """Set environment variables of a function, and remove those whose value is empty. Raises
    InfraError if Lambda rejects the change."""
    client = aws.client("lambda")
    now = client.get_function_configuration(FunctionName=name)
    before: dict[str, str] = now.get("Environment", {}).get("Variables", {})
    after = {key: value for key, value in {**before, **variables}.items() if value}
    if after != before:
        _wait_for_update(aws, name)
        say(f"  {name}: setting {', '.join(sorted(variables))}")
        client.update_function_configuration(FunctionName=name, Environment={"Variables": after})
        _confirm_update(aws, name)


def wait_for_updates(aws: Aws, functions: Mapping[str, str]) -> None:
    """Wait until no function (name to ARN) is being updated, because Lambda rejects a change during
    another one. Whether the earlier update succeeded is irrelevant: the next one replaces it."""
    for arn in functions.values():
        _wait_for_update(aws, arn)


def file_systems(outputs: Mapping[str, str]) -> list[dict[str, str]]:
    """Returns the `FileSystemConfigs` of a function with a database."""
    return [{"Arn": outputs["AccessPointArn"], "LocalMountPath": MOUNT}]


def _changes(aws: Aws, name: str, function: Function, outputs: Mapping[str, str]) -> dict[str, Any]:
    if not function.has_database:
        return {}
    current = aws.client("lambda").get_function_configuration(FunctionName=name)
    changes: dict[str, Any] = {}
    if current.get("EphemeralStorage", {}).get("Size", 512) != function.scratch_mb:
        changes["EphemeralStorage"] = {"Size": function.scratch_mb}
    if current.get("FileSystemConfigs", []) != file_systems(outputs):
        changes["FileSystemConfigs"] = file_systems(outputs)
    vpc = current.get("VpcConfig", {})
    if bool(vpc.get("Ipv6AllowedForDualStack")) != uses_ipv6(outputs):
        changes["VpcConfig"] = {
            "SubnetIds": outputs["SubnetIds"].split(","),
            "SecurityGroupIds": [outputs["SecurityGroupId"]],
            "Ipv6AllowedForDualStack": uses_ipv6(outputs),
        }
    return changes


def _allow_recursion(aws: Aws, name: str) -> None:
    """Turn off Lambda's loop detection, which would stop a chain of tasks after about 16 steps:
    `apply` sends a task, `execute` sends its result, and so on."""
    aws.client("lambda").put_function_recursion_config(FunctionName=name, RecursiveLoop="Allow")


def _confirm_update(aws: Aws, name: str) -> None:
    """Wait until the update has taken effect. Raises InfraError if Lambda rejects it."""
    current = _wait_for_update(aws, name)
    if "Failed" in (current.get("State"), current.get("LastUpdateStatus")):
        reason = (
            current.get("LastUpdateStatusReason")
            or current.get("StateReason")
            or "Lambda gave no reason"
        )
        raise InfraError(f"function {name} could not be updated: {reason}")


def _wait_for_update(aws: Aws, name: str) -> Mapping[str, Any]:
    """Returns the function's configuration once no update is in progress.

    botocore's waiters wait for "Active" and would time out on "Inactive", the state of a VPC
    function that has not run for weeks.
    """
    for poll in range(UPDATE_POLLS):
        if poll:
            aws.sleep(UPDATE_POLL_SECONDS)
        current: Mapping[str, Any] = aws.client("lambda").get_function_configuration(
            FunctionName=name
        )
        is_pending = current.get("State") == "Pending"
        if not is_pending and current.get("LastUpdateStatus") != "InProgress":
            return current
    raise InfraError(f"function {name} is still being updated; run the same command again")
