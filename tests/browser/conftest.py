"""A browser before a running local cloud. Nothing here reaches any other host."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    Playwright,
    expect,
    sync_playwright,
)

from tests.acceptance.local_cloud import LocalCloud
from tests.browser.chromium import launched, new_context
from tests.browser.files import FILES
from tests.support.fakes import FakeClock
from tests.support.waiting import eventually


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Playwright; a process can have only one."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    browser = launched(playwright)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A local cloud with the DAGs of `files`; one run of each that ends has ended."""
    cloud = LocalCloud(tmp_path_factory.mktemp("browser"))
    for name, text in FILES.items():
        (cloud.dags_dir / name).write_text(text)
    with cloud.running():
        eventually(lambda: {"orders", "fan", "hostile"} <= set(cloud.dag_ids()))
        runs = [cloud.run(dag_id) for dag_id in ("orders", "fan", "hostile")]
        eventually(lambda: all(cloud.has_ended(run_id) for run_id in runs))
        yield cloud


@pytest.fixture(scope="session")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """One for all tests: a file of the page is fetched once, as browsers do."""
    context = new_context(browser, viewport={"width": 1280, "height": 860})
    yield context
    context.close()


@pytest.fixture(scope="session")
def still_context(browser: Browser) -> Iterator[BrowserContext]:
    """A context for sites on `tests.support.api`: browser and site agree on today's date."""
    context = new_context(browser, viewport={"width": 1280, "height": 860})
    context.clock.set_fixed_time(FakeClock().moment)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page before the local cloud, on the real clock."""
    with _faultless(context) as page:
        yield page


@pytest.fixture
def still_page(still_context: BrowserContext) -> Iterator[Page]:
    """A page before a site on `tests.support.api`, on the clock of that."""
    with _faultless(still_context) as page:
        yield page


@contextmanager
def _faultless(context: BrowserContext) -> Iterator[Page]:
    """A page that fails its test if a script fails, or the policy of the page is broken."""
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: _note(complaints, message))
    yield page
    page.close()
    assert complaints == []


def _note(complaints: list[str], message: Any) -> None:
    if message.type == "error" and not any(text in message.text for text in _NOT_OURS):
        complaints.append(message.text)


_NOT_OURS = (
    # A refused request is written there by the browser itself; the page tells it in its own words.
    "Failed to load resource",
    # Playwright's own script, in the frame of a preview.
    "Blocked script execution in 'about:srcdoc'",
)


def is_ready(page: Page) -> None:
    """Wait until what the address names is drawn."""
    expect(page.locator("main h1").first).to_be_attached()
    expect(page.locator("main[aria-busy]")).to_have_count(0)


def last_run(cloud: LocalCloud, dag_id: str) -> str:
    return str(cloud.get(f"/dags/{dag_id}/runs?limit=1")["runs"][0]["run_id"])


def address(cloud: LocalCloud, place: str = "") -> str:
    return f"http://127.0.0.1:{cloud.api_port}/#/{place}"
