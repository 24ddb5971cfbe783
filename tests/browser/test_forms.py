"""Forms keep their button in view and say what is wrong at the field; first steps are shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from chalicelib.dag.model import Param
from tests.browser.conftest import is_ready
from tests.browser.serving import served
from tests.support.api import Api
from tests.support.fakes import FakeClock

MANY = tuple(Param(f"param_{number}", "string", "x") for number in range(30))
LIMITED = (Param("limit", "integer", 3, maximum=5), Param("query", "string", "select 1\nfrom t"))


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    api = Api(tmp_path)
    yield api
    api.close()


@pytest.fixture
def site(api: Api) -> Iterator[str]:
    with served(api) as url:
        yield url


def is_in_view(page: Page, element: Locator) -> bool:
    box, size = element.bounding_box(), page.viewport_size
    assert box is not None
    assert size is not None
    return box["y"] >= 0 and box["y"] + box["height"] <= size["height"]


@pytest.mark.parametrize("size", [(1280, 600), (390, 844)], ids=["desk", "phone"])
def test_the_button_of_a_long_form_is_always_in_view(
    still_page: Page, api: Api, site: str, size: tuple[int, int]
) -> None:
    page = still_page
    page.set_viewport_size({"width": size[0], "height": size[1]})
    api.rows.dag("a", schedule=("@daily",), params=MANY)
    page.goto(f"{site}#/dags/a")
    page.get_by_role("button", name="Run…").click()
    run = page.get_by_role("button", name="Run 2 tasks now")
    expect(run).to_be_visible()
    assert is_in_view(page, run)
    page.get_by_label("param_29").scroll_into_view_if_needed()
    assert is_in_view(page, run)
    page.get_by_role("button", name="Cancel").click()
    page.goto(f"{site}#/dags/a?tab=backfill")
    page.get_by_text("Params", exact=True).click()
    page.get_by_label("param_1", exact=True).scroll_into_view_if_needed()
    assert is_in_view(page, page.get_by_role("button", name="Preview"))
    page.set_viewport_size({"width": 1280, "height": 860})


def test_what_the_api_refuses_is_said_at_the_field(still_page: Page, api: Api, site: str) -> None:
    page = still_page
    api.rows.dag("a", schedule=("@daily",), params=LIMITED)
    page.goto(f"{site}#/dags/a")
    page.get_by_role("button", name="Run…").click()
    limit = page.get_by_label("limit")
    limit.fill("9")
    page.get_by_role("button", name="Run 2 tasks now").click()
    expect(page.locator("#param-limit-error")).to_contain_text("must be 5 or less, not 9")
    expect(limit).to_have_attribute("aria-invalid", "true")
    expect(limit).to_be_focused()
    assert "monospace" in page.get_by_label("query").evaluate(
        "box => getComputedStyle(box).fontFamily"
    )
    limit.fill("4")
    page.get_by_role("button", name="Run 2 tasks now").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert api.get("/api/runs").json["runs"]


def test_ranges_that_are_wanted_often_are_a_click_away_in_the_zone_of_the_dag(
    still_page: Page, api: Api, site: str
) -> None:
    page = still_page
    assert FakeClock().moment.isoformat().startswith("2026-11-23T")
    api.rows.dag("a", schedule=("0 2 * * *",), timezone="Asia/Tokyo", params=LIMITED)
    page.goto(f"{site}#/dags/a?tab=backfill")
    page.get_by_role("button", name="Last 7 days").click()
    expect(page.get_by_role("list", name="Dates").get_by_role("listitem").first).to_contain_text(
        "17 Nov 2026, 02:00:00"
    )
    expect(page.get_by_role("button", name="Start 7 runs")).to_be_visible()
    page.get_by_role("button", name="Last month").click()
    expect(page.get_by_role("button", name="Start 31 runs")).to_be_visible()
    page.get_by_label("or a month").fill("2026-02")
    page.get_by_label("or a month").dispatch_event("change")
    expect(page.get_by_role("button", name="Start 28 runs")).to_be_visible()
    expect(page.get_by_label("From (Asia/Tokyo)")).to_have_value("2026-02-01T00:00")
    # What is wrong is said at its field, also in a part that was folded.
    page.get_by_text("Params", exact=True).click()
    page.get_by_label("limit").fill("9")
    page.get_by_text("Params", exact=True).click()
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#param-limit-error")).to_be_visible()
    page.get_by_label("From (Asia/Tokyo)").fill("")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#from-error")).to_have_text("Enter a date and a time.")


def test_on_a_phone_every_view_is_within_reach(still_page: Page, site: str) -> None:
    page = still_page
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{site}#/pools")
    is_ready(page)
    names = page.locator("#nav > a").all_text_contents()
    assert len(names) > 5
    for name in names:
        page.get_by_role("button", name="All views").click()
        link = page.locator("#nav").get_by_role("link", name=name, exact=True)
        expect(link).to_be_visible()
        box = link.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        link.click()
        expect(link).to_be_hidden()
        expect(page.get_by_role("button", name="All views")).to_contain_text(name)
    page.set_viewport_size({"width": 1280, "height": 860})
    expect(page.get_by_role("button", name="All views")).to_be_hidden()


def test_an_empty_installation_shows_a_file_where_it_goes_and_how(
    still_page: Page, api: Api, site: str
) -> None:
    page = still_page
    ports = {"dags_folder": Path("/home/ada/dags"), "s3_endpoint": "http://127.0.0.1:4566"}
    api.configure(**ports)
    for place in ("", "dags"):
        page.goto(f"{site}#/{place}")
        page.reload()
        is_ready(page)
        steps = page.locator("#first-steps")
        expect(steps.locator("pre")).to_contain_text("name: Hello")
        expect(steps).to_contain_text("/home/ada/dags")
        expect(steps.locator(".command")).to_have_text(
            "aws --endpoint-url http://127.0.0.1:4566 s3 cp hello.yaml s3://orchestrator-dags/"
        )
    with page.expect_download() as download:
        steps.get_by_role("button", name="Download").click()
    source = Path(download.value.path()).read_bytes()
    reply = api.request("POST", "/api/dags/validate", source, "application/yaml")
    assert (reply.status, reply.json["warnings"]) == (200, [])
    steps.get_by_role("link", name="Create it on this page").click()
    expect(page.get_by_label("File name")).to_have_value("hello.yaml")
    # On AWS there is no folder and no other address than AWS's own.
    api.configure(editable_dags=None)
    page.goto(f"{site}#/")
    page.reload()
    expect(steps.locator(".command")).to_have_text("aws s3 cp hello.yaml s3://orchestrator-dags/")
    expect(steps.get_by_role("link", name="Create it on this page")).to_have_count(0)
