"""What Chalice has no setting for: the file system, IPv6, temporary storage, loops that are meant,
room for other functions, how API Gateway itself refuses, and how much it lets through."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from infra.aws import Aws, code_of
from infra.errors import InfraError
from infra.functions import FUNCTIONS, MOUNT, Function, uses_ipv6
from infra.naming import API_STAGE, Stage
from infra.stack import Say


def wait_until_settled(aws: Aws, functions: Mapping[str, str]) -> None:
    """Lambda refuses a change to a function while an earlier one is under way. How that one ended
    does not matter: the next change replaces it."""
    for arn in functions.values():
        _settled(aws, arn)


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
    if now.get("EphemeralStorage", {}).get("Size", 512) != function.scratch:
        changes["EphemeralStorage"] = {"Size": function.scratch}
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


ROOM_FOR_OTHERS = 10
"""Invocations that the functions beside `execute` may need at the same time."""
LEAST_AT_ONCE, MOST_AT_ONCE = 2, 1000
"""What Lambda takes as a mapping's limit."""
SETTLING_ATTEMPTS = 24
SETTLING_PAUSE = 5.0


def leave_room(aws: Aws, mapping: str, say: Say) -> None:
    """Let commands not take all that the account may run at once, or the API could not be asked
    and no result be applied while they run. A new account may have very little. `mapping` is the
    one of `execute`; Chalice leaves this setting of it alone."""
    client = aws.client("lambda")
    limit = int(client.get_account_settings()["AccountLimit"]["ConcurrentExecutions"])
    wanted = min(max(limit - ROOM_FOR_OTHERS, LEAST_AT_ONCE), MOST_AT_ONCE)
    now = client.get_event_source_mapping(UUID=mapping).get("ScalingConfig") or {}
    if now.get("MaximumConcurrency") != wanted:
        say(f"  at most {wanted} commands at once, of {limit} functions that the account may run")
        _limit(aws, mapping, wanted)
    if limit < 5 * ROOM_FOR_OTHERS:
        say(
            "  that is little: ask for more (Service Quotas, AWS Lambda, Concurrent executions),"
            " then deploy again"
        )


def _limit(aws: Aws, mapping: str, wanted: int) -> None:
    for attempt in range(SETTLING_ATTEMPTS):
        if attempt:
            aws.sleep(SETTLING_PAUSE)
        try:
            aws.client("lambda").update_event_source_mapping(
                UUID=mapping, ScalingConfig={"MaximumConcurrency": wanted}
            )
            return
        except ClientError as error:
            # Chalice has changed it a moment ago.
            if code_of(error) != "ResourceInUseException" or attempt == SETTLING_ATTEMPTS - 1:
                raise


REFUSALS: dict[str, tuple[str, str, str]] = {
    "ACCESS_DENIED": ("403", "forbidden", "IAM does not let the caller do this"),
    "DEFAULT_4XX": ("", "invalid_request", ""),
    "DEFAULT_5XX": ("", "internal", ""),
    "EXPIRED_TOKEN": ("", "forbidden", ""),
    "INTEGRATION_FAILURE": ("504", "unavailable", "the function did not answer; try again"),
    "INTEGRATION_TIMEOUT": ("504", "unavailable", "the function took too long; try again"),
    "INVALID_SIGNATURE": ("", "forbidden", ""),
    "MISSING_AUTHENTICATION_TOKEN": (
        "404",
        "not_found",
        "there is no such path; GET /api/openapi.json lists all",
    ),
    "REQUEST_TOO_LARGE": ("413", "invalid_request", "the request is larger than 10 MB"),
    "THROTTLED": ("429", "unavailable", "too many requests at once; try again"),
}
"""What API Gateway answers without asking a function: status ("" is its own), code, message (""
is its own)."""

# To API Gateway an unsigned request and an unknown path are one and the same.
UNSIGNED = ("403", "forbidden", "there is no such path, or the request is not signed (AWS_IAM)")


def shape_refusals(aws: Aws, api: str, *, auth: str) -> None:
    """Give what API Gateway itself answers the API's one error shape. Chalice replaces the whole
    API at each deployment, so this is done after each."""
    client = aws.client("apigateway")
    for kind, refusal in REFUSALS.items():
        is_unsigned = auth == "iam" and kind == "MISSING_AUTHENTICATION_TOKEN"
        status, code, message = UNSIGNED if is_unsigned else refusal
        client.put_gateway_response(
            restApiId=api,
            responseType=kind,
            responseTemplates={"application/json": _error(code, message)},
            **({"statusCode": status} if status else {}),
        )
    client.create_deployment(restApiId=api, stageName=API_STAGE)


def _error(code: str, message: str) -> str:
    # The variable brings quotation marks of its own.
    said = json.dumps(message) if message else "$context.error.messageString"
    return f'{{"error": {{"code": "{code}", "message": {said}, "details": {{}}}}}}'


CHANGE_POLLS = 120
CHANGE_PAUSE_SECONDS = 5.0


def _wait(aws: Aws, name: str) -> None:
    """Until the change just made has taken effect. Raises InfraError where Lambda refuses it."""
    now = _settled(aws, name)
    if "Failed" in (now.get("State"), now.get("LastUpdateStatus")):
        reason = now.get("LastUpdateStatusReason") or now.get("StateReason") or "no reason given"
        raise InfraError(f"function {name} could not be changed: {reason}")


def _settled(aws: Aws, name: str) -> Mapping[str, Any]:
    """The function's configuration once nothing is under way. Inactive, which a function of a VPC
    becomes after weeks without work, is such a state, and botocore's own waiters do not know it:
    they would wait for "Active" until they give up."""
    for poll in range(CHANGE_POLLS):
        if poll:
            aws.sleep(CHANGE_PAUSE_SECONDS)
        now: Mapping[str, Any] = aws.client("lambda").get_function_configuration(FunctionName=name)
        if now.get("State") != "Pending" and now.get("LastUpdateStatus") != "InProgress":
            return now
    raise InfraError(f"function {name} is still being changed; run the same command again")


REQUESTS_PER_SECOND, REQUESTS_AT_ONCE = 50, 100
"""What the API takes together. A request without a token starts a function and reads the database
too, so without a limit anybody could use up all that the account may run at once."""


def limit_requests(aws: Aws, api: str) -> None:
    """Throttle the API's stage, which Chalice cannot; 429 is answered above it."""
    limits = {"rateLimit": REQUESTS_PER_SECOND, "burstLimit": REQUESTS_AT_ONCE}
    aws.client("apigateway").update_stage(
        restApiId=api,
        stageName=API_STAGE,
        patchOperations=[
            {"op": "replace", "path": f"/*/*/throttling/{name}", "value": str(value)}
            for name, value in limits.items()
        ],
    )


def let_alarms_act(aws: Aws, stage: Stage, *, acting: bool) -> None:
    """Let the stage's alarms notify, or not: while the functions are being installed or removed,
    that there is no tick is no news."""
    client = aws.client("cloudwatch")
    pages = client.get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{stage.stack}-")
    names = [alarm["AlarmName"] for page in pages for alarm in page["MetricAlarms"]]
    if names:
        change = client.enable_alarm_actions if acting else client.disable_alarm_actions
        change(AlarmNames=names)
