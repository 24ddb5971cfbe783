"""What runs cost: their usage times AWS's list prices. Update `AS_OF` along with the prices.

Covers what grows with the work: the executor, and each attempt's share of queues and bucket.
Excludes the fixed cost of a month, such as the tick and CloudWatch logs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chalicelib.database.reads.costs import Usage
from chalicelib.enums import CostBasis

AS_OF = "2026-11"
REGION = "us-east-1"

# US dollars.
LAMBDA_GB_SECOND = 0.0000166667
LAMBDA_REQUEST = 0.20 / 1_000_000
SQS_REQUEST = 0.40 / 1_000_000
S3_PUT = 5.00 / 1_000_000

# A task message and a result are each sent, received and deleted; a claim is put, and a log chunk
# unless the result carries the log. Heartbeats and further chunks of long commands come on top.
SQS_PER_INVOCATION = 6
PUTS_PER_INVOCATION = 1
REQUESTS_PER_INVOCATION = 1 + SQS_PER_INVOCATION + PUTS_PER_INVOCATION


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run or DAG has cost, counting attempts that have ended.

    Attributes:
        billed_ms: Milliseconds billed by Lambda, or estimated.
        gb_seconds: Memory times billed time.
        requests: Requests to Lambda, SQS and S3.
        basis: `billed` uses Lambda's own figures. `estimated` prices the run time of attempts that
            ran elsewhere as 128 MB on Lambda.
        prices: Price list and month.
        since: Earlier runs are not included; null if all kept runs are.
    """

    billed_ms: int
    gb_seconds: float
    requests: int
    dollars: float
    basis: CostBasis
    prices: str
    since: datetime | None


def cost(usage: Usage) -> Cost:
    """The cost of some usage, rounded far below the cost of one attempt."""
    gb_seconds = usage.mb_ms / 1024 / 1000
    requests = usage.invocations * REQUESTS_PER_INVOCATION + usage.stored_logs
    dollars = usage.invocations * _PER_INVOCATION + usage.stored_logs * S3_PUT
    dollars += gb_seconds * LAMBDA_GB_SECOND
    return Cost(
        billed_ms=usage.billed_ms,
        gb_seconds=round(gb_seconds, 6),
        requests=requests,
        dollars=round(dollars, 12),
        basis=_basis(usage),
        prices=f"AWS list prices, {REGION}, {AS_OF}",
        since=usage.since,
    )


_PER_INVOCATION = LAMBDA_REQUEST + SQS_PER_INVOCATION * SQS_REQUEST + PUTS_PER_INVOCATION * S3_PUT


def _basis(usage: Usage) -> CostBasis:
    if usage.estimated == 0:
        return CostBasis.BILLED
    if usage.estimated == usage.attempts:
        return CostBasis.ESTIMATED
    return CostBasis.PARTLY_ESTIMATED
