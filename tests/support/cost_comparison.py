"""The cost of the same work here and elsewhere, for the tables of the documentation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from chalicelib.aws_prices import PRICES
from chalicelib.enums import PlaceKind
from infra.cost import HOURS, Load, items, tasks_usd, total

TASKS = (0, 100_000, 1_000_000)
"""Tasks per month that are compared."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another service; USD per one-second task and per month. `as_of` is a year and month."""

    name: str
    price: str
    as_of: str
    task_usd: float = 0.0
    month_usd: float = 0.0


ALTERNATIVES: tuple[Alternative, ...] = (
    Alternative(
        "Step Functions, standard: one state transition per task, not including the compute",
        "0.025 per 1,000",
        "2026-11",
        task_usd=0.025 / 1000,
    ),
    Alternative(
        "Amazon MWAA Serverless (managed serverless Airflow): bills at least a minute per task",
        "0.10 an hour",
        "2025-11",
        task_usd=0.10 / 60,
    ),
    Alternative(
        "Amazon MWAA (managed Airflow), smallest environment, whatever number of tasks it can take",
        "0.49 an hour",
        "2026-11",
        month_usd=0.49 * HOURS,
    ),
)


MWAA_SERVERLESS_HOUR_USD = 0.104
"""For one hour of a task, 1 vCPU and 3 GB; a minute at least. Tokyo's list price as of 2025-11
(dev.classmethod.jp, Amazon MWAA and Serverless, 2025-11-30)."""

HOUR_LOAD = Load(1, 3600.0, 3072, zones=0, kind=PlaceKind.FARGATE, vcpu=1.0)


def with_mwaa_serverless() -> Iterator[tuple[str, ...]]:
    """Yields rows of work, USD here, USD on MWAA Serverless, and the dates of the prices."""
    hour = f"{tasks_usd(HOUR_LOAD):.3f} on Fargate"
    dates = f"{PRICES['fargate_vcpu_hour'].as_of}; 2025-11"
    yield "one hour of 1 vCPU, 3 GB", hour, f"{MWAA_SERVERLESS_HOUR_USD:.3f}", dates
    million = Load(1_000_000, 1.0, 384, zones=0)
    theirs = 1_000_000 * MWAA_SERVERLESS_HOUR_USD / 60
    ours = f"{tasks_usd(million):.2f} on Lambda"
    yield "a million one-second tasks", ours, f"{theirs:.2f}", dates


def comparison() -> Iterator[tuple[str, ...]]:
    """Yields rows of name, price, date of the price, and USD for each number of tasks."""
    dates = [price.as_of for price in PRICES.values()]
    dated = f"{min(dates)} to {max(dates)}"
    for name, zones in (("`--network ipv6`", 0), ("interface endpoint", 1)):
        bills = (total(items(Load(tasks, 1.0, 384, zones=zones))) for tasks in TASKS)
        yield f"**this**, {name}", "below", dated, *(f"**{usd:.2f}**" for usd in bills)
    for other in ALTERNATIVES:
        sums = (other.month_usd + other.task_usd * tasks for tasks in TASKS)
        yield other.name, other.price, other.as_of, *(f"{usd:.2f}" for usd in sums)
