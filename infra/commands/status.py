"""`status`: what is installed, and the state it is in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from infra.aws import Aws
from infra.commands import health
from infra.commands.health import Fetch
from infra.errors import InfraError
from infra.functions import Function, functions_of, places_of
from infra.names import Stage
from infra.resources import domain, function_settings, inventory, stack
from infra.resources.inventory import Inventory
from infra.runtime import Runtime

TASK_QUEUES = ["TasksQueue"]
QUEUES = (*TASK_QUEUES, "ResultsQueue", "TasksDeadQueue", "ResultsDeadQueue")


def lines(aws: Aws, stage: Stage, fetch: Fetch) -> Iterator[str]:
    """Yields the report, line by line."""
    main_stack = stack.describe(aws, stage.stack)
    yield f"stack {stage.stack}: {main_stack.status or 'not found'}"
    if not main_stack.outputs:
        return
    runtime = Runtime.of(main_stack.outputs)
    yield f"runtime: Python {runtime.python}, {runtime.architecture}"
    deployed = inventory.take(aws, stage)
    for function in functions_of(main_stack.outputs):
        yield _function_line(aws, stage, function, deployed, main_stack.outputs)
    for output in QUEUES:
        yield _queue_line(aws, main_stack.outputs[output])
    for place in places_of(main_stack.outputs).rows[1:]:
        yield _queue_line(aws, place.queue)
    yield from _alarm_lines(aws, stage)
    yield from _domain_lines(aws, stage, main_stack.outputs, fetch)
    yield from _api_lines(aws, deployed, main_stack.outputs, fetch)


def url(aws: Aws, stage: Stage) -> str:
    """Returns the URL of the API and the page. Raises InfraError if there is no API."""
    apis = inventory.take(aws, stage).apis
    if not apis:
        raise InfraError(f"stage {stage.name} has no API; run `python -m infra deploy` first")
    return domain.url(aws, stage) or inventory.api_url(aws, apis[0])


def _function_line(
    aws: Aws, stage: Stage, function: Function, deployed: Inventory, outputs: Mapping[str, str]
) -> str:
    name = stage.function(function.name)
    if function.name not in deployed.functions:
        return f"function {name}: not found; run `python -m infra deploy`"
    current = aws.client("lambda").get_function_configuration(FunctionName=name)
    text = f"function {name}: {current.get('State', 'Active')}, {current['MemorySize']} MB"
    return f"{text}, timeout {current['Timeout']} s{_mount(function, current, outputs)}"


def _mount(function: Function, current: Mapping[str, Any], outputs: Mapping[str, str]) -> str:
    if not function.has_database:
        return ""
    if current.get("FileSystemConfigs", []) != function_settings.file_systems(outputs):
        return ", FILE SYSTEM NOT ATTACHED; run `python -m infra deploy`"
    return ", file system attached"


def _queue_line(aws: Aws, name: str) -> str:
    client = aws.client("sqs")
    queue_url = client.get_queue_url(QueueName=name)["QueueUrl"]
    waiting, in_flight = "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"
    counts = client.get_queue_attributes(QueueUrl=queue_url, AttributeNames=[waiting, in_flight])
    attributes = counts["Attributes"]
    return f"queue {name}: {attributes[waiting]} waiting, {attributes[in_flight]} in flight"


def _alarm_lines(aws: Aws, stage: Stage) -> Iterator[str]:
    pages = aws.client("cloudwatch").get_paginator("describe_alarms")
    for page in pages.paginate(AlarmNamePrefix=f"{stage.stack}-", StateValue="ALARM"):
        for alarm in page["MetricAlarms"]:
            yield f"ALARM {alarm['AlarmName']}: {alarm['AlarmDescription']}"


def _domain_lines(
    aws: Aws, stage: Stage, outputs: Mapping[str, str], fetch: Fetch
) -> Iterator[str]:
    domain_stack = stack.describe(aws, stage.domain_stack)
    if domain_stack.status:
        name = (domain_stack.parameters or {}).get("Domain", "")
        yield f"domain {name}: stack {stage.domain_stack} {domain_stack.status}"
    domain_url = domain.url_of(domain_stack)
    if domain_url:
        yield _health_line(aws, domain_url, outputs, fetch)


def _health_line(aws: Aws, api_url: str, outputs: Mapping[str, str], fetch: Fetch) -> str:
    response = health.check(aws, api_url, fetch, auth=outputs["Auth"])
    return f"API {api_url}: {response.status or 'no response'} {response.body.strip()[:500]}"


def _api_lines(
    aws: Aws, deployed: Inventory, outputs: Mapping[str, str], fetch: Fetch
) -> Iterator[str]:
    for api in deployed.apis[:1]:
        yield _health_line(aws, inventory.api_url(aws, api), outputs, fetch)
    for api in deployed.apis[1:]:
        yield f"API {api}: left over from an interrupted deployment; `down` removes it"
