"""What a month costs: how much of each thing a task uses, times the table of prices. Pure.

The amounts are those that `python -m tests.bench cost` counts, rounded up where AWS is slower than
a local cloud, and with a message of its own for each task, as in a chain.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from infra.prices import OTHERS, PRICES, Price, price

HOURS = 730
MINUTES = HOURS * 60

DECIDING_MB = 512
"""Memory of each function that opens the database."""

OVERHEAD_SECONDS = 0.15
"""What `execute` takes around a command: the claim, the log, the report."""

REPORTS_TOGETHER = 2.4
"""Reports that one `apply` takes, on average: 1 in a chain, hundreds in a fan-out."""

APPLY_SECONDS = 0.1

SHORT_SECONDS = 1.5
"""A shorter command's log travels in its result; that of a longer one is put into the bucket while
it runs, at last every ten seconds if it writes all the time."""

FLUSH_SECONDS = 10.0
CANCEL_SECONDS = 5.0
FIRST_HEARTBEAT = 2.0
HEARTBEAT_SECONDS = 30.0

COLD_SHARE = 0.02
"""Of the invocations of `execute`, those that start a new sandbox; Lambda bills its start too."""

COLD_SECONDS = 0.4

METADATA_READS, METADATA_WRITES = 35, 15
"""NFS requests of a transaction that carry no data: opens, locks, attributes, commits. An estimate,
from the 43 to 64 requests that a transaction was counted to make in all."""

METERED_GB = 4096e-9
"""What EFS counts each request as, at least."""

FILE_SYSTEM_COPIES = 7
"""AWS Backup copies a changed file whole, daily, and each copy is kept for a week."""

COPIES = 23 / 4
"""What the backups take in S3, times the database: 23 are kept, and a quarter is left of each."""

POLLS_PER_HOUR = 5 * 180
"""Lambda asks an idle queue with five long polls of 20 seconds."""


@dataclass(frozen=True, slots=True)
class Load:
    """A month's work: `tasks` commands of `seconds` each, in `memory` MB; `zones` of the interface
    endpoint, 0 with IPv6."""

    tasks: int
    seconds: float
    memory: int
    api_requests: int = 10_000
    zones: int = 1
    architecture: str = "x86_64"


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the bill. `of` is a key of the table of prices, `amount` in its unit."""

    what: str
    of: str
    amount: float
    architecture: str = "x86_64"

    @property
    def price(self) -> Price:
        return price(self.of, self.architecture)

    @property
    def usd(self) -> float:
        return self.amount * self.price.usd

    @property
    def service(self) -> str:
        return self.price.service


def items(load: Load) -> list[Item]:
    """The whole bill of a month."""
    return [*_on(load, _per_task(load)), *_on(load, _always(load))]


def _on(load: Load, bill: Iterator[Item]) -> list[Item]:
    return [replace(item, architecture=load.architecture) for item in bill]


def total(bill: list[Item]) -> float:
    return sum(item.usd for item in bill)


def by_the_month(load: Load) -> float:
    """USD that a month costs without any task."""
    return total(_on(load, _always(load)))


def by_the_task(load: Load) -> float:
    """USD that the month's tasks cost beyond that."""
    return total(_on(load, _per_task(load)))


def by_service(bill: list[Item]) -> dict[str, float]:
    """USD by service, the dearest first."""
    sums: dict[str, float] = {}
    for item in bill:
        sums[item.service] = sums.get(item.service, 0.0) + item.usd
    return dict(sorted(sums.items(), key=lambda pair: -pair[1]))


def _per_task(load: Load) -> Iterator[Item]:
    tasks, seconds = load.tasks, load.seconds
    beats = 1 + int(seconds / HEARTBEAT_SECONDS) if seconds > FIRST_HEARTBEAT else 0
    chunks = 1 + int(seconds / FLUSH_SECONDS) if seconds > SHORT_SECONDS else 0
    reports = tasks * (1 + beats)
    applies = reports / REPORTS_TOGETHER
    starting = COLD_SHARE * COLD_SECONDS
    billed = tasks * (seconds + OVERHEAD_SECONDS + starting) * load.memory / 1024
    applying = applies * APPLY_SECONDS * DECIDING_MB / 1024
    yield Item("execute, runs", "lambda_request", tasks)
    yield Item("execute, GB-seconds", "lambda_gb_second", billed)
    yield Item("apply, runs", "lambda_request", applies)
    yield Item("apply, GB-seconds", "lambda_gb_second", applying)
    yield Item("task messages", "sqs_request", tasks * 3)
    yield Item("task messages, fair queue", "sqs_fair_request", tasks * 3)
    yield Item("reports", "sqs_request", reports + 2 * applies)
    yield Item("claims and logs", "s3_put", tasks * (1 + chunks))
    yield Item("cancel marks looked for", "s3_get", tasks * int(seconds / CANCEL_SECONDS))
    yield Item("claims and logs, kept", "s3_gb_month", tasks * (0.5e-6 + 4e-6 * chunks) * 3)
    yield Item("database, read", "efs_gb_read", applies * 210e-6)
    yield Item("database, written", "efs_gb_written", applies * 76e-6)
    yield Item("database, metadata read", "efs_gb_read", applies * METADATA_READS * METERED_GB)
    yield Item(
        "database, metadata written", "efs_gb_written", applies * METADATA_WRITES * METERED_GB
    )
    yield Item("database, kept", "efs_gb_month", tasks * 1.5e-6 * 3)
    yield Item("backups, kept", "s3_gb_month", tasks * 1.5e-6 * 3 * COPIES)
    yield Item("file system, backups", "backup_gb_month", tasks * 1.5e-6 * 3 * FILE_SYSTEM_COPIES)
    yield Item("logs of the functions", "logs_gb", (tasks + applies) * 0.6e-6)
    if load.zones:
        yield Item("through the endpoint", "endpoint_gb", tasks * 4e-6)


def _always(load: Load) -> Iterator[Item]:
    yield Item("tick, runs", "lambda_request", MINUTES)
    yield Item("tick, GB-seconds", "lambda_gb_second", MINUTES * 0.3 * DECIDING_MB / 1024)
    yield Item("tick, dead letters looked for", "sqs_request", MINUTES)
    yield Item("tick, dags bucket listed", "s3_put", MINUTES / 5)
    yield Item("tick, database read", "efs_gb_read", MINUTES * 60e-6)
    yield Item("tick, database written", "efs_gb_written", MINUTES * 40e-6)
    yield Item("tick, metadata read", "efs_gb_read", MINUTES * METADATA_READS * METERED_GB)
    yield Item("tick, metadata written", "efs_gb_written", MINUTES * METADATA_WRITES * METERED_GB)
    yield Item("idle queues asked", "sqs_request", 2 * POLLS_PER_HOUR * HOURS)
    yield Item("logs of the tick", "logs_gb", MINUTES * 0.8e-6)
    yield Item("API", "api_request", load.api_requests)
    yield Item("API, runs", "lambda_request", load.api_requests)
    yield Item("API, GB-seconds", "lambda_gb_second", load.api_requests * 0.1 * DECIDING_MB / 1024)
    yield Item("database, at least", "efs_gb_month", 0.05)
    yield Item("database, backups", "backup_gb_month", 0.05 * FILE_SYSTEM_COPIES)
    yield Item("alarms", "alarm_month", 13)
    if load.zones:
        yield Item("SQS from the VPC", "endpoint_hour", load.zones * HOURS)


NOT_COUNTED = "not counted: the hosted zone of a domain of your own (Route 53, 0.50 a month)"


def table(load: Load) -> Iterator[str]:
    """The bill as lines of text."""
    bill = items(load)
    where = "us-east-1, arm64" if load.architecture == "arm64" else "us-east-1"
    yield f"{load.tasks:,} tasks of {load.seconds:g} s in {load.memory} MB, one month, {where}"
    yield f"{'service':<14}{'what':<32}{'amount':>16}  {'unit':<20}{'USD':>9}  price of"
    for service, usd in by_service(bill).items():
        for item in bill:
            if item.service == service:
                yield _line(item)
        yield f"{service:<14}{'':<32}{'':>16}  {'sum':<20}{usd:>9.2f}"
    yield NOT_COUNTED
    for name, usd in (("by the task", by_the_task(load)), ("by the month", by_the_month(load))):
        yield f"{name:<84}{usd:>9.2f}"
    yield f"arm64 {_saving(load)} (`deploy --architecture`)"
    yield f"{'total':<84}{total(bill):>9.2f}"


def _saving(load: Load) -> str:
    """What the other processors would change, in words."""
    x86, arm = (total(items(replace(load, architecture=a))) for a in ("x86_64", "arm64"))
    saved = f"{x86 - arm:.2f} USD of {x86:.2f} ({(x86 - arm) / x86:.0%})"
    return f"saves {saved}" if load.architecture == "arm64" else f"would save {saved}"


COMPARED = (0, 100_000, 1_000_000)
"""Tasks a month."""


def comparison() -> Iterator[tuple[str, ...]]:
    """What a month of one-second tasks costs here and elsewhere: what, price, its date, and USD for
    each number of tasks that is compared."""
    known = [price.as_of for price in PRICES.values()]
    when = f"{min(known)} to {max(known)}"
    for name, zones in (("`--network ipv6`", 0), ("interface endpoint", 1)):
        bills = (total(items(Load(tasks, 1.0, 384, zones=zones))) for tasks in COMPARED)
        yield f"**this**, {name}", "below", when, *(f"**{usd:.2f}**" for usd in bills)
    for other in OTHERS:
        sums = (other.a_month + other.a_task * tasks for tasks in COMPARED)
        yield other.what, other.price, other.as_of, *(f"{usd:.2f}" for usd in sums)


def _line(item: Item) -> str:
    price = item.price
    text = f"{item.service:<14}{item.what:<32}{item.amount:>16,.2f}  {price.unit:<20}"
    return f"{text}{item.usd:>9.2f}  {price.as_of}"
