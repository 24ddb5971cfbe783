"""The concurrency limit of `execute`, so that running commands never block the other functions."""

from __future__ import annotations

from botocore.exceptions import ClientError

from infra.aws import Aws, error_code
from infra.output import Say

RESERVED_FOR_OTHERS = 10
"""Concurrent invocations left to all functions except `execute`."""

MIN_CONCURRENCY, MAX_CONCURRENCY = 2, 1000
"""The range that Lambda accepts for an event source mapping."""

RETRY_ATTEMPTS = 24
RETRY_SECONDS = 5.0


def limit_concurrency(aws: Aws, mapping: str, say: Say) -> None:
    """Limit the event source mapping of `execute` to the account's concurrency quota, minus a
    reserve for the API, the results and the clock. Chalice leaves this setting alone."""
    client = aws.client("lambda")
    quota = int(client.get_account_settings()["AccountLimit"]["ConcurrentExecutions"])
    limit = min(max(quota - RESERVED_FOR_OTHERS, MIN_CONCURRENCY), MAX_CONCURRENCY)
    current = client.get_event_source_mapping(UUID=mapping).get("ScalingConfig") or {}
    if current.get("MaximumConcurrency") != limit:
        say(f"  at most {limit} commands run at once (the account's concurrency quota is {quota})")
        _update(aws, mapping, limit)
    if quota < 5 * RESERVED_FOR_OTHERS:
        say(
            "  this quota is low: request an increase (Service Quotas, AWS Lambda, Concurrent"
            " executions), then deploy again"
        )


def _update(aws: Aws, mapping: str, limit: int) -> None:
    for attempt in range(RETRY_ATTEMPTS):
        if attempt:
            aws.sleep(RETRY_SECONDS)
        try:
            aws.client("lambda").update_event_source_mapping(
                UUID=mapping, ScalingConfig={"MaximumConcurrency": limit}
            )
            return
        except ClientError as error:
            # Chalice's own update of the mapping may still be in progress.
            is_last = attempt == RETRY_ATTEMPTS - 1
            if error_code(error) != "ResourceInUseException" or is_last:
                raise
