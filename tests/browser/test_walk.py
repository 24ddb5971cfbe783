"""What people do with the page, from end to end."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.acceptance.local_cloud import LocalCloud
from tests.browser.conftest import address, last_run
from tests.support.waiting import eventually


def test_an_uploaded_file_shows_up_by_itself(page: Page, cloud: LocalCloud) -> None:
    page.goto(address(cloud, "dags"))
    expect(page.get_by_role("link", name="Orders")).to_be_visible()
    cloud.upload("new.yaml", "dag_id: fresh\nname: Fresh one\ntasks: [{id: a, command: 'true'}]\n")
    expect(page.get_by_role("link", name="Fresh one")).to_be_visible()


def test_the_first_page_names_what_failed_and_why(page: Page, cloud: LocalCloud) -> None:
    page.goto(address(cloud))
    failed = page.get_by_role("region", name="To look at")
    expect(failed).to_contain_text("Orders")
    expect(failed).to_contain_text("load: exit code 3")
    expect(failed).to_contain_text("ValueError: no price for XTS")
    expect(page.get_by_role("region", name="Next 24 hours")).to_contain_text("daily at 02:00")


def test_a_run_is_made_with_params_and_watched_until_it_ends(page: Page, cloud: LocalCloud) -> None:
    page.goto(address(cloud, "dags/orders"))
    page.get_by_role("button", name="Run…").click()
    page.get_by_label("region").select_option("us")
    page.get_by_label("fails").uncheck()
    page.get_by_label("Note").fill("by the browser")
    page.get_by_role("button", name="Run 3 tasks now").click()
    expect(page.locator(".facts .badge").first).to_have_text(
        re.compile("succeeded"), timeout=30_000
    )
    expect(page.locator("main")).to_contain_text("by the browser")
    page.get_by_role("link", name="extract", exact=True).first.click()
    expect(page.locator("#log")).to_contain_text("reading us")


def test_a_failure_is_cleared_after_its_reach_was_shown(page: Page, cloud: LocalCloud) -> None:
    run_id = cloud.run("orders")
    eventually(lambda: cloud.has_ended(run_id), within=30)
    page.goto(address(cloud, f"runs/{run_id}"))
    expect(page.locator("#task-title")).to_contain_text("load")
    expect(page.locator("#log .error")).to_contain_text("ValueError")
    page.get_by_role("button", name="Run again…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("listitem")).to_have_count(2)
    dialog.get_by_role("button", name="Run 2 tasks again").click()
    expect(dialog).to_have_count(0)
    eventually(lambda: cloud.get(f"/runs/{run_id}/tasks/load")["try_number"] == 2, within=30)
    expect(page.get_by_role("button", name="try 2")).to_be_visible()


def test_a_task_is_marked_as_succeeded_and_the_rest_goes_on(page: Page, cloud: LocalCloud) -> None:
    run_id = cloud.run("orders")
    eventually(lambda: cloud.has_ended(run_id), within=30)
    page.goto(address(cloud, f"runs/{run_id}?task=load"))
    page.get_by_role("button", name="Mark as succeeded…").click()
    page.get_by_role("button", name="Mark as succeeded", exact=True).click()
    expect(page.locator("#task-title")).to_contain_text("succeeded")


def test_a_log_is_followed_while_it_is_written_and_the_run_cancelled(
    page: Page, cloud: LocalCloud
) -> None:
    run_id = cloud.run("slow")
    page.goto(address(cloud, f"runs/{run_id}"))
    expect(page.locator("#log")).to_contain_text("line 3", timeout=30_000)
    page.get_by_role("button", name="Cancel the run…").click()
    page.get_by_role("button", name="Cancel 1 task").click()
    expect(page.locator(".facts .badge").first).to_have_text(
        re.compile("cancelled"), timeout=30_000
    )
    expect(page.get_by_role("button", name="Cancel the run…")).to_have_count(0)


def test_a_log_is_searched(page: Page, cloud: LocalCloud) -> None:
    page.goto(address(cloud, f"runs/{last_run(cloud, 'fan')}?task=list"))
    expect(page.locator("#log")).to_contain_text("listing")
    page.get_by_label("Search the log").fill("listing")
    expect(page.locator("#log .here")).to_contain_text("listing")


def test_a_schedule_is_paused_and_goes_on(page: Page, cloud: LocalCloud) -> None:
    page.goto(address(cloud, "dags/orders"))
    page.get_by_role("button", name="Pause the schedule").click()
    expect(page.locator(".facts")).to_contain_text("paused")
    assert cloud.get("/dags/orders")["is_paused"] is True
    page.get_by_role("button", name="Let the schedule go on").click()
    expect(page.locator(".facts")).to_contain_text("next in")


def test_a_backfill_says_what_it_would_run_before_it_does(page: Page, cloud: LocalCloud) -> None:
    page.goto(address(cloud, "dags/orders?tab=backfill"))
    page.get_by_label("From, in your zone").fill("2026-01-01T00:00")
    page.get_by_label("To", exact=True).fill("2026-01-02T23:00")
    page.get_by_role("button", name="Show what it would run").click()
    expect(page.get_by_role("list", name="Moments")).to_contain_text("02:00:00 CET")
    assert cloud.get("/backfills?dag_id=orders")["backfills"] == []
    page.get_by_role("button", name="Start this backfill").click()
    expect(page.get_by_role("table", name="Backfills")).to_be_visible()


def test_a_pool_is_made_changed_and_removed(page: Page, cloud: LocalCloud) -> None:
    page.goto(address(cloud, "pools"))
    page.get_by_role("button", name="New pool…").click()
    page.get_by_label("Name").fill("db")
    page.get_by_role("button", name="Keep").click()
    expect(page.get_by_role("table")).to_contain_text("0 of 4")
    page.get_by_role("button", name="Change db").click()
    page.get_by_label("Slots").fill("7")
    page.get_by_role("button", name="Keep").click()
    expect(page.get_by_role("table")).to_contain_text("0 of 7")
    page.get_by_role("button", name="Change db").click()
    page.get_by_role("button", name="Remove this pool").click()
    expect(page.locator("main")).to_contain_text("There is no pool")


def test_an_import_error_stands_with_its_line(page: Page, cloud: LocalCloud) -> None:
    page.goto(address(cloud, "errors"))
    expect(page.locator("main")).to_contain_text("line 5")
    expect(page.locator("main")).to_contain_text("did you mean 'command'?")


def test_filters_stand_in_the_address(page: Page, cloud: LocalCloud) -> None:
    page.goto(address(cloud, "dags?tag=etl"))
    expect(page.get_by_role("link", name="Orders")).to_be_visible()
    expect(page.get_by_role("link", name="Fan")).to_have_count(0)
    page.goto(address(cloud, "dags"))
    page.get_by_label("Search DAGs").fill("fan")
    expect(page.get_by_role("link", name="Orders")).to_have_count(0)
    assert page.url.endswith("#/dags?search=fan")


def test_what_is_not_there_is_said_in_words(page: Page, cloud: LocalCloud) -> None:
    page.goto(address(cloud, "runs/none"))
    expect(page.locator("main")).to_contain_text("That is not here")
    page.goto(address(cloud, "nowhere"))
    expect(page.locator("main")).to_contain_text("There is no such page")
