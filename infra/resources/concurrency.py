"""The concurrency limits of the functions that run commands, so that these never block the other
functions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.places import DEFAULT_FUNCTION, LAUNCH_FUNCTION
from infra.aws import Aws, error_code
from infra.output import Say
from infra.resources.inventory import Mapping

RESERVED_FOR_OTHERS = 10
"""Concurrent invocations left to all functions except `execute`."""

MIN_CONCURRENCY, MAX_CONCURRENCY = 2, 1000
"""The range that Lambda accepts for an event source mapping."""

LAUNCH_CONCURRENCY = 5
"""ECS accepts some twenty starts a second."""

RETRY_ATTEMPTS = 24
RETRY_SECONDS = 5.0


def limit_all(aws: Aws, mappings: Iterable[Mapping], say: Say) -> None:
    """Limit the event source mappings of the functions that run commands, which share the account's
    concurrency quota, minus a reserve for the API, the results and the clock. Chalice leaves this
    setting alone."""
    client = aws.client("lambda")
    quota = int(client.get_account_settings()["AccountLimit"]["ConcurrentExecutions"])
    executors = [m for m in mappings if m.function.split("_")[0] == DEFAULT_FUNCTION]
    share = (quota - RESERVED_FOR_OTHERS) // max(len(executors), 1)
    limit = min(max(share, MIN_CONCURRENCY), MAX_CONCURRENCY)
    for mapping in executors:
        if _current(aws, mapping).get("ScalingConfig", {}).get("MaximumConcurrency") != limit:
            say(
                f"  {mapping.function}: at most {limit} commands run at once (the account's"
                f" concurrency quota is {quota})"
            )
            _update(aws, mapping, ScalingConfig={"MaximumConcurrency": limit})
    for mapping in mappings:
        if mapping.function == LAUNCH_FUNCTION:
            _let_launch_put_back(aws, mapping)
    if quota < 5 * RESERVED_FOR_OTHERS:
        say(
            "  this quota is low: request an increase (Service Quotas, AWS Lambda, Concurrent"
            " executions), then deploy again"
        )


def _let_launch_put_back(aws: Aws, mapping: Mapping) -> None:
    """Let `launch` put messages back without failing: Fargate may have no room for now."""
    answers = ["ReportBatchItemFailures"]
    if _current(aws, mapping).get("FunctionResponseTypes") != answers:
        limit = {"MaximumConcurrency": LAUNCH_CONCURRENCY}
        _update(aws, mapping, FunctionResponseTypes=answers, ScalingConfig=limit)


def _current(aws: Aws, mapping: Mapping) -> dict[str, Any]:
    found = aws.client("lambda").get_event_source_mapping(UUID=mapping.uuid)
    return {name: value for name, value in found.items() if value}


def _update(aws: Aws, mapping: Mapping, **changes: Any) -> None:
    for attempt in range(RETRY_ATTEMPTS):
        if attempt:
            aws.sleep(RETRY_SECONDS)
        try:
            aws.client("lambda").update_event_source_mapping(UUID=mapping.uuid, **changes)
            return
        except ClientError as error:
            # Chalice's own update of the mapping may still be in progress.
            is_last = attempt == RETRY_ATTEMPTS - 1
            if error_code(error) != "ResourceInUseException" or is_last:
                raise
