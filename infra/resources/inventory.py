"""Lists what Chalice has deployed for a stage, by asking AWS.

Chalice records it in `.chalice/deployed/STAGE.json`, which it writes last. After an interrupted
deployment, or on another machine, Chalice would therefore create a second API and fail because the
queue mappings exist. So the file is generated from what exists.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.places import DEFAULT_FUNCTION, LAUNCH_FUNCTION
from infra.aws import Aws, is_not_found
from infra.functions import FUNCTIONS
from infra.names import API_FUNCTION, API_STAGE, APP, Stage

CONSUMERS = {"apply": "results", DEFAULT_FUNCTION: "tasks", LAUNCH_FUNCTION: "tasks-fargate"}
"""The functions that consume a queue, and the suffix of the queue's name."""

OF_SIZES = f"{DEFAULT_FUNCTION}_"
"""How the names of the functions of further Lambda sizes begin."""


def queue_suffix(function: str) -> str:
    """Returns the suffix of the name of the queue that the function consumes."""
    if function.startswith(OF_SIZES):
        return f"tasks-{function.removeprefix(OF_SIZES)}"
    return CONSUMERS[function]


@dataclass(frozen=True, slots=True)
class Mapping:
    """An event source mapping, which connects a queue to a function."""

    function: str
    uuid: str
    queue_arn: str
    function_arn: str


@dataclass(frozen=True)
class Inventory:
    """`functions` and `roles` map short names to ARNs. `default_role` is the ARN of the role that
    Chalice creates for a stage without configuration. `apis` are ids; the one in use comes
    first."""

    functions: dict[str, str] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)
    default_role: str = ""
    mappings: tuple[Mapping, ...] = ()
    rules: tuple[str, ...] = ()
    apis: tuple[str, ...] = ()


def take(aws: Aws, stage: Stage) -> Inventory:
    """Query AWS for everything that Chalice created for the stage."""
    names = [*(f.name for f in FUNCTIONS), LAUNCH_FUNCTION, *_sizes(aws, stage)]
    functions = _present(aws, stage, _function_arn, names)
    consumers = [name for name in names if name in CONSUMERS or name.startswith(OF_SIZES)]
    return Inventory(
        functions=functions,
        roles=_present(aws, stage, _role_arn, names),
        default_role=_arn_of_role(aws, stage.stack),
        mappings=tuple(m for name in consumers for m in _mappings(aws, stage, name)),
        rules=tuple(_rules(aws, stage)),
        apis=tuple(_apis(aws, stage)),
    )


def chalice_record(
    inventory: Inventory, stage: Stage, aws: Aws, dags_bucket: str
) -> dict[str, Any]:
    """Returns the content of `.chalice/deployed/STAGE.json`."""
    return {"resources": list(_resources(inventory, stage, aws, dags_bucket)), **_FORMAT}


_FORMAT = {"schema_version": "2.0", "backend": "api"}


def _resources(
    inventory: Inventory, stage: Stage, aws: Aws, dags_bucket: str
) -> Iterator[dict[str, str]]:
    for name, arn in inventory.roles.items():
        yield _entry(f"{name}_role", "iam_role", role_arn=arn, role_name=stage.role(name))
    if inventory.default_role:  # no configured function uses it, so Chalice deletes it
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
    """Returns the API's URL, ending in a slash."""
    return f"https://{api}.execute-api.{aws.location.region}.{aws.location.dns_suffix}/{API_STAGE}/"


def _sizes(aws: Aws, stage: Stage) -> list[str]:
    """Returns the short names of the functions of further Lambda sizes, also of those that are no
    longer wanted. A role without its function is left of an interrupted deployment."""
    prefix = stage.function(OF_SIZES)
    functions = aws.client("lambda").get_paginator("list_functions").paginate()
    roles = aws.client("iam").get_paginator("list_roles").paginate()
    names = [row["FunctionName"] for page in functions for row in page["Functions"]]
    names += [row["RoleName"] for page in roles for row in page["Roles"]]
    own = {name.removeprefix(f"{stage.stack}-") for name in names if name.startswith(prefix)}
    return sorted(own)


def _present(aws: Aws, stage: Stage, arn_of: Any, names: list[str]) -> dict[str, str]:
    arns = {name: arn_of(aws, stage, name) for name in names}
    return {name: arn for name, arn in arns.items() if arn}


def _function_arn(aws: Aws, stage: Stage, name: str) -> str:
    name = stage.function(name)
    try:
        return str(
            aws.client("lambda").get_function(FunctionName=name)["Configuration"]["FunctionArn"]
        )
    except ClientError as error:
        if is_not_found(error):
            return ""
        raise


def _role_arn(aws: Aws, stage: Stage, name: str) -> str:
    return _arn_of_role(aws, stage.role(name))


def _arn_of_role(aws: Aws, name: str) -> str:
    try:
        return str(aws.client("iam").get_role(RoleName=name)["Role"]["Arn"])
    except ClientError as error:
        if is_not_found(error):
            return ""
        raise


def _mappings(aws: Aws, stage: Stage, name: str) -> Iterator[Mapping]:
    """Yields the mappings of the function's queue: a mapping outlives its function."""
    arn = aws.location.arn("sqs", f"{stage.stack}-{queue_suffix(name)}")
    pages = aws.client("lambda").get_paginator("list_event_source_mappings")
    for page in pages.paginate(EventSourceArn=arn):
        for row in page["EventSourceMappings"]:
            if row.get("State") != "Deleting":
                yield Mapping(name, row["UUID"], arn, row["FunctionArn"])


def _rules(aws: Aws, stage: Stage) -> Iterator[str]:
    for function in FUNCTIONS:
        name = stage.rule(function.name)
        if function.is_scheduled and _exists(aws.client("events").describe_rule, Name=name):
            yield name


def _exists(describe: Any, **arguments: str) -> bool:
    try:
        describe(**arguments)
    except ClientError as error:
        if is_not_found(error):
            return False
        raise
    return True


def _apis(aws: Aws, stage: Stage) -> list[str]:
    """Returns the ids of the stage's APIs. Chalice names all APIs after the app, so the function
    that an API invokes tells which stage it belongs to."""
    client = aws.client("apigateway")
    target = f":function:{stage.function(API_FUNCTION)}/"
    pages = client.get_paginator("get_rest_apis").paginate()
    named = [row["id"] for page in pages for row in page["items"] if row["name"] == APP]
    own = [api for api in named if target in _invoked_by(client, api)]
    return sorted(own, key=lambda api: not client.get_stages(restApiId=api)["item"])


def _invoked_by(client: Any, api: str) -> str:
    """Returns the ARN that the API's first method invokes; "" if there is none."""
    for page in client.get_paginator("get_resources").paginate(restApiId=api):
        for resource in page["items"]:
            for method in resource.get("resourceMethods", {}):
                target = _integration(client, api, resource["id"], method)
                if target:
                    return target
    return ""


def _integration(client: Any, api: str, resource: str, method: str) -> str:
    try:
        integration = client.get_integration(restApiId=api, resourceId=resource, httpMethod=method)
    except ClientError as error:
        if is_not_found(error):
            return ""
        raise
    # API Gateway answers preflight requests itself, without a URI.
    return str(integration.get("uri", ""))
