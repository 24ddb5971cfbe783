"""The page works with API Gateway's stage before every path, and its policy keeps scripts out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import new_context
from tests.browser.conftest import is_ready
from tests.browser.serving import served, served_below
from tests.support.api import Api

STAGE = "prod"


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    api = Api(tmp_path)
    api.rows.dag("etl", schedule=("0 2 * * *",))
    run_id = api.rows.run("etl", "success")
    for task in ("extract", "load"):
        api.rows.task(run_id, task)
    yield api
    api.close()


@pytest.fixture
def page(still_page: Page) -> Page:
    return still_page


@pytest.mark.parametrize("end", ["", "/"])
def test_all_links_and_requests_stay_below_the_stage(page: Page, api: Api, end: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    with served_below(api, STAGE) as url:
        page.goto(f"{url}{end}")
        is_ready(page)
        page.get_by_role("link", name="DAGs", exact=True).click()
        page.get_by_role("table").get_by_role("link", name="etl", exact=True).click()
        page.get_by_role("link", name="Graph").click()
        expect(page.locator("svg .node")).to_have_count(2)
        page.get_by_role("button", name="Run…").click()
        page.get_by_role("button", name="Run 2 tasks now").click()
        expect(page.get_by_role("heading", name="etl,")).to_be_visible()
        assert page.url.startswith(f"{url}/#/runs/") or page.url.startswith(f"{url}{end}#/runs/")
    assert len(asked) > 30
    assert [one for one in asked if one != url and not one.startswith(f"{url}/")] == []


TRY = """
async () => {
  const refused = [];
  addEventListener("securitypolicyviolation", (event) => refused.push(event.effectiveDirective));
  const script = document.createElement("script");
  script.textContent = "window.hacked = 1";
  const handler = document.createElement("img");
  handler.setAttribute("onerror", "window.hacked = 2");
  handler.setAttribute("src", "https://example.com/x.png");
  const styled = document.createElement("p");
  styled.setAttribute("style", "position: fixed");
  const frame = document.createElement("iframe");
  frame.src = "data:text/html,x";
  document.body.append(script, handler, styled, frame);
  await fetch("https://example.com/").catch(() => {});
  await new Promise((resolve) => { setTimeout(resolve, 100); });
  return [window.hacked ?? null, [...new Set(refused)].sort()];
}
"""


def test_the_policy_lets_nothing_in_from_elsewhere_and_nothing_inline(
    browser: Browser, api: Api
) -> None:
    page = new_context(browser).new_page()
    with served(api) as url:
        page.goto(url)
        is_ready(page)
        hacked, refused = page.evaluate(TRY)
    page.context.close()
    assert hacked is None
    assert refused == [
        "connect-src",
        "frame-src",
        "img-src",
        "script-src-attr",
        "script-src-elem",
        "style-src-attr",
    ]
