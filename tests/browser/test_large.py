"""Much to show: the page must not stand still. What counts is the longest task of its thread."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from chalicelib.dag.model import Dag, Task
from chalicelib.messages import Attempt
from tests.browser.serving import served
from tests.support.api import Api
from tests.support.fakes import FakeBucket

DAGS = 10_000
TASKS = 5_000
LONGEST_MS = 200
LOG_BYTES = 10 * 1024 * 1024

WATCH = """
window.longest = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.longest = Math.max(window.longest, entry.duration);
}).observe({type: 'longtask', buffered: true});
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address, and the id of a run of 5,000 tasks, one of which has a log of 10 MiB."""
    folder: Path = tmp_path_factory.mktemp("large")
    api = Api(folder)
    with api.database.write() as tx:
        for number in range(DAGS):
            api.rows.put(tx, Dag(f"dag_{number:05}", f"DAG {number}", (Task("a", "true"),)))
    tasks = tuple(Task(f"task_{number:04}", "true") for number in range(TASKS))
    api.rows.dag("wide", name="Wide", tasks=tasks)
    with api.database.write() as tx:
        run_id, _ = api.rows.put_run(tx, "wide")
        for task in tasks:
            api.rows.put_task(tx, run_id, task.id, "success")
    _write_log(api.runs, Attempt("wide", run_id, "task_0000", -1, 1))
    with served(api) as url:
        yield url, run_id
    api.close()


def _write_log(bucket: FakeBucket, attempt: Attempt) -> None:
    """In chunks, as the executor writes it."""
    chunk = (b"2026-11-23T10:00:00.000Z " + b"x" * 102 + b"\n") * 2048
    for offset in range(0, LOG_BYTES, len(chunk)):
        bucket.put(attempt.log_chunk_key(offset), chunk)
    bucket.put(attempt.log_chunk_key(LOG_BYTES), b"2026-11-23T10:00:00.000Z needle\n")


def test_ten_thousand_dags_stay_smooth(page: Page, site: tuple[str, str]) -> None:
    page.add_init_script(WATCH)
    page.goto(f"{site[0]}#/dags")
    expect(page.get_by_role("link", name="DAG 0", exact=True)).to_be_visible(timeout=60_000)
    page.get_by_label("Search DAGs").fill("dag_09999")
    expect(page.get_by_role("link", name="DAG 9999", exact=True)).to_be_visible(timeout=60_000)
    assert page.evaluate("window.longest") < LONGEST_MS


def test_a_run_of_five_thousand_tasks_stays_smooth(page: Page, site: tuple[str, str]) -> None:
    page.add_init_script(WATCH)
    page.goto(f"{site[0]}#/runs/{site[1]}")
    expect(page.get_by_role("link", name="task_0000", exact=True).first).to_be_visible(
        timeout=60_000
    )
    page.get_by_role("button", name="Show 500 more").click()
    expect(page.get_by_role("link", name="task_0600", exact=True)).to_be_attached()
    assert page.evaluate("window.longest") < LONGEST_MS


def test_a_log_of_ten_mebibytes_stays_smooth(page: Page, site: tuple[str, str]) -> None:
    page.add_init_script(WATCH)
    page.goto(f"{site[0]}#/runs/{site[1]}?task=task_0000")
    # Only selectors that cost the page nothing: looking for roles among 80,000 lines is slow.
    expect(page.locator("#log-status")).to_have_text("81921 lines", timeout=60_000)
    page.locator("#to-end").click()
    page.locator("#find").fill("needle")
    expect(page.locator("#log-status")).to_have_text("1 line found")
    assert page.evaluate("window.longest") < LONGEST_MS
