"""However long names and texts are, no view is wider than its window."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from chalicelib.dag.model import Param, Sensor, Task
from chalicelib.database.connection.times import to_us
from chalicelib.database.queries import housekeeping
from tests.browser.conftest import is_ready
from tests.browser.serving import served
from tests.support.api import Api
from tests.support.rows import START

FIFTY_SIX = "nightly_customer_master_data_reconciliation_and_export_eu"
SIXTY_FOUR = "transform_and_reconcile_all_of_the_customer_master_data_from_eu0"
TEXT = "w" * 200
WINDOWS = ((375, 700), (1280, 860))

PLACES = (
    "",
    "dags",
    "dags?search={dag}",
    "dags/{dag}",
    "dags/{dag}?tab=graph",
    "dags/{dag}?tab=calendar",
    "dags/{dag}?tab=durations",
    "dags/{dag}?tab=source",
    "dags/{dag}?tab=source&version=2&against=1",
    "dags/{dag}?tab=backfill",
    "runs",
    "runs?dag={dag}",
    "runs/{failed}",
    "runs/{failed}?task={task}",
    "runs/{failed}?task={task}&open={task}",
    "runs/{waiting}",
    "runs/{waiting}?task={task}",
    "pools",
    "errors",
    "ticks",
    "audit",
    "audit?target={failed}",
    "notifications",
    "nowhere/{dag}",
)
DIALOGS = (
    ("dags/{dag}", "Run…"),
    ("runs/{failed}", "Retry failed tasks…"),
    ("runs/{failed}", "Acknowledge…"),
    ("runs/{failed}", "Mark as skipped…"),
    ("pools", "Edit trans"),
)

Ids = dict[str, str]


def build(api: Api, length: int) -> Ids:
    """Every kind of name as long as it may be, up to `length`."""
    api.clock.moment = START + timedelta(days=1)
    dag_id = (FIFTY_SIX * 4)[: min(length, 100)]
    task_id = (SIXTY_FOUR * 2)[: min(length, 100)]
    name, pool = (FIFTY_SIX * 4)[:length], (SIXTY_FOUR * 2)[: min(length, 100)]
    tasks = (
        Task(task_id, TEXT, pool=pool, sensor=Sensor()),
        Task("after", TEXT, (task_id,)),
    )
    params = (Param("p" * 60, type="string", default=TEXT, description=TEXT, pattern=TEXT),)
    fields: dict[str, Any] = {
        "name": name,
        "description": TEXT,
        "owner": TEXT,
        "tags": (name, TEXT),
        "doc_md": TEXT,
        "schedule": ("0 2 * * *",),
        "max_active_runs": 1,
        "tasks": tasks,
        "params": params,
    }
    api.rows.dag(dag_id, **fields)
    api.rows.dag(dag_id, **{**fields, "description": name})
    api.rows.pool(pool, 1, TEXT)
    api.rows.broken(f"{name}.yaml", TEXT)
    values = json.dumps({"p" * 60: TEXT})
    failed = api.rows.run(dag_id, "failed", params=values, note=TEXT, reason=TEXT)
    api.rows.task(failed, task_id, "failed", reason=TEXT)
    for number in range(3):
        item = json.dumps({"V" * 60: TEXT})
        api.rows.task(failed, task_id, "failed", map_index=number, item=item, reason=TEXT)
    api.rows.task(failed, "after", "success")
    api.rows.outputs(failed, "after", {"o" * 60: TEXT})
    running = api.rows.run(dag_id, "running")
    api.rows.task(running, task_id, "scheduled", pool=pool, pool_slots=1)
    waiting = api.rows.run(dag_id, "queued")
    api.rows.task(waiting, task_id, "none")
    api.rows.notification(failed, "failed", target=f"https://{TEXT}", reason=TEXT, task_id=task_id)
    api.rows.backfill(dag_id, "done", counts='{"created": 2}', ended_at=to_us(START))
    api.rows.tick(errors=[TEXT], runs_created=1)
    with api.database.write() as tx:
        housekeeping.audit(tx, TEXT, "note", failed, {"note": TEXT}, START)
    return {"dag": dag_id, "task": task_id, "failed": failed, "waiting": waiting}


@pytest.fixture(scope="module", params=[56, 200], ids=["56 letters", "200 letters"])
def scene(
    request: pytest.FixtureRequest, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Page, Ids]]:
    api = Api(tmp_path_factory.mktemp("long"))
    ids = build(api, request.param)
    page = browser.new_context(bypass_csp=True).new_page()
    with served(api) as url:
        page.goto(url)
        is_ready(page)
        yield page, ids
    page.context.close()
    api.close()


def go(page: Page, place: str) -> None:
    page.evaluate("location.hash = '#/elsewhere'")
    page.get_by_role("heading", name="Page not found").wait_for()
    page.evaluate("(place) => { location.hash = `#/${place}` }", place)
    page.wait_for_function("document.getElementById('main').getAttribute('aria-busy') === null")
    is_ready(page)


# The first elements that reach over the right edge, unless they scroll by themselves.
TOO_WIDE = """() => {
  const scrolls = (one) =>
    one && (getComputedStyle(one).overflowX !== 'visible' || scrolls(one.parentElement));
  const over = [...document.body.querySelectorAll('*')].filter(
    (one) => one.getBoundingClientRect().right > innerWidth + 1 && !scrolls(one.parentElement));
  return document.documentElement.scrollWidth <= innerWidth ? []
    : over.slice(0, 5).map((one) => `${one.tagName}.${one.className} ${one.textContent}`);
}"""


@pytest.mark.parametrize("place", PLACES)
def test_no_view_is_wider_than_its_window(scene: tuple[Page, Ids], place: str) -> None:
    page, ids = scene
    for width, height in WINDOWS:
        page.set_viewport_size({"width": width, "height": height})
        go(page, place.format(**ids))
        assert page.evaluate(TOO_WIDE) == []
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.parametrize(("place", "opens"), DIALOGS)
def test_no_dialog_is_wider_than_its_window(
    scene: tuple[Page, Ids], place: str, opens: str
) -> None:
    page, ids = scene
    for width, height in WINDOWS:
        page.set_viewport_size({"width": width, "height": height})
        go(page, place.format(**ids))
        page.get_by_role("button", name=opens).first.click()
        dialog = page.get_by_role("dialog")
        dialog.wait_for()
        assert dialog.evaluate("(one) => one.scrollWidth - one.clientWidth") <= 0
        page.keyboard.press("Escape")
