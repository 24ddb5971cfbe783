"""The reference on the page has all that the tables of the server have, and can be searched."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from chalicelib.dag.language.field_reference import field_reference
from chalicelib.web.routes import ROUTES
from tests.browser.conftest import is_ready
from tests.browser.serving import served
from tests.support.api import Api


@pytest.fixture(scope="module")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    api = Api(tmp_path_factory.mktemp("reference"))
    context = browser.new_context()
    page = context.new_page()
    with served(api) as url:
        page.goto(url)
        is_ready(page)
        yield page
    context.close()
    api.close()


def opened(page: Page, place: str) -> None:
    page.evaluate("(place) => { location.hash = `#/${place}` }", place)
    expect(page.get_by_role("heading", name="Reference")).to_be_visible()
    is_ready(page)


def test_the_page_leads_to_its_reference(site: Page) -> None:
    site.get_by_role("link", name="Reference").click()
    expect(site.get_by_role("heading", name="The task")).to_be_visible()


def test_the_reference_has_every_key_of_a_dag_file(site: Page) -> None:
    opened(site, "reference")
    shown = site.locator("td:first-child").all_inner_texts()
    for fields in field_reference().values():
        for field in fields:
            assert " or ".join((field.name, *field.aliases)) in shown


def test_the_reference_has_every_route_of_the_api(site: Page) -> None:
    opened(site, "reference?part=api")
    expect(site.locator("#schema-RunDetail")).to_be_attached()
    shown = site.locator("details[id^=operation-] > summary > code").all_inner_texts()
    assert sorted(shown) == sorted(f"{route.method} {route.path}" for route in ROUTES)


def test_a_search_shows_what_has_all_of_its_words(site: Page) -> None:
    opened(site, "reference?part=api")
    search = site.get_by_label("Search the reference")
    search.fill("no such words")
    expect(site.get_by_text("Nothing matches this search.")).to_be_visible()
    search.fill("patch run")
    expect(site.locator("details")).to_have_count(1)
    expect(site.get_by_role("cell", name="Null removes the note.")).to_be_visible()
    assert site.evaluate("location.hash") == "#/reference?part=api&q=patch+run"


def test_a_response_leads_to_the_fields_of_its_schema(site: Page) -> None:
    opened(site, "reference?part=api&q=patch run")
    site.get_by_role("link", name="Run", exact=True).click()
    fields = site.locator("#schema-Run")
    expect(fields.get_by_role("cell", name="logical_date", exact=True)).to_be_visible()
