"""The one table of prices: us-east-1, in USD, without the free tier and without taxes.

They are AWS's list prices as they were known on the day beside them; AWS's own pages decide.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Price:
    """`usd` for one `unit`."""

    service: str
    unit: str
    usd: float
    as_of: str


MILLION = 1e6

PRICES: dict[str, Price] = {
    "lambda_request": Price("Lambda", "request", 0.20 / MILLION, "2026-11"),
    "lambda_gb_second": Price("Lambda", "GB-second", 0.0000166667, "2026-11"),
    "sqs_request": Price("SQS", "request", 0.40 / MILLION, "2026-11"),
    "sqs_fair_request": Price("SQS", "request of a group", 0.10 / MILLION, "2026-03"),
    "s3_put": Price("S3", "PUT or LIST", 5.00 / MILLION, "2026-11"),
    "s3_get": Price("S3", "GET", 0.40 / MILLION, "2025-06"),
    "s3_gb_month": Price("S3", "GB-month", 0.023, "2025-06"),
    "api_request": Price("API Gateway", "request", 3.50 / MILLION, "2026-11"),
    "efs_gb_read": Price("EFS", "GB read", 0.03, "2025-06"),
    "efs_gb_written": Price("EFS", "GB written", 0.06, "2025-06"),
    "efs_gb_month": Price("EFS", "GB-month", 0.30, "2025-06"),
    "backup_gb_month": Price("AWS Backup", "GB-month", 0.05, "2025-06"),
    "endpoint_hour": Price("VPC endpoint", "zone and hour", 0.01, "2026-11"),
    "endpoint_gb": Price("VPC endpoint", "GB", 0.01, "2025-06"),
    "logs_gb": Price("CloudWatch", "GB of log taken in", 0.50, "2025-06"),
    "alarm_month": Price("CloudWatch", "alarm and month", 0.10, "2025-06"),
}

ARM_PRICES: dict[str, Price] = {
    "lambda_gb_second": Price("Lambda", "GB-second", 0.0000133334, "2026-11"),
}
"""What costs something else where the functions run on arm64."""


def price(of: str, architecture: str) -> Price:
    """`of` is a key of the table."""
    return (ARM_PRICES.get(of) if architecture == "arm64" else None) or PRICES[of]


@dataclass(frozen=True, slots=True)
class Other:
    """What somebody else takes for the same work: USD for each task of a second, and a month."""

    what: str
    price: str
    as_of: str
    a_task: float = 0.0
    a_month: float = 0.0


OTHERS: tuple[Other, ...] = (
    Other(
        "Step Functions, standard: one state transition a task, without what runs the command",
        "0.025 per 1,000",
        "2026-11",
        a_task=0.025 / 1000,
    ),
    Other(
        "Amazon MWAA Serverless (managed serverless Airflow): each task at least a minute",
        "0.10 an hour",
        "2025-11",
        a_task=0.10 / 60,
    ),
    Other(
        "Amazon MWAA (managed Airflow), smallest environment, however many tasks it can take",
        "0.49 an hour",
        "2026-11",
        a_month=0.49 * 730,
    ),
)
