"""`status`: what is installed, and how it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from infra import domain, finishing, health, inventory, stack
from infra.aws import Aws
from infra.errors import InfraError
from infra.functions import FUNCTIONS, Function
from infra.health import Fetch
from infra.inventory import Inventory
from infra.naming import Stage
from infra.runtime import Runtime

QUEUES = ("TasksQueue", "ResultsQueue", "TasksDeadQueue", "ResultsDeadQueue")


def lines(aws: Aws, stage: Stage, fetch: Fetch) -> Iterator[str]:
    """The report, line by line."""
    found = stack.find(aws, stage.stack)
    yield f"stack {stage.stack}: {found.status or 'not there'}"
    if not found.outputs:
        return
    runtime = Runtime.of(found.outputs)
    yield f"functions on Python {runtime.python}, {runtime.architecture}"
    made = inventory.take(aws, stage)
    for function in FUNCTIONS:
        yield _function_line(aws, stage, function, made, found.outputs)
    for output in QUEUES:
        yield _queue_line(aws, found.outputs[output])
    yield from _alarm_lines(aws, stage)
    yield from _domain_lines(aws, stage, found.outputs, fetch)
    yield from _api_lines(aws, made, found.outputs, fetch)


def url(aws: Aws, stage: Stage) -> str:
    """Where the API and the page are. Raises InfraError where there is no API."""
    apis = inventory.take(aws, stage).apis
    if not apis:
        raise InfraError(f"stage {stage.name} has no API; run `python -m infra deploy` first")
    return domain.url(aws, stage) or inventory.api_url(aws, apis[0])


def _function_line(
    aws: Aws, stage: Stage, function: Function, made: Inventory, outputs: Mapping[str, str]
) -> str:
    name = stage.function(function.name)
    if function.name not in made.functions:
        return f"function {name}: not there; run `python -m infra deploy`"
    now = aws.client("lambda").get_function_configuration(FunctionName=name)
    text = f"function {name}: {now.get('State', 'Active')}, {now['MemorySize']} MB"
    return f"{text}, {now['Timeout']} s{_lack(function, now, outputs)}"


def _lack(function: Function, now: Mapping[str, Any], outputs: Mapping[str, str]) -> str:
    if not function.has_database:
        return ""
    if now.get("FileSystemConfigs", []) != finishing.file_systems(outputs):
        return ", WITHOUT ITS FILE SYSTEM; run `python -m infra deploy`"
    return ", file system attached"


def _queue_line(aws: Aws, name: str) -> str:
    client = aws.client("sqs")
    url = client.get_queue_url(QueueName=name)["QueueUrl"]
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    counts = client.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return f"queue {name}: {counts[names[0]]} waiting, {counts[names[1]]} in work"


def _alarm_lines(aws: Aws, stage: Stage) -> Iterator[str]:
    pages = aws.client("cloudwatch").get_paginator("describe_alarms")
    for page in pages.paginate(AlarmNamePrefix=f"{stage.stack}-", StateValue="ALARM"):
        for alarm in page["MetricAlarms"]:
            yield f"ALARM {alarm['AlarmName']}: {alarm['AlarmDescription']}"


def _domain_lines(
    aws: Aws, stage: Stage, outputs: Mapping[str, str], fetch: Fetch
) -> Iterator[str]:
    found = stack.find(aws, stage.domain_stack)
    if found.status:
        name = (found.parameters or {}).get("Domain", "")
        yield f"domain {name}: stack {stage.domain_stack} {found.status}"
    url = domain.url_of(found)
    if url:
        yield _answer_line(aws, url, outputs, fetch)


def _answer_line(aws: Aws, url: str, outputs: Mapping[str, str], fetch: Fetch) -> str:
    answer = health.ask_once(aws, url, fetch, auth=outputs["Auth"])
    return f"API {url}: {answer.status or 'no answer'} {answer.body.strip()[:500]}"


def _api_lines(
    aws: Aws, made: Inventory, outputs: Mapping[str, str], fetch: Fetch
) -> Iterator[str]:
    for api in made.apis[:1]:
        yield _answer_line(aws, inventory.api_url(aws, api), outputs, fetch)
    for api in made.apis[1:]:
        yield f"API {api}: left over from a deployment that was broken off; `down` removes it"
