"""What runs cost: their usage times AWS's list prices.

Only usage caused by runs is counted: the executor, and each attempt's share of queues and bucket.
Logs, the tick, and what a month costs without runs are not part of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chalicelib.aws_prices import REGION, price
from chalicelib.database.reads.costs import Usage
from chalicelib.enums import CostBasis

# A task message and its result are each sent, received and deleted; one claim is put. Heartbeats
# and further log chunks of long commands are not counted.
SQS_PER_INVOCATION = 6
PUTS_PER_INVOCATION = 1
REQUESTS_PER_INVOCATION = 1 + SQS_PER_INVOCATION + PUTS_PER_INVOCATION

MS_PER_HOUR = 3_600_000

_KEYS = ("lambda_gb_second", "lambda_request", "sqs_request", "s3_put")
_AS_OF = min(price(key).as_of for key in _KEYS)


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run or DAG has cost, counting attempts that have ended.

    Attributes:
        billed_ms: Milliseconds billed by Lambda, or estimated.
        gb_seconds: Memory times billed time on Lambda.
        fargate_vcpu_hours: Hours billed by Fargate, times vCPUs.
        fargate_gb_hours: Hours billed by Fargate, times memory.
        requests: Requests to Lambda, SQS and S3.
        basis: `billed` uses Lambda's own figures. `estimated` prices the run time of attempts that
            ran elsewhere as 128 MB on Lambda.
        prices: Price list and month.
        since: Earlier runs are not included; null if all kept runs are.
    """

    billed_ms: int
    gb_seconds: float
    fargate_vcpu_hours: float
    fargate_gb_hours: float
    requests: int
    dollars: float
    basis: CostBasis
    prices: str
    since: datetime | None


def cost(usage: Usage, architecture: str = "x86_64") -> Cost:
    """Returns the cost of the usage on functions of that architecture. Rounds to far below the cost
    of one attempt."""
    gb_seconds = usage.mb_ms / 1024 / 1000
    requests = usage.invocations * REQUESTS_PER_INVOCATION + usage.stored_logs
    dollars = usage.invocations * _usd_per_invocation()
    dollars += usage.stored_logs * price("s3_put").usd
    dollars += gb_seconds * price("lambda_gb_second", architecture).usd
    vcpu_hours = usage.fargate_vcpu_ms / MS_PER_HOUR
    gb_hours = usage.fargate_mb_ms / 1024 / MS_PER_HOUR
    dollars += vcpu_hours * price("fargate_vcpu_hour").usd
    dollars += gb_hours * price("fargate_gb_hour").usd
    return Cost(
        billed_ms=usage.billed_ms,
        gb_seconds=round(gb_seconds, 6),
        fargate_vcpu_hours=round(vcpu_hours, 9),
        fargate_gb_hours=round(gb_hours, 9),
        requests=requests,
        dollars=round(dollars, 12),
        basis=_basis(usage),
        prices=f"AWS list prices, {REGION}, {architecture}, {_AS_OF}",
        since=usage.since,
    )


def _usd_per_invocation() -> float:
    queues = SQS_PER_INVOCATION * price("sqs_request").usd
    return price("lambda_request").usd + queues + PUTS_PER_INVOCATION * price("s3_put").usd


def _basis(usage: Usage) -> CostBasis:
    if usage.estimated == 0:
        return CostBasis.BILLED
    if usage.estimated == usage.attempts:
        return CostBasis.ESTIMATED
    return CostBasis.PARTLY_ESTIMATED
