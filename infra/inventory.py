"""What Chalice has made for a stage, asked of AWS itself.

Chalice remembers it in `.chalice/deployed/STAGE.json`, which it writes at the very end: after a
deployment that died half-way, or on another machine, it would make a second API and stumble over
queue mappings that are there. So the file is made anew from what is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from infra.aws import Aws, is_missing
from infra.functions import FUNCTIONS
from infra.naming import API_FUNCTION, API_STAGE, APP, Stage

READERS = {"apply": "results", "execute": "tasks"}
"""The functions that a queue starts, and the end of the queue's name."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """An event source mapping: `uuid` joins the queue to the function."""

    function: str
    uuid: str
    queue_arn: str
    function_arn: str


@dataclass(frozen=True)
class Inventory:
    """By short name: `functions` and `roles` map to ARNs. `default_role` is the ARN of the role
    that Chalice gives to all functions of a stage it has no configuration for. `apis` are ids, the
    one in use first."""

    functions: dict[str, str] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)
    default_role: str = ""
    mappings: tuple[Mapping, ...] = ()
    rules: tuple[str, ...] = ()
    apis: tuple[str, ...] = ()


def take(aws: Aws, stage: Stage) -> Inventory:
    """Ask AWS for everything of the stage that Chalice made."""
    functions = _present(aws, stage, _function_arn)
    return Inventory(
        functions=functions,
        roles=_present(aws, stage, _role_arn),
        default_role=_arn_of_role(aws, stage.stack),
        mappings=tuple(m for name in READERS for m in _mappings(aws, stage, name)),
        rules=tuple(_rules(aws, stage)),
        apis=tuple(_apis(aws, stage)),
    )


def deployed(inventory: Inventory, stage: Stage, aws: Aws, dags_bucket: str) -> dict[str, Any]:
    """The content of Chalice's file of what is deployed."""
    return {"resources": list(_resources(inventory, stage, aws, dags_bucket)), **_FORMAT}


_FORMAT = {"schema_version": "2.0", "backend": "api"}


def _resources(
    inventory: Inventory, stage: Stage, aws: Aws, dags_bucket: str
) -> Iterator[dict[str, str]]:
    for name, arn in inventory.roles.items():
        yield _entry(f"{name}_role", "iam_role", role_arn=arn, role_name=stage.role(name))
    if inventory.default_role:  # Chalice removes it: no function of the configuration has it
        arn = inventory.default_role
        yield _entry("default-role", "iam_role", role_arn=arn, role_name=stage.stack)
    for name, arn in inventory.functions.items():
        yield _entry(name, "lambda_function", lambda_arn=arn)
    if "register" in inventory.functions:
        arn = inventory.functions["register"]
        yield _entry("register-s3event", "s3_event", bucket=dags_bucket, lambda_arn=arn)
    for rule in inventory.rules:
        short_name = rule.removeprefix(f"{stage.stack}-")
        yield _entry(short_name, "cloudwatch_event", rule_name=rule)
    for mapping in inventory.mappings:
        yield _mapping_entry(mapping)
    for api in inventory.apis[:1]:
        yield _entry("rest_api", "rest_api", rest_api_id=api, rest_api_url=api_url(aws, api))


def _entry(name: str, kind: str, **values: str) -> dict[str, str]:
    return {"name": name, "resource_type": kind, **values}


def _mapping_entry(mapping: Mapping) -> dict[str, str]:
    return _entry(
        f"{mapping.function}-sqs-event-source",
        "sqs_event",
        queue_arn=mapping.queue_arn,
        event_uuid=mapping.uuid,
        queue=mapping.queue_arn.rsplit(":", 1)[1],
        lambda_arn=mapping.function_arn,
    )


def api_url(aws: Aws, api: str) -> str:
    """Where the API answers, with a slash at the end."""
    return f"https://{api}.execute-api.{aws.place.region}.{aws.place.suffix}/{API_STAGE}/"


def _present(aws: Aws, stage: Stage, arn_of: Any) -> dict[str, str]:
    arns = {function.name: arn_of(aws, stage, function.name) for function in FUNCTIONS}
    return {name: arn for name, arn in arns.items() if arn}


def _function_arn(aws: Aws, stage: Stage, name: str) -> str:
    name = stage.function(name)
    try:
        return str(
            aws.client("lambda").get_function(FunctionName=name)["Configuration"]["FunctionArn"]
        )
    except ClientError as error:
        if is_missing(error):
            return ""
        raise


def _role_arn(aws: Aws, stage: Stage, name: str) -> str:
    return _arn_of_role(aws, stage.role(name))


def _arn_of_role(aws: Aws, name: str) -> str:
    try:
        return str(aws.client("iam").get_role(RoleName=name)["Role"]["Arn"])
    except ClientError as error:
        if is_missing(error):
            return ""
        raise


def _mappings(aws: Aws, stage: Stage, name: str) -> Iterator[Mapping]:
    """Asked by the queue, because a mapping outlives its function."""
    arn = aws.place.arn("sqs", f"{stage.stack}-{READERS[name]}")
    pages = aws.client("lambda").get_paginator("list_event_source_mappings")
    for page in pages.paginate(EventSourceArn=arn):
        for row in page["EventSourceMappings"]:
            if row.get("State") != "Deleting":
                yield Mapping(name, row["UUID"], arn, row["FunctionArn"])


def _rules(aws: Aws, stage: Stage) -> Iterator[str]:
    for function in FUNCTIONS:
        name = stage.rule(function.name)
        if function.is_scheduled and _is_there(aws.client("events").describe_rule, Name=name):
            yield name


def _is_there(ask: Any, **what: str) -> bool:
    try:
        ask(**what)
    except ClientError as error:
        if is_missing(error):
            return False
        raise
    return True


def _apis(aws: Aws, stage: Stage) -> list[str]:
    """An API bears the name of the app, whatever its stage: what it calls tells whose it is."""
    client = aws.client("apigateway")
    target = f":function:{stage.function(API_FUNCTION)}/"
    pages = client.get_paginator("get_rest_apis").paginate()
    named = [row["id"] for page in pages for row in page["items"] if row["name"] == APP]
    own = [api for api in named if target in _called_by(client, api)]
    return sorted(own, key=lambda api: not client.get_stages(restApiId=api)["item"])


def _called_by(client: Any, api: str) -> str:
    """The ARN that the API's first method calls; "" where it has none."""
    for page in client.get_paginator("get_resources").paginate(restApiId=api):
        for resource in page["items"]:
            for method in resource.get("resourceMethods", {}):
                found = _integration(client, api, resource["id"], method)
                if found:
                    return found
    return ""


def _integration(client: Any, api: str, resource: str, method: str) -> str:
    try:
        answer = client.get_integration(restApiId=api, resourceId=resource, httpMethod=method)
    except ClientError as error:
        if is_missing(error):
            return ""
        raise
    # Answers to preflight requests are given by the gateway itself, which has no address.
    return str(answer.get("uri", ""))
