"""Who has no token sees a form; a viewer reads, and is refused what a viewer may not do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from chalicelib import bootstrap
from chalicelib.admin import access_tokens
from tests.browser.axe import AXE, serious, serious_in_dark
from tests.browser.chromium import new_context
from tests.browser.serving import served
from tests.support.api import Api


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Api, str]]:
    api = Api(tmp_path, auth="token")
    api.rows.dag("etl", schedule=("0 2 * * *",))
    with served(api) as url:
        yield api, url
    api.close()


@pytest.fixture
def page(still_page: Page) -> Page:
    return still_page


def sign_in(page: Page, token: str) -> None:
    page.get_by_label("Access token").fill(token)
    page.get_by_role("button", name="Sign in").click()


def test_a_wrong_token_is_refused_with_what_to_do(page: Page, site: tuple[Api, str]) -> None:
    page.goto(site[1])
    sign_in(page, "nonsense")
    expect(page.get_by_role("alert").last).to_contain_text("ask an operator for a new one")


def test_a_link_with_a_token_signs_in_and_leaves_no_token_in_the_address(
    page: Page, site: tuple[Api, str]
) -> None:
    api, url = site
    token = api.sign_in("operator", "olga")
    page.goto(f"{url}#/signin?token={token}")
    expect(page.locator("#who")).to_have_text("olga, operator")
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    assert token not in page.url
    page.go_back()
    assert token not in page.url


def test_a_link_with_a_token_does_not_replace_the_one_in_use(
    page: Page, site: tuple[Api, str]
) -> None:
    api, url = site
    page.goto(url)
    sign_in(page, api.sign_in("viewer", "vera"))
    expect(page.locator("#who")).to_have_text("vera, viewer")
    page.goto(f"{url}#/signin?token={api.sign_in('operator', 'olga')}")
    expect(page.locator("#message")).to_contain_text("already signed in")
    expect(page.locator("#who")).to_have_text("vera, viewer")


def test_a_link_with_a_token_that_is_not_good_leads_to_the_form(
    page: Page, site: tuple[Api, str]
) -> None:
    page.goto(f"{site[1]}#/signin?token=nonsense")
    expect(page.get_by_label("Access token")).to_be_visible()
    assert "nonsense" not in page.url


RUN = """
fetch("api/dags/etl/run", {method: "POST", headers: {
  "Authorization": `Bearer ${sessionStorage.getItem("orchestrator-token")}`}})
  .then(async (answer) => [answer.status, (await answer.json()).error.message])
"""


def test_a_viewer_sees_everything_and_is_refused_a_change(
    page: Page, site: tuple[Api, str]
) -> None:
    api, url = site
    page.goto(f"{url}#/dags/etl")
    sign_in(page, api.sign_in("viewer", "vera"))
    expect(page.get_by_role("heading", name="etl")).to_be_visible()
    expect(page.locator("#who")).to_have_text("vera, viewer")
    for name in ("Run…", "Pause schedule"):
        refused = page.get_by_role("button", name=name)
        expect(refused).to_be_disabled()
        refused.click(force=True)
        expect(page.locator("#message")).to_have_text(
            "vera is a viewer. Only operators can do this."
        )
    expect(page.get_by_role("dialog")).to_have_count(0)
    status, message = page.evaluate(RUN)
    assert status == 403
    assert message.startswith(
        "POST /api/dags/{dag_id}/run requires the role operator, but vera has the role viewer"
    )


def test_an_operator_may_do_what_a_viewer_may_not(page: Page, site: tuple[Api, str]) -> None:
    api, url = site
    page.goto(f"{url}#/dags/etl")
    sign_in(page, api.sign_in("operator", "olga"))
    expect(page.locator("#who")).to_have_text("olga, operator")
    page.get_by_role("button", name="Run…").click()
    page.get_by_role("button", name="Run 2 tasks now").click()
    expect(page.get_by_role("heading", name="etl, today")).to_be_visible()


def test_a_token_that_is_revoked_leads_back_to_the_form(page: Page, site: tuple[Api, str]) -> None:
    api, url = site
    page.goto(f"{url}#/pools")
    sign_in(page, api.sign_in("operator", "olga"))
    expect(page.get_by_role("heading", name="Pools")).to_be_visible()
    access_tokens.revoke(bootstrap.scheduler(), "olga", who="ann")
    page.reload()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.get_by_role("alert").last).to_contain_text("was revoked")


def test_who_signs_out_sees_nothing_any_more(page: Page, site: tuple[Api, str]) -> None:
    api, url = site
    page.goto(url)
    sign_in(page, api.sign_in("operator", "olga"))
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.locator("main")).not_to_contain_text("etl")


def test_the_files_of_the_page_need_no_token_and_carry_no_data(
    page: Page, site: tuple[Api, str]
) -> None:
    answer = page.goto(site[1])
    assert answer is not None
    assert answer.status == 200
    assert "etl" not in answer.text()
    assert "script-src 'self'" in answer.headers["content-security-policy"]


def test_the_form_and_what_a_viewer_sees_are_accessible(
    browser: Browser, site: tuple[Api, str]
) -> None:
    api, url = site
    page = new_context(browser, bypass_csp=True).new_page()
    page.goto(f"{url}#/dags/etl")
    page.add_script_tag(content=AXE)
    page.get_by_label("Access token").wait_for()
    assert serious(page) == []
    assert serious_in_dark(page) == []
    sign_in(page, api.sign_in("viewer", "vera"))
    expect(page.locator("#who")).to_have_text("vera, viewer")
    assert serious_in_dark(page) == []
    page.emulate_media(color_scheme="light")
    assert serious(page) == []
    page.context.close()
