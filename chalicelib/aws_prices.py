"""AWS's list prices: us-east-1, in US dollars, without free tier and taxes.

They were correct in the month given with each; AWS's own price lists are authoritative. The cost of
runs (`web/costs.py`) and the estimated bill (`infra/cost.py`) use this table.
"""

from __future__ import annotations

from dataclasses import dataclass

REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Price:
    """`usd` per `unit`; `as_of` is a year and month."""

    service: str
    unit: str
    usd: float
    as_of: str


MILLION = 1e6

PRICES: dict[str, Price] = {
    "lambda_request": Price("Lambda", "request", 0.20 / MILLION, "2026-11"),
    "lambda_gb_second": Price("Lambda", "GB-second", 0.0000166667, "2026-11"),
    "fargate_vcpu_hour": Price("Fargate", "vCPU-hour", 0.04048, "2026-11"),
    "fargate_gb_hour": Price("Fargate", "GB-hour", 0.004445, "2026-11"),
    "ipv4_hour": Price("VPC", "public IPv4 hour", 0.005, "2024-02"),
    "sqs_request": Price("SQS", "request", 0.40 / MILLION, "2026-11"),
    "sqs_fair_request": Price("SQS", "fair-queue request", 0.10 / MILLION, "2026-03"),
    "dynamodb_write": Price("DynamoDB", "write request", 0.625 / MILLION, "2026-11"),
    "dynamodb_read": Price("DynamoDB", "read request", 0.125 / MILLION, "2026-11"),
    "dynamodb_gb_month": Price("DynamoDB", "GB-month", 0.25, "2026-11"),
    "s3_put": Price("S3", "PUT or LIST", 5.00 / MILLION, "2026-11"),
    "s3_get": Price("S3", "GET", 0.40 / MILLION, "2025-06"),
    "s3_gb_month": Price("S3", "GB-month", 0.023, "2025-06"),
    "api_request": Price("API Gateway", "request", 3.50 / MILLION, "2026-11"),
    "efs_gb_read": Price("EFS", "GB read", 0.03, "2025-06"),
    "efs_gb_written": Price("EFS", "GB written", 0.06, "2025-06"),
    "efs_gb_month": Price("EFS", "GB-month", 0.30, "2025-06"),
    "backup_gb_month": Price("AWS Backup", "GB-month", 0.05, "2025-06"),
    "endpoint_hour": Price("VPC endpoint", "hour per zone", 0.01, "2026-11"),
    "endpoint_gb": Price("VPC endpoint", "GB", 0.01, "2025-06"),
    "logs_gb": Price("CloudWatch", "GB ingested", 0.50, "2025-06"),
    "alarm_month": Price("CloudWatch", "alarm-month", 0.10, "2025-06"),
}

ARM64_PRICES: dict[str, Price] = {
    "lambda_gb_second": Price("Lambda", "GB-second", 0.0000133334, "2026-11"),
}
"""Prices that differ if the functions run on arm64."""


def price(key: str, architecture: str = "x86_64") -> Price:
    """Returns a price by its key in the table."""
    return (ARM64_PRICES.get(key) if architecture == "arm64" else None) or PRICES[key]
