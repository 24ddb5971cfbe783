"""The list of runs: filters, many runs at once, Back to the same place, and the palette."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from chalicelib.database.connection.times import to_us
from tests.browser.conftest import is_ready
from tests.browser.serving import served
from tests.support.api import Api
from tests.support.rows import START

DAY = timedelta(days=1)


@pytest.fixture
def scene(browser: Browser, tmp_path: Path) -> Iterator[tuple[Page, Api]]:
    """Three DAGs; `etl` failed yesterday and today, and ran a hundred times before."""
    api = Api(tmp_path)
    api.clock.moment = START + timedelta(hours=8)
    api.rows.dag("etl", name="Nightly load", tags=("sales",))
    api.rows.dag("report", name="Weekly report")
    with api.database.write() as tx:
        for _ in range(100):
            api.rows.put_run(tx, "report", "success", run_type="manual")
    for day, reason in ((1, "exit code 3: disk full"), (0, "exit code 137: out of memory")):
        run_id = api.rows.run("etl", "failed", logical_date=to_us(START - day * DAY))
        api.rows.task(run_id, "extract", "success")
        api.rows.task(run_id, "load", "failed", reason=reason)
    context = browser.new_context(timezone_id="UTC", viewport={"width": 1280, "height": 800})
    context.clock.set_fixed_time(api.clock.moment)
    page = context.new_page()
    with served(api) as url:
        page.goto(f"{url}#/runs")
        is_ready(page)
        yield page, api
    context.close()
    api.close()


def rows(page: Page) -> list[str]:
    return page.locator("tbody tr td:nth-child(3)").all_inner_texts()


def test_runs_are_found_by_each_filter_and_the_address_holds_them(scene: tuple[Page, Api]) -> None:
    page, _ = scene
    expect(page.locator("tbody tr")).to_have_count(50)
    page.get_by_label("DAG name").fill("nightly")
    expect(page.locator("tbody tr")).to_have_count(2)
    assert "name=nightly" in page.url
    page.get_by_label("Logical date").select_option("Yesterday")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody")).to_contain_text("disk full")
    assert "from=2026-11-22&to=2026-11-22" in page.url
    page.reload()
    is_ready(page)
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.get_by_label("Logical date")).to_have_value("yesterday")
    page.get_by_role("button", name="Clear filters").click()
    expect(page.locator("tbody tr")).to_have_count(50)
    page.get_by_label("Cause of failure").fill("MEMORY")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody .cause")).to_contain_text("out of memory")
    page.get_by_role("button", name="Clear filters").click()
    page.get_by_label("Tag").select_option("sales")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_label("Tag").select_option("Any tag")
    page.get_by_label("Started by").select_option("Started on schedule")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_label("State").select_option("succeeded")
    expect(page.locator(".empty")).to_have_text("No run matches these filters.")


def test_failed_runs_are_retried_together_after_their_reach_was_shown(
    scene: tuple[Page, Api],
) -> None:
    page, api = scene
    page.get_by_label("State").select_option("failed")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.locator("tbody input").first.click()
    page.locator("tbody input").last.click(modifiers=["Shift"])
    expect(page.get_by_role("group", name="Selected runs")).to_contain_text("2 selected")
    page.get_by_role("button", name="Retry failed tasks…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading")).to_have_text("Retry the failed tasks of 2 runs")
    expect(dialog.locator(".reach li")).to_have_count(2)
    expect(dialog.locator(".reach li").first).to_contain_text("1 task")
    assert api.get("/api/audit").json["audit"] == []
    dialog.get_by_role("button", name="Retry 2 runs").click()
    expect(page.locator(".empty")).to_be_visible()
    assert len(api.get("/api/audit").json["audit"]) == 2


def test_a_run_that_cannot_be_changed_says_why_in_the_reach(scene: tuple[Page, Api]) -> None:
    page, api = scene
    page.get_by_label("Select all").click()
    expect(page.get_by_role("group", name="Selected runs")).to_contain_text("50 selected")
    page.get_by_role("button", name="Acknowledge…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".reach")).to_contain_text("can be acknowledged")
    expect(dialog).to_contain_text("48 runs cannot be changed.")
    dialog.get_by_label("Note (optional)").fill("known")
    dialog.get_by_role("button", name="Acknowledge 2 runs").click()
    expect(dialog).to_have_count(0)
    runs = api.get("/api/runs?acknowledged=true").json["runs"]
    assert [run["acknowledged_note"] for run in runs] == ["known", "known"]


def test_back_returns_to_the_same_place_with_its_filters(scene: tuple[Page, Api]) -> None:
    page, _ = scene
    page.get_by_label("State").select_option("succeeded")
    page.get_by_role("button", name="Show more").click()
    expect(page.locator("tbody tr")).to_have_count(100)
    link = page.locator("tbody a[data-item]").nth(80)
    link.scroll_into_view_if_needed()
    href = link.get_attribute("href")
    before = link.bounding_box()
    link.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Weekly report")
    page.go_back()
    expect(page.locator("tbody tr")).to_have_count(100)
    expect(page.get_by_label("State")).to_have_value("success")
    expect(page.locator("a:focus")).to_have_attribute("href", href or "")
    after = page.locator("a:focus").bounding_box()
    assert before is not None
    assert after is not None
    assert abs(after["y"] - before["y"]) <= 30
    page.go_forward()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Weekly report")


def test_the_palette_finds_dags_runs_tasks_views_and_actions(scene: tuple[Page, Api]) -> None:
    page, _ = scene
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="Search DAGs, runs, tasks and actions")
    expect(field).to_be_focused()
    options = page.locator("#palette-list [role=option]")
    field.fill("pools")
    expect(options.first).to_have_text("ViewPools")
    field.fill("load")
    for text in ("DAGNightly load etl", "ActionRun Nightly load… etl"):
        expect(options.filter(has_text=text)).to_have_count(1)
    expect(options.filter(has_text="Runetl")).to_have_count(2)
    expect(options.filter(has_text="Taskload failed in etl__")).to_have_count(2)
    page.keyboard.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    options.filter(has_text="Taskload").first.click()
    expect(page.locator("#task-title")).to_contain_text("load")
    page.keyboard.press("Control+k")
    expect(options.filter(has_text="ActionRetry failed tasks…")).to_have_count(1)
    field.fill("retry")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("Retry the tasks that did not succeed")
