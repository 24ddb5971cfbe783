"""Estimates the bill of a month: the usage of each service, times its price. Pure.

`python -m tests.bench cost` counts the usage. It is rounded up where AWS is slower than the local
cloud, and assumes one message per task, as in a chain.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from chalicelib.aws_prices import REGION, Price, price
from chalicelib.enums import PlaceKind
from chalicelib.fargate_sizes import FargateSize, round_up

HOURS = 730
"""In a month."""

MINUTES = HOURS * 60

DATABASE_FUNCTION_MB = 512
"""Memory of each function that opens the database, except `apply`."""

APPLY_FUNCTION_MB = 1024

LAUNCH_MB, LAUNCH_SECONDS = 256, 0.5
"""Memory and time of `launch` for each task on Fargate."""

FARGATE_MIN_SECONDS = 60.0
"""The least that Fargate bills for a task."""

FARGATE_START_SECONDS = 20.0
"""Of fetching the image, which Fargate bills. An estimate."""

PART_MB = 8.0
"""Larger artifacts are uploaded in parts of this size."""

RETENTION_MONTHS = 3

OVERHEAD_SECONDS = 0.15
"""Time of `execute` in addition to the command's: claim, log, result."""

RESULTS_PER_APPLY = 2.4
"""Average results per invocation of `apply`: 1 in a chain, hundreds in a fan-out."""

APPLY_SECONDS = 0.1

SHORT_COMMAND_SECONDS = 1.5
"""The log of a shorter command is part of its result. A longer command's log is uploaded while it
runs, at most every `FLUSH_SECONDS`."""

FLUSH_SECONDS = 10.0
FIRST_CANCEL_CHECK_SECONDS = 3.0
CANCEL_CHECK_SECONDS = 5.0

CLAIM_GB = 400e-9
"""Of an item with its key, its claim and the 100 bytes that DynamoDB adds."""

CLAIM_MONTHS = 1.05
"""DynamoDB removes an item within a few days after its 30."""

LOGS_READ_SHARE = 0.1
"""Share of the logs that somebody reads."""

FIRST_HEARTBEAT_SECONDS = 2.0
HEARTBEAT_SECONDS = 30.0

COLD_START_SHARE = 0.02
"""Share of the invocations of `execute` that start a new sandbox; Lambda bills the start, too."""

COLD_START_SECONDS = 0.4

METADATA_READS, METADATA_WRITES = 22, 2
"""NFS requests per transaction that carry no data: open, close, lock, getattr. Counted on an
NFSv4.1 server (`tests/nfs`, check `cost`): 19 to 22. The writes are a reserve for changed
attributes."""

MIN_METERED_GB = 4096e-9
"""The least that EFS meters for a request."""

FILE_SYSTEM_COPIES = 7
"""AWS Backup copies a changed file as a whole, daily, and keeps the copies for a week."""

BACKUPS_PER_DATABASE = 23 / 4
"""Size of all backups in S3, relative to the database: 23 are kept, compressed to a quarter."""

TAB_REQUESTS_PER_HOUR = 60 * (4 + 1)
"""Of a tab while nothing changes: whether something has (`QUIET_MS` of `lib/changes.js`), and the
health. While things happen it asks every two seconds, and fetches what has changed."""

POLLS_PER_HOUR = 5 * 180
"""Lambda polls an idle queue with five long polls of 20 seconds."""


@dataclass(frozen=True, slots=True)
class Load:
    """A month's work: `tasks` commands, each running for `seconds` in `memory_mb` at a place of the
    `kind`, on Fargate with `vcpu`. `artifact_mb`: what each hands on to another task. `tab_hours`:
    how long a tab of the page is open and seen. `zones` of the interface endpoint; 0 with IPv6."""

    tasks: int
    seconds: float
    memory_mb: int
    api_requests: int = 10_000
    tab_hours: float = 160.0
    zones: int = 1
    architecture: str = "x86_64"
    kind: PlaceKind = PlaceKind.LAMBDA
    vcpu: float | None = None
    artifact_mb: float = 0.0

    @property
    def size(self) -> FargateSize:
        """What Fargate sells for it. Raises ValueError if it sells none so large."""
        size = round_up(self.vcpu, self.memory_mb)
        if size is None:
            raise ValueError("Fargate sells no size that large")
        return size


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the bill. `key` is one of the price table; `amount` is in the price's unit."""

    usage: str
    key: str
    amount: float
    architecture: str = "x86_64"

    @property
    def price(self) -> Price:
        return price(self.key, self.architecture)

    @property
    def usd(self) -> float:
        return self.amount * self.price.usd

    @property
    def service(self) -> str:
        return self.price.service


def items(load: Load) -> list[Item]:
    """Returns the bill of the month."""
    return [*_priced(load, _task_items(load)), *_priced(load, _fixed_items(load))]


def _priced(load: Load, bill: Iterator[Item]) -> list[Item]:
    return [replace(item, architecture=load.architecture) for item in bill]


def total(bill: list[Item]) -> float:
    return sum(item.usd for item in bill)


def fixed_usd(load: Load) -> float:
    """Returns the cost of a month without tasks."""
    return total(_priced(load, _fixed_items(load)))


def tasks_usd(load: Load) -> float:
    """Returns the additional cost of the month's tasks."""
    return total(_priced(load, _task_items(load)))


def by_service(bill: list[Item]) -> dict[str, float]:
    """Returns USD by service, most expensive first."""
    sums: dict[str, float] = {}
    for item in bill:
        sums[item.service] = sums.get(item.service, 0.0) + item.usd
    return dict(sorted(sums.items(), key=lambda pair: -pair[1]))


def _task_items(load: Load) -> Iterator[Item]:
    tasks, seconds = load.tasks, load.seconds
    beats = 1 + int(seconds / HEARTBEAT_SECONDS) if seconds > FIRST_HEARTBEAT_SECONDS else 0
    chunks = 1 + int(seconds / FLUSH_SECONDS) if seconds > SHORT_COMMAND_SECONDS else 0
    results = tasks * (1 + beats)
    applies = results / RESULTS_PER_APPLY
    apply_gb_seconds = applies * APPLY_SECONDS * APPLY_FUNCTION_MB / 1024
    yield from _compute_items(load)
    yield from _artifact_items(load)
    yield Item("apply, requests", "lambda_request", applies)
    yield Item("apply, GB-seconds", "lambda_gb_second", apply_gb_seconds)
    yield Item("task messages", "sqs_request", tasks * 3)
    yield Item("task messages, fair queue", "sqs_fair_request", tasks * 3)
    yield Item("results", "sqs_request", results + 2 * applies)
    yield Item("claims", "dynamodb_write", tasks)
    yield Item("claims, stored", "dynamodb_gb_month", tasks * CLAIM_GB * CLAIM_MONTHS)
    yield Item("cancel marks checked", "dynamodb_read", tasks * cancel_checks(seconds))
    yield Item("logs", "s3_put", tasks * chunks)
    yield Item("logs read", "s3_get", tasks * chunks * LOGS_READ_SHARE)
    yield Item("logs, stored", "s3_gb_month", tasks * 4e-6 * chunks * 3)
    yield Item("database, read", "efs_gb_read", applies * 210e-6)
    yield Item("database, written", "efs_gb_written", applies * 76e-6)
    yield Item("database, metadata read", "efs_gb_read", applies * METADATA_READS * MIN_METERED_GB)
    yield Item(
        "database, metadata written", "efs_gb_written", applies * METADATA_WRITES * MIN_METERED_GB
    )
    yield Item("database, stored", "efs_gb_month", tasks * 1.5e-6 * 3)
    yield Item("backups, stored", "s3_gb_month", tasks * 1.5e-6 * 3 * BACKUPS_PER_DATABASE)
    yield Item("file system, backups", "backup_gb_month", tasks * 1.5e-6 * 3 * FILE_SYSTEM_COPIES)
    on_lambda = 0 if load.kind is PlaceKind.WORKER else tasks
    yield Item("function logs", "logs_gb", (on_lambda + applies) * 0.6e-6)
    if load.zones:
        yield Item("endpoint traffic", "endpoint_gb", tasks * 4e-6)


def _compute_items(load: Load) -> Iterator[Item]:
    """Yields what the commands' machines cost; those of workers are not on this bill."""
    tasks, seconds = load.tasks, load.seconds
    if load.kind is PlaceKind.LAMBDA:
        cold_start = COLD_START_SHARE * COLD_START_SECONDS
        billed = tasks * (seconds + OVERHEAD_SECONDS + cold_start) * load.memory_mb / 1024
        yield Item("execute, requests", "lambda_request", tasks)
        yield Item("execute, GB-seconds", "lambda_gb_second", billed)
    elif load.kind is PlaceKind.FARGATE:
        hours = tasks * max(FARGATE_MIN_SECONDS, seconds + FARGATE_START_SECONDS) / 3600
        yield Item("launch, requests", "lambda_request", tasks)
        launching = tasks * LAUNCH_SECONDS * LAUNCH_MB / 1024
        yield Item("launch, GB-seconds", "lambda_gb_second", launching)
        yield Item("commands, vCPU", "fargate_vcpu_hour", hours * load.size.vcpu)
        yield Item("commands, memory", "fargate_gb_hour", hours * load.size.memory_mb / 1024)
        yield Item("commands, public addresses", "ipv4_hour", hours)


def _artifact_items(load: Load) -> Iterator[Item]:
    """Yields what it costs that each task hands on a file, which another one reads."""
    if not load.artifact_mb:
        return
    parts = math.ceil(load.artifact_mb / PART_MB)
    puts = 1 if parts == 1 else parts + 2  # the upload's beginning and end are requests, too
    gb_months = load.tasks * load.artifact_mb / 1000 * RETENTION_MONTHS
    yield Item("artifacts, written", "s3_put", load.tasks * puts)
    yield Item("artifacts, read", "s3_get", load.tasks)
    yield Item("artifacts, stored", "s3_gb_month", gb_months)


def cancel_checks(seconds: float) -> int:
    """Returns how often a command that runs for so long is checked for a cancel mark."""
    if seconds < FIRST_CANCEL_CHECK_SECONDS:
        return 0
    return 1 + int((seconds - FIRST_CANCEL_CHECK_SECONDS) / CANCEL_CHECK_SECONDS)


def _fixed_items(load: Load) -> Iterator[Item]:
    yield Item("tick, requests", "lambda_request", MINUTES)
    yield Item("tick, GB-seconds", "lambda_gb_second", MINUTES * 0.3 * DATABASE_FUNCTION_MB / 1024)
    yield Item("tick, dead letters checked", "sqs_request", MINUTES)
    yield Item("tick, dags bucket listed", "s3_put", MINUTES / 5)
    yield Item("tick, database read", "efs_gb_read", MINUTES * 60e-6)
    yield Item("tick, database written", "efs_gb_written", MINUTES * 40e-6)
    yield Item("tick, metadata read", "efs_gb_read", MINUTES * METADATA_READS * MIN_METERED_GB)
    yield Item(
        "tick, metadata written", "efs_gb_written", MINUTES * METADATA_WRITES * MIN_METERED_GB
    )
    yield Item("idle queues polled", "sqs_request", 2 * POLLS_PER_HOUR * HOURS)
    yield Item("tick logs", "logs_gb", MINUTES * 0.8e-6)
    yield Item("API requests", "api_request", load.api_requests)
    yield Item("API, function requests", "lambda_request", load.api_requests)
    yield Item(
        "API, GB-seconds", "lambda_gb_second", load.api_requests * 0.1 * DATABASE_FUNCTION_MB / 1024
    )
    yield from _tab_items(load)
    yield Item("database, minimum", "efs_gb_month", 0.05)
    yield Item("database, backups", "backup_gb_month", 0.05 * FILE_SYSTEM_COPIES)
    yield Item("alarms", "alarm_month", 13)
    if load.zones:
        yield Item("SQS endpoint", "endpoint_hour", load.zones * HOURS)


def _tab_items(load: Load) -> Iterator[Item]:
    requests = load.tab_hours * TAB_REQUESTS_PER_HOUR
    yield Item("open tab, requests", "api_request", requests)
    yield Item("open tab, function requests", "lambda_request", requests)
    seconds = requests * 0.1
    yield Item("open tab, GB-seconds", "lambda_gb_second", seconds * DATABASE_FUNCTION_MB / 1024)
    metadata_gb = requests * METADATA_READS * MIN_METERED_GB
    yield Item("open tab, metadata read", "efs_gb_read", metadata_gb)


def tab_hour_usd(load: Load) -> float:
    """Returns what an open tab of the page costs in an hour in which nothing changes."""
    return total(list(_tab_items(replace(load, tab_hours=1.0))))


NOT_INCLUDED = "not included: the hosted zone of a custom domain (Route 53, 0.50 a month)"

WITHOUT_ARTIFACTS = (
    "artifacts: 0 assumed; --artifact-mb MB counts a file of that size that each task hands on"
)


def table(load: Load) -> Iterator[str]:
    """Yields the bill as lines of text."""
    bill = items(load)
    region = f"{REGION}, arm64" if load.architecture == "arm64" else REGION
    yield f"{load.tasks:,} tasks of {load.seconds:g} s {_where(load)}, one month, {region}"
    yield f"{'service':<14}{'usage':<32}{'amount':>16}  {'unit':<20}{'USD':>9}  price of"
    for service, usd in by_service(bill).items():
        for item in bill:
            if item.service == service:
                yield _line(item)
        yield f"{service:<14}{'':<32}{'':>16}  {'sum':<20}{usd:>9.2f}"
    yield NOT_INCLUDED
    tab = f"{tab_hour_usd(load):.4f} an hour"
    yield f"open tab of the page: {tab}, {load.tab_hours:g} hours a month (--tab-hours)"
    if not load.artifact_mb:
        yield WITHOUT_ARTIFACTS
    for name, usd in (("tasks", tasks_usd(load)), ("fixed", fixed_usd(load))):
        yield f"{name:<84}{usd:>9.2f}"
    yield f"arm64 {_saving(load)} (`deploy --architecture`)"
    yield f"{'total':<84}{total(bill):>9.2f}"


def _where(load: Load) -> str:
    if load.kind is PlaceKind.WORKER:
        return "on workers of your own, whose machines are not on this bill"
    if load.kind is PlaceKind.FARGATE:
        return f"on Fargate ({load.size.vcpu:g} vCPU, {load.size.memory_mb} MB)"
    return f"in {load.memory_mb} MB"


def _saving(load: Load) -> str:
    """Returns what arm64 saves, or would save."""
    x86, arm = (total(items(replace(load, architecture=a))) for a in ("x86_64", "arm64"))
    saved = f"{x86 - arm:.2f} USD of {x86:.2f} ({(x86 - arm) / x86:.0%})"
    return f"saves {saved}" if load.architecture == "arm64" else f"would save {saved}"


def _line(item: Item) -> str:
    price = item.price
    text = f"{item.service:<14}{item.usage:<32}{item.amount:>16,.2f}  {price.unit:<20}"
    return f"{text}{item.usd:>9.2f}  {price.as_of}"
