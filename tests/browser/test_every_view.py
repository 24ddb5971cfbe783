"""What holds for every view, in light and dark and on a phone, with data as a team has it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.axe import AXE, serious, serious_in_dark
from tests.browser.chromium import new_context
from tests.browser.conftest import is_ready
from tests.browser.scenery import NOW, build
from tests.browser.serving import served
from tests.support.api import Api

DESK = {"width": 1280, "height": 860}
PHONE = {"width": 390, "height": 844}

PLACES = (
    "",
    "dags",
    "dags?tag=sales",
    "dags/nightly_sales",
    "dags/nightly_sales?tab=graph",
    "dags/nightly_sales?tab=calendar",
    "dags/nightly_sales?tab=durations",
    "dags/nightly_sales?tab=source&version=2&against=1",
    "dags/postgres_backup?tab=backfill",
    "runs",
    "runs/{run}",
    "runs/{run}?task=extract_apac",
    "pools",
    "workers",
    "errors",
    "ticks",
    "tokens",
    "audit",
    "notifications",
    "reference",
    "reference?part=api",
    "reference?part=api&q=RunDetail",
    "edit",
    "nowhere",
)
DIALOGS = {
    "dags/nightly_sales": "Run…",
    "runs/{run}": "Retry failed tasks…",
    "": "Keyboard shortcuts",
}


@pytest.fixture(scope="module")
def scene(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Page, str]]:
    """One page for all views, past its own policy, which lets no script in but its own."""
    api = Api(tmp_path_factory.mktemp("scene"))
    run_id = build(api)
    context = new_context(browser, bypass_csp=True, timezone_id="Europe/Berlin")
    page = context.new_page()
    page.clock.install(time=NOW)
    with served(api) as url:
        page.goto(url)
        is_ready(page)
        page.add_script_tag(content=AXE)
        yield page, run_id
    context.close()
    api.close()


def go(page: Page, place: str) -> None:
    page.set_viewport_size(DESK)  # type: ignore[arg-type]
    page.emulate_media(color_scheme="light")
    page.evaluate("location.hash = '#/elsewhere'")
    page.get_by_role("heading", name="Page not found").wait_for()
    page.evaluate("(place) => { location.hash = `#/${place}` }", place)
    page.wait_for_function("document.getElementById('main').getAttribute('aria-busy') === null")
    is_ready(page)


@pytest.mark.parametrize("place", PLACES)
def test_every_view_is_accessible_in_light_and_dark_and_fits_a_phone(
    scene: tuple[Page, str], place: str
) -> None:
    page, run_id = scene
    go(page, place.format(run=run_id))
    assert serious(page) == []
    assert serious_in_dark(page) == []
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.parametrize("place", DIALOGS)
def test_every_dialog_is_accessible_in_light_and_dark(scene: tuple[Page, str], place: str) -> None:
    page, run_id = scene
    go(page, place.format(run=run_id))
    page.get_by_role("button", name=DIALOGS[place]).click()
    page.get_by_role("dialog").wait_for()
    assert serious(page) == []
    assert serious_in_dark(page) == []
    page.keyboard.press("Escape")
