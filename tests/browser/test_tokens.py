"""Access tokens on the page: an operator creates one, and its holder sees some DAGs only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from chalicelib import bootstrap
from chalicelib.admin import access_tokens
from tests.browser.axe import AXE, serious, serious_in_dark
from tests.browser.serving import served
from tests.support.api import Api


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Api, str]]:
    api = Api(tmp_path, auth="token")
    for dag_id in ("sales_daily", "sales_weekly", "payroll"):
        api.rows.dag(dag_id)
    with served(api) as url:
        yield api, url
    api.close()


def test_a_colleague_gets_a_token_for_some_dags_and_sees_only_these(
    still_page: Page, site: tuple[Api, str]
) -> None:
    api, url = site
    page = still_page
    page.goto(f"{url}#/signin?token={api.sign_in('operator', 'olga')}")
    page.locator("#nav-tokens").click()
    page.locator("#new-token").click()
    page.get_by_label("Name").fill("vera")
    page.get_by_label("DAGs").fill("sales_*, other")
    page.locator("#create-token").click()
    link = page.locator("#token-link").input_value()
    page.evaluate(AXE)
    assert serious(page) == []
    page.locator("#token-done").click()
    expect(page.get_by_role("row").filter(has_text="vera")).to_contain_text("sales_*, other")
    assert serious(page) == []
    assert serious_in_dark(page) == []

    page.locator("#sign-out").click()
    page.goto(link)
    expect(page.locator("#who")).to_have_text("vera, viewer of sales_*, other")
    page.locator("#nav-dags").click()
    expect(page.get_by_role("link", name="sales_weekly")).to_be_visible()
    expect(page.get_by_role("link", name="payroll")).to_have_count(0)
    expect(page.locator("#nav-tokens")).to_have_count(0)
    expect(page.locator("#nav-ticks")).to_have_count(0)


def test_a_revoked_token_signs_out_with_the_reason_and_what_to_do(
    still_page: Page, site: tuple[Api, str]
) -> None:
    api, url = site
    page = still_page
    scheduler = bootstrap.scheduler()
    vera = access_tokens.create(scheduler, "vera", "viewer", who="ann")
    olga = api.sign_in("operator", "olga")
    page.goto(f"{url}#/signin?token={olga}")
    page.locator("#nav-tokens").click()
    page.get_by_role("button", name="Revoke vera").click()
    page.locator("#confirm-revoke").click()
    expect(page.get_by_role("row").filter(has_text="vera")).to_contain_text("revoked")

    page.locator("#sign-out").click()
    page.get_by_label("Access token").fill(vera)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert").last).to_contain_text("the access token vera was revoked on")
    expect(page.get_by_text("any operator can create")).to_be_visible()


def test_changes_of_a_person_and_of_a_thing_are_a_click_away(
    still_page: Page, site: tuple[Api, str]
) -> None:
    api, url = site
    page = still_page
    page.goto(f"{url}#/signin?token={api.sign_in('operator', 'olga')}")
    api.sign_in("operator", "otto")
    api.send("PATCH", "/api/dags/payroll", {"is_paused": True})
    page.goto(f"{url}#/tokens")
    page.get_by_role("link", name="otto").click()
    expect(page.get_by_label("Who")).to_have_value("otto")
    rows = page.get_by_role("row").filter(has_text="payroll")
    expect(rows).to_have_count(1)

    page.goto(f"{url}#/audit")
    page.get_by_role("link", name="history of payroll").first.click()
    expect(page.get_by_label("Target id")).to_have_value("payroll")
    expect(page.get_by_role("row").filter(has_text="create token")).to_have_count(0)
