"""The artifacts in a task's panel: what a command left is looked at, and never becomes markup."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from chalicelib.messages import Attempt
from tests.browser.conftest import is_ready
from tests.browser.serving import served
from tests.support.api import Api
from tests.support.waiting import HANG_SECONDS

HOSTILE = "<img src=x onerror=parent.hacked=1><script>parent.hacked=1</script>"
SVG = """<svg xmlns="http://www.w3.org/2000/svg" width="60" height="40" onload="parent.hacked=1">
<script>parent.hacked=1</script><rect width="60" height="40" fill="green"/></svg>"""
LEFT = {
    "rows": ("rows.csv", f'city,"sales, eu"\nKöln,12\n"{HOSTILE}",3\n'.encode()),
    "summary": ("summary.json", b'{"total": 12345678901234567890, "ok": true}'),
    "notes": ("notes.html", f"first line\n{HOSTILE}".encode()),
    "drawing": ("drawing.svg", SVG.encode()),
    "data": ("data.bin", b"\0\1"),
    "site": ("site", b"tar"),
}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The address of the page, and a run whose task left LEFT."""
    api = Api(tmp_path)
    api.rows.dag("etl")
    run_id = api.rows.run("etl", "success")
    key = api.rows.task(run_id, "make")
    for name, (file_name, body) in LEFT.items():
        given = {"file_name": file_name, "size_bytes": len(body), "is_folder": name == "site"}
        api.rows.artifact(run_id, key, name, **given)
        api.runs.put(Attempt("etl", run_id, "make", -1, 1).artifact_key(name), body)
    with served(api) as url:
        yield url, run_id
    api.close()


@pytest.fixture
def page(still_page: Page, site: tuple[str, str]) -> Page:
    url, run_id = site
    still_page.goto(f"{url}#/runs/{run_id}")
    is_ready(still_page)
    still_page.locator("#artifacts > summary").click()
    return still_page


def preview(page: Page, name: str) -> None:
    page.get_by_role("button", name=f"Preview {name}").click()


def test_all_that_a_task_left_is_listed(page: Page) -> None:
    rows = page.locator("#artifacts tbody tr")
    expect(rows).to_have_count(len(LEFT))
    expect(page.locator("#artifacts")).to_contain_text("rows.csv")
    expect(page.locator("#artifacts")).to_contain_text("site/")
    expect(page.get_by_role("button", name="Preview site")).to_have_count(0)


def test_a_table_is_shown_as_a_table(page: Page) -> None:
    preview(page, "rows")
    cells = page.frame_locator("iframe.preview").locator("tr")
    expect(cells.nth(0).locator("th")).to_have_text(["city", "sales, eu"])
    expect(cells.nth(2).locator("td")).to_have_text([HOSTILE, "3"])


def test_json_is_indented_and_loses_no_digit(page: Page) -> None:
    preview(page, "summary")
    text = page.frame_locator("iframe.preview").locator("pre")
    expect(text).to_contain_text('"total": 12345678901234567890')


@pytest.mark.parametrize("name", ["rows", "notes", "drawing"])
def test_what_a_command_wrote_runs_nothing(page: Page, name: str) -> None:
    preview(page, name)
    frame = page.locator("iframe.preview")
    expect(frame).to_have_attribute("sandbox", "")
    expect(page.frame_locator("iframe.preview").locator("pre, table, img")).to_be_visible()
    assert page.frame_locator("iframe.preview").locator("script, [onerror]").count() == 0
    assert page.evaluate("window.hacked") is None


def test_an_image_is_shown(page: Page) -> None:
    preview(page, "drawing")
    image = page.frame_locator("iframe.preview").locator("img")
    expect(image).to_be_visible()
    assert image.bounding_box() == {**(image.bounding_box() or {}), "width": 60, "height": 40}


def test_what_cannot_be_shown_says_why(page: Page) -> None:
    preview(page, "data")
    expect(page.locator("#preview")).to_contain_text(
        "No preview: this is neither text nor an image"
    )


def test_the_download_follows_the_link(page: Page) -> None:
    with page.expect_download(timeout=HANG_SECONDS * 1000) as started:
        page.get_by_role("button", name="Download rows").click()
    assert "/downloads/" in started.value.url
    started.value.cancel()
