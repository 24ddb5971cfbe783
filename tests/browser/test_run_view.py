"""A run on one screen: its graph, timeline, tasks, and the selected task with its log."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from chalicelib.dag.model import Task
from tests.browser.axe import AXE, serious, serious_in_dark
from tests.browser.chromium import new_context
from tests.browser.conftest import is_ready
from tests.browser.run_scenes import FAILED, put_mapped, put_sixty, put_waits
from tests.browser.serving import served
from tests.support.api import Api

LAPTOP = {"width": 1280, "height": 800}
WINDOW = {"x": 0.0, "y": 0.0, "width": 1280.0, "height": 800.0}
PHONE = {"width": 390, "height": 844}
PARTS = ("Task graph", "Task timeline", "Tasks", "Selected task", "Log")
LEAST_PIXELS = 140  # of a part, in height
SCENES = ("sixty", "grouped", "mapped", "waits", "versions")

Runs = dict[str, str]


def put_versions(api: Api) -> str:
    """A run of version 1 of a file whose second version has other tasks; answers its id."""
    old = (Task("first", "true"), Task("old", "true", ("first",)))
    api.rows.dag("changed", name="Changed", tasks=old)
    run_id = api.rows.run("changed")
    for name in ("first", "old"):
        api.rows.task(run_id, name)
    api.rows.dag("changed", name="Changed", tasks=(Task("first", "true"), Task("new", "true")))
    return run_id


@pytest.fixture(scope="module")
def scene(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Page, Runs]]:
    """One page for all runs, past its own policy, which lets no script in but its own."""
    api = Api(tmp_path_factory.mktemp("runs"))
    runs = {
        "sixty": put_sixty(api, noted=True),
        "grouped": put_sixty(api, grouped=True),
        "mapped": put_mapped(api, {"running": 3, "scheduled": 5}),
        "waits": put_waits(api),
        "versions": put_versions(api),
    }
    context = new_context(browser, bypass_csp=True, timezone_id="UTC", viewport=LAPTOP)
    page = context.new_page()
    with served(api) as url:
        page.goto(url)
        is_ready(page)
        page.add_script_tag(content=AXE)
        yield page, runs
    context.close()
    api.close()


def opened(scene: tuple[Page, Runs], name: str, query: str = "", size: Any = LAPTOP) -> Page:
    page, runs = scene
    page.set_viewport_size(size)
    page.emulate_media(color_scheme="light")
    page.evaluate("location.hash = '#/elsewhere'")
    page.get_by_role("heading", name="Page not found").wait_for()
    page.evaluate("(hash) => { location.hash = hash }", f"#/runs/{runs[name]}{query}")
    page.locator(".canvas svg").wait_for(state="attached")
    return page


def box_of(locator: Locator) -> dict[str, float]:
    box = locator.bounding_box()
    assert box is not None
    return {"x": box["x"], "y": box["y"], "width": box["width"], "height": box["height"]}


def is_within(inner: dict[str, float], outer: dict[str, float]) -> bool:
    return all(
        outer[start] <= inner[start] + 1
        and inner[start] + inner[size] <= outer[start] + outer[size] + 1
        for start, size in (("x", "width"), ("y", "height"))
    )


def test_all_of_a_run_is_seen_at_once_on_a_laptop_however_long_its_note(
    scene: tuple[Page, Runs],
) -> None:
    page = opened(scene, "sixty")
    expect(page.locator("#log")).to_contain_text("ValueError")
    for name in PARTS:
        part = box_of(page.get_by_role("region", name=name, exact=True))
        assert is_within(part, WINDOW), name
        assert part["height"] >= LEAST_PIXELS, name
    assert page.evaluate("document.documentElement.scrollHeight") <= LAPTOP["height"]
    assert page.evaluate("document.documentElement.scrollWidth") <= LAPTOP["width"]
    page.get_by_text("Note:").click()
    note = page.locator("#run-note")
    assert box_of(note)["height"] > 60  # all of it, now


def test_a_box_a_bar_and_a_row_show_their_task_without_scrolling(scene: tuple[Page, Runs]) -> None:
    page = opened(scene, "sixty")
    for place, task in (
        ("#n-transform_mea", "transform_mea"),
        ("#g-transform_us", "transform_us"),
        ("#t-transform_eu", "transform_eu"),
    ):
        page.locator(place).click()
        title = page.locator("#task-title")
        expect(title).to_contain_text(task)
        assert is_within(box_of(title), WINDOW)
        expect(page.locator(f"#n-{task}")).to_have_attribute("aria-current", "true")
        for part in ("#g-", "#t-"):
            row = page.locator(f"{part}{task}")
            expect(row).to_have_attribute("aria-current", "true")
            expect(row).to_be_in_viewport()
    assert page.evaluate("scrollY") == 0


def test_the_graph_of_sixty_tasks_opens_at_the_failed_one_and_can_be_read(
    scene: tuple[Page, Runs],
) -> None:
    page = opened(scene, "sixty")
    failed = page.locator(f"#n-{FAILED}")
    expect(failed).to_have_class(re.compile("chosen"))
    assert is_within(box_of(failed), box_of(page.locator("#graph-box-canvas")))
    # A box is 38 pixels high where it is not made smaller.
    assert box_of(failed.locator(".frame"))["height"] >= 38 * 0.68


CROSSED = """() => {
  const boxes = [...document.querySelectorAll('.canvas rect.frame')].map((one) => one.getBBox());
  const isInside = (point, box) => point.x > box.x + .3 && point.x < box.x + box.width - .3
    && point.y > box.y + .3 && point.y < box.y + box.height - .3;
  const paths = [...document.querySelectorAll('.canvas path.edge')];
  return [paths.length, paths.filter((path) => {
    const length = path.getTotalLength();
    for (let at = 0; at <= length; at += length / 15)
      if (boxes.some((box) => isInside(path.getPointAtLength(at), box))) return true;
    return false;
  }).length];
}"""


def test_no_line_crosses_a_box(scene: tuple[Page, Runs]) -> None:
    page = opened(scene, "sixty", "?folded=-")
    expect(page.locator(".canvas rect.frame")).to_have_count(60)
    lines, crossed = page.evaluate(CROSSED)
    assert (lines > 90, crossed) == (True, 0)


def test_a_graph_is_zoomed_fitted_and_moved(scene: tuple[Page, Runs]) -> None:
    page = opened(scene, "sixty")
    canvas, svg = page.locator("#graph-box-canvas"), page.locator("#graph-box-canvas svg")
    before = box_of(svg)["width"]
    page.get_by_role("button", name="Zoom in").click()
    assert box_of(svg)["width"] > before
    canvas.focus()
    page.keyboard.press("-")
    assert abs(box_of(svg)["width"] - before) <= 2
    page.keyboard.press("0")
    assert is_within(box_of(svg), box_of(canvas))
    page.get_by_role("button", name="Zoom in").click(click_count=6)
    at = page.evaluate("document.getElementById('graph-box-canvas').scrollLeft")
    room = box_of(canvas)
    middle = room["x"] + room["width"] / 2, room["y"] + room["height"] / 2
    address = page.url
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] - 60, middle[1], steps=3)
    page.mouse.up()
    assert page.evaluate("document.getElementById('graph-box-canvas').scrollLeft") == at + 60
    assert page.url == address  # a drag chooses nothing, whatever lies below it


def test_a_graph_is_worked_with_the_keyboard_and_read_aloud(scene: tuple[Page, Runs]) -> None:
    page = opened(scene, "waits")
    first = page.get_by_role("link", name=re.compile("^fetch: succeeded, try 2"))
    first.focus()
    page.keyboard.press("ArrowRight")
    second = page.get_by_role("link", name="join: succeeded, after wait_for_file, fetch")
    expect(second).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(second).not_to_be_focused()
    second.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#task-title")).to_contain_text("join")
    expect(second).to_be_focused()


def test_a_task_is_found_in_the_graph(scene: tuple[Page, Runs]) -> None:
    page = opened(scene, "sixty")
    field = page.get_by_label("Find a task in the graph")
    field.fill("PUBLISH_nor")
    match = page.locator(".canvas .match")
    expect(match).to_have_attribute("id", "n-publish_nordics")
    assert is_within(box_of(match), box_of(page.locator("#graph-box-canvas")))
    field.press("Enter")
    expect(page.locator("#task-title")).to_contain_text("publish_nordics")
    expect(field).to_be_focused()
    field.fill("nothing like it")
    expect(field).to_have_attribute("aria-invalid", "true")


def test_the_groups_of_a_file_fold_and_unfold_and_stay_so(scene: tuple[Page, Runs]) -> None:
    page = opened(scene, "grouped")
    load = page.locator('[id="n-group:load"]')
    expect(load).to_contain_text("load × 9")
    expect(load.locator("title").first).to_contain_text("1 upstream failed, 8 succeeded")
    # That of the failed task is open.
    expect(page.locator(f"#n-{FAILED}")).to_be_attached()
    load.click()
    expect(page.locator("#n-load_eu")).to_be_attached()
    page.locator("#n-load_eu").click()
    expect(page.locator("#task-title")).to_contain_text("load_eu")
    expect(page.locator("#n-load_us")).to_be_attached()
    page.get_by_role("button", name="Unfold groups").click()
    expect(page.locator(".canvas rect.frame")).to_have_count(60)
    page.get_by_role("button", name="Fold groups").click()
    expect(page.locator(".canvas rect.frame")).to_have_count(12)
    page.reload()
    expect(page.locator(".canvas rect.frame")).to_have_count(12)
    page.add_script_tag(content=AXE)


def test_tasks_without_groups_fold_by_the_beginning_of_their_ids(scene: tuple[Page, Runs]) -> None:
    page = opened(scene, "sixty")
    expect(page.locator(".canvas rect.frame")).to_have_count(60)
    page.get_by_role("button", name="Fold groups").click()
    expect(page.locator('[id="n-group:transform"]')).to_contain_text("1 failed, 8 succeeded")


def test_a_mapped_task_tells_how_many_run_and_wait_and_has_a_map(scene: tuple[Page, Runs]) -> None:
    page = opened(scene, "mapped", "?task=work")
    for part in ("#n-work", ".tasklist", ".instance-map"):
        expect(page.locator(part)).to_contain_text("3 running, 5 waiting")
    cells = page.locator("#instance-map a")
    expect(cells).to_have_count(8)
    cells.nth(5).click()
    expect(page.locator("#task-title")).to_contain_text("work [5]")
    expect(cells.nth(5)).to_have_attribute("aria-current", "true")
    expect(page.locator("#g-work")).to_contain_text("work × 8")


def test_sensors_waits_and_retries_are_drawn_to_scale(scene: tuple[Page, Runs]) -> None:
    page = opened(scene, "waits")

    def width(task: str, kind: str) -> float:
        return float(page.locator(f"#g-{task} .{kind}").get_attribute("width") or 0)

    expect(page.locator("#g-fetch .tried")).to_be_visible()
    second = width("fetch", "delayed") / 120
    assert width("wait_for_file", "asking") == pytest.approx(481 * second, rel=0.02)
    assert width("fetch", "tried") == pytest.approx(40 * second, rel=0.02)
    assert width("fetch", "fill") == pytest.approx(57 * second, rel=0.02)
    waits = page.locator("#g-fetch .waited")
    assert float(waits.first.get_attribute("width") or 0) == pytest.approx(20 * second, rel=0.02)
    expect(page.locator("#g-join .waited")).to_have_count(1)  # until 500, from 493 on
    expect(page.locator("#g-wait_for_file title")).to_contain_text("poked: 8 min 1 s")
    expect(page.locator("#gantt-box .legend")).to_contain_text("sensor poking")


def test_a_run_of_an_older_version_shows_its_own_graph_and_that_a_newer_one_exists(
    scene: tuple[Page, Runs],
) -> None:
    page = opened(scene, "versions")
    expect(page.locator("#n-old")).to_be_visible()
    expect(page.locator("#n-new")).to_have_count(0)
    expect(page.locator(".facts")).to_contain_text("version 1 (latest is version 2)")
    link = page.locator(".facts").get_by_role("link", name="version 1")
    expect(link).to_have_attribute("href", re.compile("tab=source&version=1"))
    newer = page.locator(".facts").get_by_role("link", name="latest is version 2")
    expect(newer).to_have_attribute("href", re.compile("version=2&against=1"))


def test_on_a_phone_the_cause_comes_first_and_a_chosen_task_into_view(
    scene: tuple[Page, Runs],
) -> None:
    page = opened(scene, "sixty", size=PHONE)
    cause = box_of(page.locator(".run-head .cause"))
    retry = box_of(page.get_by_role("button", name="Retry failed tasks…"))
    assert cause["y"] < retry["y"]
    own = box_of(page.locator(".panel .cause"))
    assert own["y"] < box_of(page.get_by_role("button", name="Run again…"))["y"]
    page.locator("#t-load_eu").click()
    expect(page.locator("#task-title")).to_contain_text("load_eu")
    expect(page.locator("#task-title")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.parametrize("name", SCENES)
def test_every_run_is_accessible_in_light_and_dark(scene: tuple[Page, Runs], name: str) -> None:
    page = opened(scene, name)
    assert serious(page) == []
    assert serious_in_dark(page) == []
