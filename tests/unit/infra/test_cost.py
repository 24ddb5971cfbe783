"""The bill of a month."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.aws_prices import PRICES
from chalicelib.enums import PlaceKind
from infra.cost import APPLY_FUNCTION_MB, Load, by_service, items, tab_hour_usd, table, total
from infra.functions import FUNCTIONS
from infra.resources.stack import TEMPLATE
from tests.support.cost_comparison import with_mwaa_serverless

MILLION = Load(1_000_000, 1.0, 384)


def test_without_tasks_only_what_always_runs_is_paid() -> None:
    idle = items(Load(0, 1.0, 384))
    assert total(idle) == pytest.approx(10.0, abs=0.5)
    assert by_service(idle)["VPC endpoint"] == pytest.approx(7.30)


def test_an_open_tab_is_on_the_bill_by_the_hour() -> None:
    def tab(hours: float) -> float:
        bill = items(Load(0, 1.0, 384, tab_hours=hours))
        return sum(item.usd for item in bill if item.usage.startswith("open tab"))

    assert tab(0) == 0
    assert tab(1) == pytest.approx(tab_hour_usd(MILLION))
    assert tab(160) == pytest.approx(160 * tab(1))
    assert any(f"{tab(1):.4f} an hour" in line for line in table(MILLION))


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
    bills = [items(replace(MILLION, kind=kind, artifact_mb=1.0)) for kind in PlaceKind]
    assert {item.key for bill in bills for item in bill} == set(PRICES)
    assert all(len(price.as_of) == len("2026-11") for price in PRICES.values())


def test_fargate_bills_a_minute_at_least_in_the_size_that_it_sells() -> None:
    short = Load(1000, 1.0, 3000, kind=PlaceKind.FARGATE, vcpu=1.0)
    amounts = {item.key: item.amount for item in items(short)}
    assert amounts["fargate_vcpu_hour"] == pytest.approx(1000 / 60)
    assert amounts["fargate_gb_hour"] == pytest.approx(3 * 1000 / 60)
    assert amounts["ipv4_hour"] == pytest.approx(1000 / 60)
    longer = {item.key: item.amount for item in items(replace(short, seconds=3600.0))}
    assert longer["fargate_vcpu_hour"] == pytest.approx(1000 * 3620 / 3600)


def test_fargate_sells_no_size_beyond_its_largest() -> None:
    with pytest.raises(ValueError, match="no size that large"):
        items(Load(1, 1.0, 200_000, kind=PlaceKind.FARGATE))


def test_workers_machines_are_not_on_the_bill_and_what_tasks_cost_besides_is() -> None:
    worker = replace(MILLION, kind=PlaceKind.WORKER)
    usages = {item.usage for item in items(worker)}
    assert not {usage for usage in usages if usage.startswith(("execute", "launch", "commands"))}
    assert {"claims", "results", "apply, requests"} <= usages
    assert total(items(worker)) < total(items(MILLION))
    assert "not on this bill" in next(iter(table(worker)))


def test_artifacts_are_paid_by_request_and_by_what_is_kept() -> None:
    small, large = (replace(MILLION, artifact_mb=mb) for mb in (1.0, 80.0))
    usages = {item.usage: item.amount for item in items(small)}
    assert usages["artifacts, written"] == MILLION.tasks
    assert usages["artifacts, stored"] == pytest.approx(MILLION.tasks * 0.001 * 3)
    assert {i.usage: i.amount for i in items(large)}["artifacts, written"] == 12 * MILLION.tasks
    assert not [item for item in items(MILLION) if item.usage.startswith("artifacts")]


def test_a_bill_without_artifacts_says_that_it_assumes_none_and_how_to_count_them() -> None:
    said = [line for line in table(MILLION) if line.startswith("artifacts:")]
    assert said == [
        "artifacts: 0 assumed; --artifact-mb MB counts a file of that size that each task hands on"
    ]
    counted = list(table(replace(MILLION, artifact_mb=1.0)))
    assert not [line for line in counted if "assumed" in line]


def test_the_memory_of_apply_on_the_bill_is_that_of_the_function() -> None:
    (apply,) = [function for function in FUNCTIONS if function.name == "apply"]
    assert apply.memory_mb == APPLY_FUNCTION_MB


def test_an_hour_on_fargate_costs_less_than_on_managed_serverless_airflow() -> None:
    (hour, million) = with_mwaa_serverless()
    assert hour[0] == "one hour of 1 vCPU, 3 GB"
    assert 0.05 < float(hour[1].split()[0]) < 0.07 < float(hour[2])
    assert float(million[1].split()[0]) < float(million[2]) / 50


def test_the_table_names_what_a_domain_costs_elsewhere() -> None:
    assert [line for line in table(MILLION) if "hosted zone" in line and "0.50" in line]


def test_the_table_ends_with_the_total() -> None:
    last = list(table(MILLION))[-1]
    assert last.split() == ["total", f"{total(items(MILLION)):.2f}"]
