"""Links to lines of a log, and all logs of a run as one stream."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import new_context
from tests.browser.conftest import is_ready
from tests.browser.serving import served
from tests.support.api import Api

LINES = 300


@pytest.fixture
def scene(browser: Browser, tmp_path: Path) -> Iterator[tuple[Page, str, str]]:
    """A page, its address, and a run whose tasks wrote by turns."""
    api = Api(tmp_path)
    api.rows.dag("etl")
    run_id = api.rows.run("etl", "failed")
    for task_id, odd in (("extract", 0), ("load", 1)):
        key = api.rows.task(run_id, task_id, "failed" if odd else "success", {})
        log = "".join(
            f"2026-11-23T10:{number // 60:02}:{number % 60:02}.000Z {task_id} {number}\n"
            for number in range(odd, LINES, 2)
        )
        with api.database.write() as tx:
            tx.execute("DELETE FROM short_logs WHERE task_instance_id = ?", (key,))
            tx.execute("INSERT INTO short_logs VALUES (?, 1, ?)", (key, log))
    context = new_context(browser, viewport={"width": 1280, "height": 800})
    page = context.new_page()
    with served(api) as url:
        yield page, url, run_id
    context.close()
    api.close()


def test_a_link_to_a_line_opens_the_log_there(scene: tuple[Page, str, str]) -> None:
    page, url, run_id = scene
    page.goto(f"{url}#/runs/{run_id}?task=extract&try=1&line=120")
    is_ready(page)
    linked = page.locator(".line.linked")
    expect(linked).to_have_text("10:03:58.000extract 238", use_inner_text=False)
    expect(linked).to_be_in_viewport()
    page.locator(".line .n").nth(121).click()
    expect(linked).to_contain_text("extract 242")
    assert "line=122" in page.url


def test_all_logs_of_a_run_are_one_stream_and_can_be_searched(
    scene: tuple[Page, str, str],
) -> None:
    page, url, run_id = scene
    page.goto(f"{url}#/runs/{run_id}?task=load")
    is_ready(page)
    page.get_by_role("link", name="All logs of this run").click()
    lines = page.locator("#log .line")
    expect(lines).to_have_count(LINES)
    expect(lines.nth(0)).to_contain_text("extract 0")
    expect(lines.nth(1)).to_contain_text("load 1")
    page.get_by_label("Search all logs").fill("LOAD 29")
    expect(lines).to_have_count(6)
    lines.nth(1).get_by_role("link").click()
    expect(page.locator(".line.linked")).to_contain_text("load 291")
