"""What waits says for what, and a failure that somebody acknowledged asks for no more attention."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from chalicelib import config
from chalicelib.dag.model import Task
from chalicelib.database.connection.times import to_us
from tests.browser.conftest import is_ready
from tests.browser.serving import served
from tests.support.api import Api
from tests.support.rows import START

TASKS = (Task("extract", "x"), Task("load", "x", ("extract",)), Task("ask", "x", pool="db"))
LATER = START + timedelta(hours=2)


@pytest.fixture
def scene(browser: Browser, tmp_path: Path) -> Iterator[tuple[Page, Api]]:
    api = Api(tmp_path)
    api.clock.moment = LATER
    api.rows.dag("etl", name="Nightly", max_active_runs=1, tasks=TASKS)
    context = browser.new_context(timezone_id="UTC")
    page = context.new_page()
    with served(api) as url:
        page.goto(url)
        is_ready(page)
        yield page, api
    context.close()
    api.close()


def opened(page: Page, place: str) -> None:
    page.evaluate("(place) => { location.hash = `#/${place}` }", place)


def test_every_view_says_what_a_run_and_its_tasks_wait_for(scene: tuple[Page, Api]) -> None:
    page, api = scene
    running = api.rows.run("etl", "running")
    api.rows.task(running, "extract", "running", sends=1)
    api.rows.task(running, "load", "none")
    api.rows.task(running, "ask", "scheduled", pool="db")
    waiting = api.rows.run("etl", "queued")
    api.rows.task(waiting, "extract", "none")
    why = f"aits for a run slot: DAG etl has max_active_runs 1, held by {running}; number 1"
    expect(page.get_by_role("region", name="Running now")).to_contain_text(why)
    opened(page, "runs")
    expect(page.get_by_role("table")).to_contain_text(why)
    opened(page, "dags/etl")
    expect(page.locator("#grid a.column").last).to_be_visible()
    assert why in (page.locator("#grid a.column").last.get_attribute("title") or "")
    opened(page, f"runs/{waiting}")
    expect(page.locator(".waits").first).to_contain_text(f"W{why} in the queue.")
    page.locator(".waits").first.get_by_role("link", name=running).click()
    expect(page.locator(".tasklist")).to_contain_text("waits for extract (running)")
    opened(page, f"runs/{running}?task=ask")
    expect(page.locator("#task-title")).to_contain_text("ask")
    expect(page.locator(".waits")).to_contain_text(
        "Waits: there is no pool 'db'; create it with PUT /api/pools/db."
    )


def failed(api: Api, **columns: int) -> str:
    run_id = api.rows.run("etl", "failed", **columns)
    api.rows.task(run_id, "load", "failed", reason="exit code 3")
    return run_id


def test_a_failure_is_acknowledged_and_a_new_one_shows_up_again(scene: tuple[Page, Api]) -> None:
    page, api = scene
    failed(api)
    second = failed(api)
    look = page.get_by_role("region", name="Needs attention")
    expect(look).to_contain_text("2 open failures")
    look.get_by_role("button", name="Acknowledge the failure of Nightly").click()
    page.get_by_label("Note (optional)").fill("disk was full\nolga looks after it")
    page.get_by_role("button", name="Acknowledge", exact=True).click()
    expect(look).to_contain_text("No open failures")
    known = api.get(f"/api/runs/{second}").json["acknowledged_note"]
    assert known == "disk was full\nolga looks after it"
    api.rows.now = LATER
    third = failed(api)
    expect(look).to_contain_text("load: exit code 3")
    opened(page, f"runs/{second}")
    expect(page.locator("main")).to_contain_text("Acknowledged by local")
    expect(page.locator("main")).to_contain_text("disk was full")
    page.get_by_role("button", name="Undo acknowledgement…").click()
    page.get_by_role("button", name="Undo acknowledgement", exact=True).click()
    expect(page.get_by_role("button", name="Acknowledge…")).to_be_visible()
    opened(page, "runs?state=failed&acknowledged=false")
    expect(page.get_by_role("row")).to_have_count(4)
    assert api.get(f"/api/runs/{third}").json["acknowledged_at"] is None


def test_an_older_run_that_fails_after_the_acknowledgement_shows_up_again(
    scene: tuple[Page, Api],
) -> None:
    page, api = scene
    older = failed(api)
    newer = failed(api)
    api.send("POST", f"/api/runs/{newer}/acknowledge", {})
    look = page.get_by_role("region", name="Needs attention")
    expect(look).to_contain_text("No open failures")
    with api.database.write() as tx:  # it was cleared, and ends anew
        ended = to_us(LATER + timedelta(minutes=5))
        again = "UPDATE runs SET state = 'queued', ended_at = NULL WHERE run_id = ?"
        tx.execute(again, (older,))
        end = "UPDATE runs SET state = 'failed', ended_at = ? WHERE run_id = ?"
        tx.execute(end, (ended, older))
    expect(look).to_contain_text("load: exit code 3")


def test_a_view_that_was_left_while_it_loaded_draws_nothing(scene: tuple[Page, Api]) -> None:
    page, api = scene
    run_id = api.rows.run("etl")
    page.route("**/api/dags/etl/versions/1", lambda _: None)  # never answered
    with page.expect_request("**/api/dags/etl/versions/1"):
        opened(page, f"runs/{run_id}")
    opened(page, "nowhere")
    nowhere = page.get_by_role("heading", name="Page not found")
    nowhere.wait_for()
    page.evaluate("fetch('api/health')")  # longer than the left view takes to go on
    expect(nowhere).to_be_visible()
    expect(page.get_by_role("heading", name="etl")).to_have_count(0)


def test_a_task_on_fargate_that_has_not_begun_is_starting_and_since_when(
    scene: tuple[Page, Api],
) -> None:
    page, api = scene
    api.configure(
        settings=config.load({"ORCHESTRATOR_FARGATE": "yes", "ORCHESTRATOR_AUTH": "none"})
    )
    api.rows.dag("boxes", name="Boxes", tasks=(Task("boxed", "x", place="fargate"),))
    run_id = api.rows.run("boxes", "running")
    sent_at = to_us(api.clock.moment - timedelta(seconds=20))
    api.rows.task(run_id, "boxed", "queued", sends=1, queued_at=sent_at)
    opened(page, f"runs/{run_id}?task=boxed")
    tasks = page.locator(".tasklist")
    expect(tasks.locator(".badge")).to_contain_text("starting")
    expect(tasks).to_contain_text("has been starting on Fargate since")
    expect(tasks.locator("time").first).not_to_be_empty()
    expect(page.locator("#n-boxed")).to_contain_text("starting")
    expect(page.locator(".waits").last).to_contain_text("as been starting on Fargate since")
