"""Every assumption about AWS, with its source and date. One table; nothing else here is a number
about AWS."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

Z_90, Z_99 = 1.2816, 2.3263
"""How many standard deviations above the median 90 and 99 percent of a normal distribution end."""


@dataclass(frozen=True, slots=True)
class Latency:
    """A log-normal distribution through two published points: the median, and a higher percentile,
    in milliseconds."""

    median_ms: float
    high_ms: float
    source: str
    as_of: str
    high_z: float = Z_99

    def sample(self, random_: random.Random) -> float:
        """Seconds."""
        sigma = math.log(self.high_ms / self.median_ms) / self.high_z
        return self.median_ms / 1000 * math.exp(sigma * random_.gauss(0.0, 1.0))


LATENCIES: dict[str, Latency] = {
    "sqs_delivery": Latency(
        16.2,
        33.8,
        "from sending to a standard queue to the start of the function: p50 16.2 ms, p90 33.8 ms"
        " (p99 105 ms); bitesizedserverless.com, Serverless Messaging: Latency Compared,"
        " eu-west-1, 1,024 messages",
        "2022-09",
        Z_90,
    ),
    "sqs_request": Latency(
        7.0,
        30.0,
        "one request of a client in the region; assumed: less than half of the delivery above,"
        " which contains one",
        "2026-11",
    ),
    "claim_dynamodb": Latency(
        5.0,
        20.0,
        "a conditional PutItem: single-digit milliseconds; AWS Database Blog, Understanding Amazon"
        " DynamoDB latency. The p99 is assumed",
        "2023-06",
    ),
    "claim_s3": Latency(
        28.0,
        120.0,
        "a conditional PutObject of a small object: 20 to 40 ms as measured by many; S3's"
        " performance guidelines say 100 to 200 ms for the slow ones",
        "2025-06",
    ),
    "efs_read": Latency(
        0.5,
        3.0,
        "one NFS call that changes nothing. EFS promises as low as 0.25 ms (Amazon EFS"
        " performance, Regional, General Purpose); assumed: twice that at the median",
        "2025-06",
    ),
    "efs_write": Latency(
        3.2,
        12.0,
        "one NFS call that writes: as low as 2.7 ms (same page); assumed: a fifth more at the"
        " median",
        "2025-06",
    ),
    "cold_start": Latency(
        300.0,
        1000.0,
        "a new sandbox of Python 3.13, until its own code begins: p50 200 to 400 ms, p99 0.8 to"
        " 1.2 s; edjgeek.com, Cold Starts Are Dead",
        "2026-04",
    ),
    "efs_mount": Latency(
        250.0,
        900.0,
        "in addition, for functions in a VPC with EFS; assumed: published figures range from"
        " nothing noticeable to some hundred milliseconds",
        "2026-11",
    ),
    "api_gateway": Latency(
        20.0, 80.0, "a request through API Gateway, without the function; assumed", "2026-11"
    ),
    "schedule": Latency(
        500.0,
        20_000.0,
        "EventBridge's rule after the full minute; trek10.com, How Reliable is Lambda Cron in 2022:"
        " most within a few seconds, some near the end of the minute",
        "2022-02",
    ),
}


@dataclass(frozen=True, slots=True)
class Fact:
    value: float
    source: str
    as_of: str


FACTS: dict[str, Fact] = {
    "pollers_at_start": Fact(
        5,
        "Lambda starts with five concurrent batches of a standard queue (Developer Guide,"
        " Configuring scaling behavior for SQS event source mappings)",
        "2026-11",
    ),
    "pollers_per_second": Fact(5, "300 more a minute (same page); assumed to be even", "2026-11"),
    "most_pollers": Fact(1250, "at most (same page)", "2026-11"),
    "pollers_kept_seconds": Fact(
        60, "how long after the last message the pollers stay; assumed", "2026-11"
    ),
    "provisioned_per_poller": Fact(
        10,
        "concurrent invocations of one provisioned poller (AWS News Blog, provisioned mode for SQS"
        " event source mappings)",
        "2025-11",
    ),
    "provisioned_per_second": Fact(1000 / 60, "1,000 a minute (same post)", "2025-11"),
    "mb_of_a_processor": Fact(
        1769, "memory that buys one vCPU (Lambda Developer Guide, memory)", "2026-11"
    ),
    "processor_period_ms": Fact(
        20,
        "Lambda's share of a processor is enforced in periods of 20 ms, so a short burst runs at"
        " full speed; mustafaakin.dev, How does proportional CPU allocation work with AWS Lambda",
        "2018-01",
    ),
    "own_start_seconds": Fact(
        0.36,
        "processor time of our own imports in a cold start, at full speed, which Lambda grants"
        " while a function starts (`tests.bench cold`)",
        "2026-11",
    ),
    "efs_writes_after_own": Fact(
        6.7,
        "NFS calls that write, of a small commit after one of this host, counted on a real NFSv4.1"
        " server (`tests/nfs/run`, check `cost`)",
        "2026-11",
    ),
    "efs_calls_after_own": Fact(22.6, "the other calls of that commit", "2026-11"),
    "efs_writes_after_others": Fact(7.3, "the same, after a commit of another host", "2026-11"),
    "efs_calls_after_others": Fact(34.5, "the other calls of that commit", "2026-11"),
    "efs_calls_of_a_read": Fact(13, "of a read of one row (same check)", "2026-11"),
    "efs_pages_per_row": Fact(
        0.21, "more calls for each changed row: 21 for a hundred (same server)", "2026-11"
    ),
    "efs_writes_at_once": Fact(
        8, "pages of a large commit that Linux's NFS client has under way; assumed", "2026-11"
    ),
    "processor_ms_per_transaction": Fact(
        0.6, "of the scheduler, at full speed; measured in this simulation", "2026-11"
    ),
    "processor_ms_per_row": Fact(
        0.1, "of the scheduler, for each changed row (same measurement)", "2026-11"
    ),
    "processor_ms_per_request": Fact(
        1.5, "of boto3, for each request of SQS, S3 or DynamoDB", "2026-11"
    ),
    "processor_ms_before_command": Fact(
        3.0, "of the executor, from the message to the start of the command", "2026-11"
    ),
    "first_heartbeat_seconds": Fact(2, "chalicelib/executor/supervisor.py", "2026-11"),
    "heartbeat_seconds": Fact(30, "chalicelib/config.py", "2026-11"),
    "lock_retry_ms": Fact(
        135, "mean wait between two tries for the database's lock: 20 to 250 ms", "2026-11"
    ),
}


def fact(name: str) -> float:
    return FACTS[name].value
