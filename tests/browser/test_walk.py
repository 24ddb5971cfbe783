"""What people do with the page, from end to end."""

from __future__ import annotations

import re

from playwright.sync_api import Page, Route, expect

from tests.acceptance.local_cloud import LocalCloud
from tests.browser.conftest import address, last_run
from tests.support.waiting import eventually

SUCCEEDED = re.compile("succeeded")
FAILED = re.compile("failed")

FRESH = "dag_id: fresh\nname: Fresh one\ntasks: [{id: a, command: 'true'}]\n"


def test_an_uploaded_file_shows_up_by_itself_and_its_changes_are_compared(
    page: Page, cloud: LocalCloud
) -> None:
    page.goto(address(cloud, "dags"))
    expect(page.get_by_role("link", name="Orders")).to_be_visible()
    cloud.upload("new.yaml", FRESH)
    expect(page.get_by_role("link", name="Fresh one")).to_be_visible()
    cloud.upload("new.yaml", FRESH.replace("Fresh one", "Fresher"))
    eventually(lambda: cloud.get("/dags/fresh")["version"] == 2)
    page.goto(address(cloud, "dags/fresh?tab=source"))
    page.get_by_label("Compare with").select_option("1")
    expect(page.locator(".source .removed")).to_have_text("name: Fresh one")
    expect(page.locator(".source .added")).to_have_text("name: Fresher")
    expect(page.locator("main")).to_contain_text("2 lines differ")


def test_the_files_beside_a_dag_are_shown_and_compared(page: Page, cloud: LocalCloud) -> None:
    cloud.upload("with/load.sql", "SELECT 1\n")
    cloud.upload("with/files.yaml", FRESH.replace("fresh", "filed") + "files: load.sql\n")
    eventually(lambda: "filed" in [dag["dag_id"] for dag in cloud.get("/dags")["dags"]])
    cloud.upload("with/load.sql", "SELECT 2\n")
    eventually(lambda: cloud.get("/dags/filed")["version"] == 2)
    page.goto(address(cloud, "dags/filed?tab=source"))
    page.get_by_role("button", name="load.sql").click()
    expect(page.get_by_label("load.sql", exact=True)).to_have_text("SELECT 2")
    page.get_by_label("Compare with").select_option("1")
    expect(page.locator("#files")).to_contain_text("changed")
    differences = page.get_by_label("Differences of load.sql")
    expect(differences.locator(".removed")).to_have_text("SELECT 1")
    expect(differences.locator(".added")).to_have_text("SELECT 2")


def test_a_file_is_shown_as_text_whatever_is_in_it(page: Page, cloud: LocalCloud) -> None:
    markup = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"
    cloud.upload("markup/x.html", markup)
    cloud.upload("markup/d.yaml", FRESH.replace("fresh", "markup") + "files: x.html\n")
    eventually(lambda: "markup" in [dag["dag_id"] for dag in cloud.get("/dags")["dags"]])
    page.goto(address(cloud, "dags/markup?tab=source&file=x.html"))
    expect(page.get_by_label("x.html", exact=True)).to_have_text(markup)
    expect(page.locator("main img, main script")).to_have_count(0)
    assert page.title() != "taken"


def test_the_first_page_names_what_failed_and_why(page: Page, cloud: LocalCloud) -> None:
    page.goto(address(cloud))
    failed = page.get_by_role("region", name="Needs attention")
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
    expect(page.locator(".facts .badge").first).to_have_text(SUCCEEDED)
    expect(page.locator("main")).to_contain_text("by the browser")
    page.get_by_role("link", name="extract", exact=True).first.click()
    expect(page.locator("#log")).to_contain_text(re.compile(r"reading us of \d{4}-\d\d-\d\d"))


def test_a_failure_is_cleared_after_its_reach_was_shown_and_then_succeeds(
    page: Page, cloud: LocalCloud
) -> None:
    run_id = cloud.run("orders")
    page.goto(address(cloud, f"runs/{run_id}"))
    expect(page.locator("#task-title")).to_have_text(re.compile("load.*failed"))
    expect(page.locator("#log .error")).to_contain_text("ValueError")
    page.get_by_role("button", name="Run again…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("listitem")).to_have_text(["load✕failed", "report⊘upstream failed"])
    dialog.get_by_role("button", name="Run 2 tasks again").click()
    expect(dialog).to_have_count(0)
    expect(page.locator(".facts .badge").first).to_have_text(SUCCEEDED)
    page.get_by_role("link", name="load", exact=True).first.click()
    expect(page.get_by_role("button", name="try 2")).to_be_visible()
    page.get_by_role("button", name="try 1").click()
    expect(page.locator("#log")).to_contain_text("ValueError")


def test_a_run_gets_a_note_is_retried_and_made_again(page: Page, cloud: LocalCloud) -> None:
    run_id = cloud.run("orders")
    page.goto(address(cloud, f"runs/{run_id}"))
    expect(page.locator(".facts .badge").first).to_have_text(FAILED)
    page.get_by_role("button", name="Add note…").click()
    page.get_by_role("textbox", name="Note").fill("prices came late")
    page.get_by_role("button", name="Save note").click()
    expect(page.locator("main")).to_contain_text("Note: prices came late")
    page.get_by_role("button", name="Retry failed tasks…").click()
    page.get_by_role("button", name="Run 2 tasks again").click()
    expect(page.locator(".facts .badge").first).to_have_text(SUCCEEDED)
    page.get_by_role("button", name="New run…").click()
    page.get_by_role("button", name="Start run").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page).not_to_have_url(re.compile(run_id))
    page.goto(address(cloud, f"audit?target={run_id}"))
    expect(page.get_by_role("table")).to_contain_text("note")


def test_a_task_is_marked_as_succeeded_and_what_it_blocked_runs(
    page: Page, cloud: LocalCloud
) -> None:
    run_id = cloud.run("orders")
    page.goto(address(cloud, f"runs/{run_id}?task=load"))
    expect(page.locator(".facts .badge").first).to_have_text(FAILED)
    page.get_by_role("button", name="Mark as succeeded…").click()
    page.get_by_role("button", name="Mark as succeeded", exact=True).click()
    expect(page.locator("#task-title")).to_contain_text("succeeded")
    expect(page.locator(".facts .badge").first).to_have_text(SUCCEEDED)


def test_a_log_is_followed_while_it_is_written_and_the_run_cancelled(
    page: Page, cloud: LocalCloud
) -> None:
    run_id = cloud.run("slow")
    page.goto(address(cloud, f"runs/{run_id}"))
    expect(page.locator("#log")).to_contain_text("line 3")
    page.get_by_role("link", name="after", exact=True).first.click()
    expect(page.get_by_text("Waits for count (running).")).to_be_visible()
    page.get_by_role("button", name="Cancel run…").click()
    page.get_by_role("button", name="Cancel 2 tasks").click()
    expect(page.locator(".facts .badge").first).to_have_text(re.compile("cancelled"))
    expect(page.get_by_role("button", name="Cancel run…")).to_have_count(0)


def test_a_click_is_not_lost_when_the_page_is_redrawn_during_it(
    page: Page, cloud: LocalCloud
) -> None:
    run_id = cloud.run("slow")
    page.goto(address(cloud, f"runs/{run_id}"))
    expect(page.locator("#log")).to_contain_text("line 3")
    link = page.get_by_role("link", name="after", exact=True).first
    link.hover()
    page.mouse.down()
    link.evaluate("link => link.dataset.isPressed = 'yes'")
    cloud.call("POST", f"/runs/{run_id}/cancel")
    expect(page.locator(".facts .badge").first).to_have_text(re.compile("cancelled"))
    page.mouse.up()
    expect(page).to_have_url(re.compile("task=after"))
    # What came in the meantime is shown now.
    expect(page.locator("[data-is-pressed]")).to_have_count(0)


def test_a_log_has_the_colours_of_its_command(page: Page, cloud: LocalCloud) -> None:
    page.goto(address(cloud, f"runs/{last_run(cloud, 'fan')}?task=list"))
    expect(page.locator("#log .ink-red.ansi-bold")).to_have_text("red")
    # They go on over the end of a line, until the command ends them.
    expect(page.locator("#log .ink-green")).to_have_text(["green", "still green"])
    expect(page.locator("#log .line").last).to_contain_text("gone")
    assert "\x1b" not in page.locator("#log").inner_text()
    page.get_by_label("Search log").fill("red and green")
    expect(page.locator("#log .here")).to_contain_text("red and green")


def test_the_frames_of_libraries_are_folded_and_unfolded(page: Page, cloud: LocalCloud) -> None:
    page.goto(address(cloud, f"runs/{last_run(cloud, 'fan')}?task=trace"))
    own = page.locator("#log .line").filter(has_text="prices.Missing: XTS")
    expect(own).to_be_visible()
    theirs = page.locator("#log .line").filter(has_text="self.invoke(ctx)")
    expect(theirs).to_be_hidden()
    page.get_by_text("4 lines in libraries").click()
    expect(theirs).to_be_visible()
    page.get_by_role("button", name="First error").click()
    expect(page.locator("#log .error")).to_contain_text("prices.Missing")


def test_a_task_that_could_not_be_fetched_is_fetched_again(page: Page, cloud: LocalCloud) -> None:
    refused: list[str] = []

    def refuse_once(route: Route) -> None:
        if refused:
            route.continue_()
        else:
            refused.append(route.request.url)
            route.abort()

    page.route("**/api/runs/*/tasks/list?*", refuse_once)
    page.goto(address(cloud, f"runs/{last_run(cloud, 'fan')}?task=list"))
    expect(page.locator("#task-title")).to_contain_text("list")
    expect(page.locator("#log")).to_contain_text("listing")
    assert len(refused) == 1


def test_each_poke_of_a_sensor_has_its_log(page: Page, cloud: LocalCloud) -> None:
    page.goto(address(cloud, f"runs/{cloud.run('asks')}"))
    expect(page.locator(".facts .badge").first).to_have_text(SUCCEEDED)
    expect(page.locator("#log")).to_contain_text("asked 2 times before")
    page.get_by_label("Log of poke").select_option(label="1")
    expect(page.locator("#log")).to_contain_text("asked 0 times before")


def test_a_log_is_searched(page: Page, cloud: LocalCloud) -> None:
    page.goto(address(cloud, f"runs/{last_run(cloud, 'fan')}?task=list"))
    expect(page.locator("#log")).to_contain_text("listing")
    page.get_by_label("Search log").fill("listing")
    expect(page.locator("#log .here")).to_contain_text("listing")


def test_a_schedule_is_paused_and_goes_on(page: Page, cloud: LocalCloud) -> None:
    page.goto(address(cloud, "dags/orders"))
    page.get_by_role("button", name="Pause schedule").click()
    expect(page.locator(".facts")).to_contain_text("paused")
    assert cloud.get("/dags/orders")["is_paused"] is True
    page.get_by_role("button", name="Resume schedule").click()
    expect(page.locator(".facts")).to_contain_text("next in")


def test_all_dags_of_a_tag_are_paused_and_go_on(page: Page, cloud: LocalCloud) -> None:
    page.goto(address(cloud, "dags"))
    page.get_by_label("Tag", exact=True).select_option("demo")
    page.get_by_role("button", name="Pause all…").click()
    page.get_by_role("button", name="Pause 1 DAG").click()
    expect(page.get_by_role("button", name="Resume all…")).to_be_visible()
    assert cloud.get("/dags/fan")["is_paused"] is True
    page.get_by_role("button", name="Resume all…").click()
    page.get_by_role("button", name="Resume 1 DAG").click()
    expect(page.get_by_role("button", name="Pause all…")).to_be_visible()


def test_what_people_were_told_is_listed(page: Page, cloud: LocalCloud) -> None:
    page.goto(address(cloud, "notifications"))
    row = page.get_by_role("row").filter(has_text="orders").first
    expect(row).to_contain_text("Failure")
    expect(row).to_contain_text("delivered")


def test_a_backfill_says_what_it_would_run_before_it_does(page: Page, cloud: LocalCloud) -> None:
    page.goto(address(cloud, "dags/orders?tab=backfill"))
    # In the time zone of the DAG, whatever the browser's is.
    page.get_by_label("From (Europe/Berlin)").fill("2026-01-01T00:00")
    page.get_by_label("To (Europe/Berlin)").fill("2026-01-02T23:00")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("list", name="Dates")).to_contain_text("02:00:00 CET")
    assert cloud.get("/backfills?dag_id=orders")["backfills"] == []
    page.get_by_text("Params", exact=True).click()
    page.get_by_label("region").select_option("us")
    expect(page.get_by_role("button", name="Start 2 runs")).to_be_hidden()  # out of date
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("button", name="Start 2 runs").click()
    expect(page.get_by_role("table", name="Backfills")).to_contain_text("region=us")
    (run, _) = cloud.get("/runs?backfill_id=1")["runs"]
    assert cloud.get(f"/runs/{run['run_id']}")["params"]["region"] == "us"
    page.get_by_role("link", name="Show its runs").click()
    expect(page).to_have_url(address(cloud, "runs?backfill=1"))
    expect(page.get_by_role("table").get_by_text("by a backfill")).to_have_count(2)


def test_a_cancelled_backfill_leaves_its_running_runs_until_told_to_stop_them(
    page: Page, cloud: LocalCloud
) -> None:
    cloud.upload(
        "slow_hours.yaml",
        'name: Slow hours\nschedule: "0 * * * *"\nend_date: 2026-01-02\n'
        "tasks: [{id: a, command: sleep 3000}]\n",
    )
    eventually(lambda: "slow_hours" in cloud.dag_ids())
    day = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T01:00:00Z"}
    cloud.call("POST", "/dags/slow_hours/backfill", day)
    active = "/runs?dag_id=slow_hours&state=running"
    eventually(lambda: len(cloud.get(active)["runs"]) == 2)
    page.goto(address(cloud, "dags/slow_hours?tab=backfill"))
    page.get_by_role("button", name="Cancel…").click()
    expect(page.get_by_role("dialog")).to_contain_text("Runs that have started finish")
    page.get_by_role("button", name="Cancel backfill").click()
    page.get_by_role("button", name="Stop runs…").click()
    assert len(cloud.get(active)["runs"]) == 2
    expect(page.get_by_role("dialog")).to_contain_text("2 runs had started")
    page.get_by_role("button", name="Stop runs", exact=True).click()
    eventually(lambda: cloud.get(active)["runs"] == [])


MENDED = """\
name: Mended
tasks:
  - {id: a, command: "true"}
  - {id: b, command: "exit 3", dependencies: a}
  - {id: old, command: "true", dependencies: a}
"""


def test_a_mended_file_runs_again_after_the_dialog_has_told_what_changed(
    page: Page, cloud: LocalCloud
) -> None:
    cloud.upload("mended.yaml", MENDED)
    eventually(lambda: "mended" in cloud.dag_ids())
    run_id = cloud.run("mended")
    eventually(lambda: cloud.has_ended(run_id))
    mended = MENDED.replace("exit 3", "echo mended").replace("id: old", "id: check")
    cloud.upload("mended.yaml", mended)
    eventually(lambda: cloud.get("/dags/mended")["version"] == 2)
    page.goto(address(cloud, f"runs/{run_id}"))
    expect(page.locator(".facts")).to_contain_text("version 1 (latest is version 2)")
    page.get_by_role("button", name="Retry failed tasks…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Changed from version 1 to 2")
    changes = dialog.locator(".changes dl")
    expect(changes).to_have_text("NewcheckRemovedold (kept in the history of the run)bcommand")
    expect(dialog.get_by_label("version 2, the latest")).to_be_checked()
    dialog.get_by_label("version 1, this run's own").check()
    expect(dialog.get_by_role("button", name="Run 1 task again", exact=True)).to_be_visible()
    dialog.get_by_label("version 2, the latest").check()
    dialog.get_by_role("button", name="Run 1 task again and 1 new task").click()
    expect(page.locator(".facts .badge").first).to_have_text(SUCCEEDED)
    page.get_by_text("No longer in the file: 1 task").click()
    expect(page.locator("#history")).to_contain_text("old")
    page.locator("#t-b").click()
    tries = page.get_by_role("group", name="Attempts")
    expect(tries.locator("#try-1")).to_contain_text("version 1")
    expect(tries.locator("#try-2")).to_contain_text("version 2")


def test_a_task_that_the_file_no_longer_has_can_run_again_as_it_was(
    page: Page, cloud: LocalCloud
) -> None:
    text = MENDED.replace("Mended", "Cut")
    cloud.upload("cut.yaml", text)
    eventually(lambda: "cut" in cloud.dag_ids())
    run_id = cloud.run("cut")
    eventually(lambda: cloud.has_ended(run_id))
    cloud.upload("cut.yaml", 'name: Cut\ntasks: [{id: a, command: "true"}]\n')
    eventually(lambda: cloud.get("/dags/cut")["version"] == 2)
    page.goto(address(cloud, f"runs/{run_id}?task=b"))
    page.get_by_role("button", name="Run again…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".cause")).to_contain_text("no longer in the file")
    expect(dialog.get_by_label("version 1, this run's own")).to_be_checked()
    dialog.get_by_label("version 2, the latest").check()
    expect(dialog.get_by_role("alert")).to_contain_text("no longer in the file")
    expect(dialog.locator("#confirm")).to_be_disabled()
    dialog.get_by_label("version 1, this run's own").check()
    dialog.get_by_role("button", name="Run 1 task again").click()
    expect(page.locator("#try-2")).to_contain_text("version 1")


def test_a_pool_is_made_changed_and_removed(page: Page, cloud: LocalCloud) -> None:
    page.goto(address(cloud, "pools"))
    page.get_by_role("button", name="New pool…").click()
    page.get_by_label("Name").fill("db")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("table")).to_contain_text("0 of 4")
    page.get_by_role("button", name="Edit db").click()
    page.get_by_label("Slots").fill("7")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("table")).to_contain_text("0 of 7")
    page.get_by_role("button", name="Edit db").click()
    page.get_by_role("button", name="Delete pool").click()
    expect(page.locator("main")).to_contain_text("There are no pools")


def test_an_import_error_stands_below_its_line(page: Page, cloud: LocalCloud) -> None:
    page.goto(address(cloud))
    look = page.get_by_role("region", name="Needs attention")
    look.get_by_role("link", name="broken.yaml", exact=True).click()
    lines = page.get_by_role("region", name="Lines of broken.yaml")
    wrong = lines.locator(".wrong").filter(has_text="comand: echo")
    expect(wrong).to_have_attribute("data-line", "5")
    expect(lines).to_contain_text("line 5, column 5")
    expect(lines).to_contain_text("did you mean 'command'?")
    # The caret stands below the first letter of the wrong word.
    assert lines.locator(".wrong + .caret").last.inner_text() == " " * 4 + "^"


def test_a_warning_stands_beside_the_import_errors_and_on_its_dag(
    page: Page, cloud: LocalCloud
) -> None:
    page.goto(address(cloud))
    page.get_by_role("link", name="1 DAG has warnings").click()
    warned = page.get_by_role("region", name="warned")
    expect(warned).to_contain_text("line 9, column 13, tasks[0].command: [[ -gt ]] evaluates")
    warned.get_by_role("link", name="warned.yaml").click()
    expect(page.get_by_role("region", name="1 warning")).to_contain_text("$PARAM_LIMIT")


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
    expect(page.locator("main")).to_contain_text("Not found")
    page.goto(address(cloud, "nowhere"))
    expect(page.locator("main")).to_contain_text("Page not found")
