"""How often an open tab asks the API: each view for a minute in which nothing changes, and after a
change. The page's clock is the test's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Request

from tests.browser.pictures import opened
from tests.browser.scenery import build
from tests.browser.serving import served
from tests.support.api import Api

MOST = 6
"""In a minute in which nothing changes."""
VIEWS = {
    "home": "",
    "dags": "dags",
    "runs": "runs",
    "pools": "pools",
    "import errors": "errors",
    "notifications": "notifications",
    "audit": "audit",
    "grid": "dags/nightly_sales",
    "calendar": "dags/nightly_sales?tab=calendar",
    "durations": "dags/nightly_sales?tab=durations",
}
CLOCKED = {"ticks": "ticks", "workers": "workers"}
"""What changes while the database does not, or only by bookkeeping."""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    api = Api(tmp_path_factory.mktemp("requests"))
    build(api)
    yield api
    api.close()


@pytest.fixture(scope="module")
def url(api: Api) -> Iterator[str]:
    with served(api) as url:
        yield url


class Tab:
    """A tab, with the requests that it sends to the API."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.sent: list[str] = []
        self._pending: set[Request] = set()
        page.on("request", self._begun)
        page.on("requestfinished", self._ended)
        page.on("requestfailed", self._ended)

    def _begun(self, request: Request) -> None:
        self._pending.add(request)
        if "/api/" in request.url:
            self.sent.append(request.url.partition("/api/")[2].partition("?")[0])

    def _ended(self, request: Request) -> None:
        self._pending.discard(request)

    def pass_time(self, seconds: int) -> list[str]:
        """Let time pass, second by second, each until all requests are answered. Returns them."""
        before = len(self.sent)
        for _ in range(seconds):
            self.page.clock.run_for(1000)
            self.page.evaluate("null")
            while self._pending:
                self.page.evaluate("null")
        return self.sent[before:]


@pytest.mark.parametrize("place", VIEWS.values(), ids=VIEWS)
def test_a_view_asks_six_times_a_minute_at_most_while_nothing_changes(
    browser: Browser, url: str, place: str
) -> None:
    tab = Tab(opened(browser, f"{url}#/{place}"))
    tab.pass_time(30)
    sent = tab.pass_time(60)
    assert set(sent) <= {"changes", "health"}
    assert 0 < len(sent) <= MOST
    tab.page.context.close()


@pytest.mark.parametrize("place", CLOCKED.values(), ids=CLOCKED)
def test_a_view_that_follows_a_clock_asks_ten_times_a_minute_at_most(
    browser: Browser, url: str, place: str
) -> None:
    tab = Tab(opened(browser, f"{url}#/{place}"))
    tab.pass_time(30)
    assert len(tab.pass_time(60)) <= 10
    tab.page.context.close()


def test_a_run_that_has_ended_is_not_asked_for_again(browser: Browser, api: Api, url: str) -> None:
    runs = api.get("/api/runs?state=success&limit=1").json["runs"]
    tab = Tab(opened(browser, f"{url}#/runs/{runs[0]['run_id']}"))
    tab.pass_time(30)
    assert set(tab.pass_time(60)) <= {"changes", "health"}
    tab.page.context.close()


def test_a_hidden_tab_asks_nothing(browser: Browser, url: str) -> None:
    tab = Tab(opened(browser, url))
    tab.page.evaluate(
        "() => { Object.defineProperty(document, 'hidden', {value: true});"
        " document.dispatchEvent(new Event('visibilitychange')); }"
    )
    tab.pass_time(2)
    assert tab.pass_time(60) == []
    tab.page.context.close()


def test_a_change_is_shown_with_the_next_answer(browser: Browser, api: Api, url: str) -> None:
    tab = Tab(opened(browser, url))
    tab.pass_time(5)
    api.rows.broken("late.yaml", "no such key")
    tab.pass_time(20)
    tab.page.get_by_text("late.yaml").first.wait_for()
    tab.page.context.close()
