"""What holds for every view: it is accessible, fits a phone, and nothing from a user is markup."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.acceptance.local_cloud import LocalCloud
from tests.browser.conftest import AXE, address, last_run

PLACES = (
    "",
    "dags",
    "dags/orders",
    "dags/orders?tab=graph",
    "dags/orders?tab=calendar",
    "dags/orders?tab=durations",
    "dags/orders?tab=source",
    "dags/orders?tab=backfill",
    "runs",
    "runs/{orders}",
    "runs/{fan}?task=work&open=work",
    "pools",
    "errors",
    "ticks",
    "audit",
    "nowhere",
)


def open_place(page: Page, cloud: LocalCloud, place: str) -> None:
    ids = {dag_id: last_run(cloud, dag_id) for dag_id in ("orders", "fan")}
    page.goto(address(cloud, place.format(**ids)))
    expect(page.locator("main h1").first).to_be_attached()
    expect(page.locator("main").get_by_text("Loading…")).to_have_count(0)
    page.wait_for_load_state("networkidle")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("place", PLACES)
def test_axe_finds_nothing_serious(
    browser: Browser, cloud: LocalCloud, place: str, scheme: str
) -> None:
    # Past the page's own policy, which lets no script in but its own.
    context = browser.new_context(color_scheme=scheme, bypass_csp=True)  # type: ignore[arg-type]
    page = context.new_page()
    open_place(page, cloud, place)
    page.add_script_tag(content=AXE)
    found = page.evaluate("axe.run().then((result) => result.violations)")
    context.close()
    serious = [
        f"{one['id']}: {node['html'][:200]} {node['failureSummary']}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
    assert serious == []


@pytest.mark.parametrize("place", PLACES)
def test_nothing_stands_out_of_a_phone(browser: Browser, cloud: LocalCloud, place: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    open_place(page, cloud, place)
    over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    context.close()
    assert over <= 0


@pytest.mark.parametrize(
    "place", ["", "dags", "dags/hostile", "dags/hostile?tab=source", "runs", "runs/{hostile}"]
)
def test_nothing_from_a_user_is_ever_markup(page: Page, cloud: LocalCloud, place: str) -> None:
    page.goto(address(cloud, place.format(hostile=last_run(cloud, "hostile"))))
    expect(page.locator("main h1").first).to_be_attached()
    if "hostile" in place:
        expect(page.locator("main")).to_contain_text("<img src=x onerror")
    page.wait_for_load_state("networkidle")
    assert page.evaluate("window.hacked") is None
    assert page.locator("main img, main script").count() == 0


def test_the_form_of_a_run_takes_no_markup_from_params(page: Page, cloud: LocalCloud) -> None:
    page.goto(address(cloud, "dags/hostile"))
    page.get_by_role("button", name="Run…").click()
    expect(page.get_by_role("dialog")).to_contain_text("<script>")
    assert page.evaluate("window.hacked") is None
    assert page.locator("dialog img, dialog script").count() == 0


def test_the_page_asks_no_other_host_and_little_of_its_own(page: Page, cloud: LocalCloud) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    open_place(page, cloud, "")
    host = f"http://127.0.0.1:{cloud.api_port}/"
    assert [url for url in asked if not url.startswith(host)] == []
    assert not any("/vendor/" in url for url in asked)


def test_an_answer_that_has_not_changed_is_not_sent_again(page: Page, cloud: LocalCloud) -> None:
    open_place(page, cloud, "pools")
    with page.expect_response(lambda response: "/api/pools" in response.url) as answered:
        pass
    assert answered.value.status == 304


def test_the_page_is_worked_with_the_keyboard(page: Page, cloud: LocalCloud) -> None:
    open_place(page, cloud, "dags")
    page.keyboard.press("j")
    first = page.evaluate("document.activeElement.textContent")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.textContent") != first
    page.keyboard.press("/")
    expect(page.get_by_label("Search DAGs")).to_be_focused()
    page.keyboard.press("Tab")
    page.locator("main").focus()
    page.keyboard.press("g")
    page.keyboard.press("r")
    expect(page.get_by_role("heading", name="Runs")).to_be_visible()


def test_the_colours_can_be_chosen_and_stay_so(page: Page, cloud: LocalCloud) -> None:
    open_place(page, cloud, "")
    page.get_by_role("button", name="Colours").click()
    page.get_by_role("button", name="Colours").click()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
