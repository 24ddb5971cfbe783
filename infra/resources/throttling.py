"""The API's rate limit. Even a request without a token invokes a function and reads the database,
so without a limit anybody could use up the account's concurrency."""

from __future__ import annotations

from infra.aws import Aws
from infra.names import API_STAGE

REQUESTS_PER_SECOND, REQUESTS_BURST = 50, 100
"""For the whole API; API Gateway answers 429 to requests above it."""


def throttle(aws: Aws, api: str) -> None:
    """Set the rate limit of the API's stage, which Chalice cannot."""
    limits = {"rateLimit": REQUESTS_PER_SECOND, "burstLimit": REQUESTS_BURST}
    aws.client("apigateway").update_stage(
        restApiId=api,
        stageName=API_STAGE,
        patchOperations=[
            {"op": "replace", "path": f"/*/*/throttling/{name}", "value": str(value)}
            for name, value in limits.items()
        ],
    )
