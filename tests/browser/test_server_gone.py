"""The server stops and comes back: the page says so in plain words and goes on by itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.acceptance.local_cloud import LocalCloud
from tests.browser.chromium import new_context
from tests.browser.conftest import address, is_ready
from tests.support.waiting import eventually

DAG = "name: Hello\nschedule: '@daily'\ntasks:\n  - {id: say, command: echo hello}\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> LocalCloud:
    cloud = LocalCloud(tmp_path_factory.mktemp("gone"))
    (cloud.dags_dir / "hello.yaml").write_text(DAG)
    return cloud


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = new_context(browser, viewport={"width": 1280, "height": 800})
    page = context.new_page()
    yield page
    context.close()


def says_so(page: Page) -> None:
    expect(page.locator("#trouble")).to_contain_text("The server has not answered since")
    expect(page.locator("#health")).to_contain_text("The server does not answer")


def goes_on(page: Page) -> None:
    expect(page.locator("#trouble")).to_be_empty()
    expect(page.locator("#health")).to_contain_text("last tick")


def test_the_page_goes_on_from_anywhere_when_the_server_is_back(
    home: LocalCloud, page: Page
) -> None:
    with home.running():
        eventually(lambda: home.dag_ids() == ["hello"])
        run_id = home.run("hello")
        page.goto(address(home, "dags"))
        is_ready(page)
        expect(page.get_by_role("main")).to_contain_text("Hello")
        page.goto(address(home, "runs"))
        is_ready(page)
    # A view that is shown stays, and says that it is not fresh.
    says_so(page)
    expect(page.locator("tbody tr")).to_have_count(1)
    # One that was loaded before opens by itself later, as does one whose module is not here yet.
    page.evaluate("location.hash = '#/dags'")
    expect(page.get_by_role("heading", level=1)).to_have_text("The server does not answer")
    page.evaluate("location.hash = '#/workers'")
    expect(page.get_by_role("heading", level=1)).to_have_text("The server does not answer")
    says_so(page)
    with home.running():
        expect(page.get_by_role("heading", level=1)).to_have_text("Workers")
        goes_on(page)
        page.goto(address(home, "dags/hello?tab=durations"))
        is_ready(page)
    says_so(page)
    page.get_by_role("link", name="Source").click()
    expect(page.get_by_role("main")).to_contain_text("the server does not answer")
    with home.running():
        expect(page.get_by_role("main")).to_contain_text("echo hello")
        goes_on(page)
        page.goto(address(home, f"runs/{run_id}"))
        is_ready(page)
        expect(page.locator(".log")).to_contain_text("hello")
    says_so(page)
    with home.running():
        home.run("hello")
        goes_on(page)
        page.evaluate("location.hash = '#/runs'")
        expect(page.locator("tbody tr")).to_have_count(2)
