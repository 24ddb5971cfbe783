"""What the page never does, and how it is worked with the keyboard."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.acceptance.local_cloud import LocalCloud
from tests.browser.conftest import address, is_ready, last_run


def open_place(page: Page, cloud: LocalCloud, place: str) -> None:
    page.goto(address(cloud, place))
    is_ready(page)


HOSTILE = (
    "dags/hostile",
    "dags/hostile?tab=source",
    "dags/hostile?tab=graph",
    "runs/{run}",
    "runs?dag=hostile",
    "dags",
    "errors",
    "notifications",
    "audit",
    "",
)


def test_nothing_from_a_user_is_ever_markup(page: Page, cloud: LocalCloud) -> None:
    run_id = last_run(cloud, "hostile")
    for place in HOSTILE:
        open_place(page, cloud, place.format(run=run_id))
        if place in ("dags/hostile", "dags", "errors", "runs/{run}"):
            expect(page.locator("main")).to_contain_text("<img src=x onerror")
        if place == "runs/{run}":
            expect(page.locator("#log .ink-red")).to_contain_text("<script>")
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
    open_place(page, cloud, "dags/fan")
    open_place(page, cloud, "dags")
    with page.expect_response(lambda response: "/api/dags/fan/grid" in response.url) as answered:
        open_place(page, cloud, "dags/fan")
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
    for theme in ("light", "dark"):
        page.get_by_role("button", name="Theme").click()
        page.reload()
        assert page.evaluate("document.documentElement.dataset.theme") == theme
    page.get_by_role("button", name="Theme").click()
    assert page.evaluate("document.documentElement.dataset.theme") == "auto"
