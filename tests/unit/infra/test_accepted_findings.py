"""What checkov finds is what was accepted, no more and no less."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.checkov.__main__ import ACCEPTED
from tests.checkov.findings import accepted_in, differences, found_in
from tests.unit.infra.test_template import OF_A_PLACE, OF_DOMAIN, OF_FARGATE, RESOURCES

DOCUMENT: dict[str, Any] = yaml.safe_load(ACCEPTED.read_text(encoding="utf-8"))


def report(*failed: tuple[str, str], passed: int = 50, parsing_errors: int = 0) -> dict[str, Any]:
    rows = [
        {"check_id": check, "resource": f"AWS::X::Y.{name}", "check_name": f"Ensure {check}"}
        for check, name in failed
    ]
    summary = {"passed": passed, "failed": len(rows), "parsing_errors": parsing_errors}
    return {"summary": summary, "results": {"failed_checks": rows}}


def test_what_is_found_and_accepted_is_no_difference() -> None:
    found = found_in(report(("CKV_1", "Queue"), ("CKV_2", "Queue")))
    assert list(differences(found, {("CKV_1", "Queue"), ("CKV_2", "Queue")})) == []


def test_a_new_finding_and_one_that_is_gone_are_told() -> None:
    found = found_in(report(("CKV_1", "Queue"), ("CKV_1", "Other")))
    assert list(differences(found, {("CKV_1", "Queue"), ("CKV_2", "Queue")})) == [
        "CKV_1 Other: Ensure CKV_1; mend it, or accept it with a reason",
        "CKV_2 Queue: is accepted, but not found any more; remove it from the file",
    ]


@pytest.mark.parametrize("unread", [report(passed=0), report(parsing_errors=1), {"passed": 0}])
def test_a_template_that_was_not_read_is_not_without_findings(unread: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="did not read"):
        found_in(unread)


@pytest.mark.parametrize(
    "entry",
    [
        {"resources": ["Queue"], "reason": " "},
        {"resources": ["Queue"]},
        {"resources": [], "reason": "because"},
        {"resources": ["Queue", "Queue"], "reason": "because"},
    ],
    ids=str,
)
def test_nothing_is_accepted_without_a_reason_a_resource_or_twice(entry: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"reason|twice"):
        accepted_in({"CKV_1": entry})


def test_every_accepted_finding_is_of_a_resource_that_there_is() -> None:
    assert RESOURCES.keys() & OF_DOMAIN.keys() == set()
    every = RESOURCES.keys() | OF_DOMAIN.keys() | OF_A_PLACE.keys() | OF_FARGATE.keys()
    assert {name for _, name in accepted_in(DOCUMENT)} <= every
