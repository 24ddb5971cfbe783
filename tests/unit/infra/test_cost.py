"""The bill of a month."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.aws_prices import PRICES
from infra.cost import Load, by_service, items, table, total
from infra.resources.stack import TEMPLATE

MILLION = Load(1_000_000, 1.0, 384)


def test_without_tasks_only_what_always_runs_is_paid() -> None:
    idle = items(Load(0, 1.0, 384))
    assert total(idle) == pytest.approx(10.0, abs=0.5)
    assert by_service(idle)["VPC endpoint"] == pytest.approx(7.30)


def test_with_ipv6_there_is_no_endpoint_to_pay() -> None:
    assert "VPC endpoint" not in by_service(items(Load(1_000_000, 1.0, 384, zones=0)))


def test_compute_grows_with_time_and_memory() -> None:
    def compute(load: Load) -> float:
        (item,) = [item for item in items(load) if item.usage == "execute, GB-seconds"]
        return item.usd

    assert compute(MILLION) == pytest.approx(1.158e6 * 0.375 * 0.0000166667)
    assert compute(Load(1_000_000, 1.0, 768)) == pytest.approx(2 * compute(MILLION))
    assert compute(Load(1_000_000, 2.158, 384)) == pytest.approx(2 * compute(MILLION))


def test_on_arm64_a_gb_second_of_every_function_costs_a_fifth_less_and_nothing_else_does() -> None:
    arm = items(replace(MILLION, architecture="arm64"))
    for there, here in zip(arm, items(MILLION), strict=True):
        share = 0.8 if here.key == "lambda_gb_second" else 1
        assert there.usd == pytest.approx(share * here.usd, rel=1e-4), here.usage


@pytest.mark.parametrize(
    ("architecture", "says"), [("x86_64", "arm64 would save"), ("arm64", "arm64 saves")]
)
def test_the_table_shows_what_arm64_saves(architecture: str, says: str) -> None:
    long = Load(1_000_000, 60.0, 2048, architecture=architecture)
    x86, arm = (total(items(replace(long, architecture=a))) for a in ("x86_64", "arm64"))
    (line,) = [line for line in table(long) if line.startswith("arm64")]
    assert line.startswith(f"{says} {x86 - arm:.2f} USD of {x86:.2f} (19%)")


def test_the_sums_by_service_are_the_whole_bill() -> None:
    bill = items(MILLION)
    assert sum(by_service(bill).values()) == pytest.approx(total(bill))


def test_every_alarm_of_the_template_is_on_the_bill() -> None:
    (alarms,) = [item.amount for item in items(MILLION) if item.key == "alarm_month"]
    assert alarms == TEMPLATE.read_text("utf-8").count("Type: AWS::CloudWatch::Alarm")


def test_every_price_is_used_and_has_a_date() -> None:
    of_places = {"fargate_vcpu_hour", "fargate_gb_hour"}
    assert {item.key for item in items(MILLION)} == set(PRICES) - of_places
    assert all(len(price.as_of) == len("2026-11") for price in PRICES.values())


def test_the_table_names_what_a_domain_costs_elsewhere() -> None:
    assert [line for line in table(MILLION) if "hosted zone" in line and "0.50" in line]


def test_the_table_ends_with_the_total() -> None:
    last = list(table(MILLION))[-1]
    assert last.split() == ["total", f"{total(items(MILLION)):.2f}"]
