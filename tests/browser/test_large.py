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
            tags = ("rare",) if number == 7777 else ("common",)
            dag = Dag(f"dag_{number:05}", f"DAG {number}", (Task("a", "true"),), tags=tags)
            api.rows.put(tx, dag, is_paused=number == 8888)
        api.rows.put_run(tx, "dag_09998", "failed")
    tasks = tuple(Task(f"task_{number:04}", "true", before(number)) for number in range(TASKS))
    api.rows.dag("wide", name="Wide", tasks=tasks)
    with api.database.write() as tx:
        run_id, _ = api.rows.put_run(tx, "wide")
        for task in tasks:
            is_bad = task.id == "task_4321"
            api.rows.put_task(tx, run_id, task.id, "failed" if is_bad else "success")
    copies_of_one(api)
    _write_log(api.runs, Attempt("wide", run_id, "task_0000", -1, 1))
    with served(api) as url:
        yield url, run_id
    api.close()


def before(number: int) -> tuple[str, ...]:
    """Fifty chains, a hundred tasks long."""
    return (f"task_{number - 50:04}",) if number >= 50 else ()


def copies_of_one(api: Api) -> None:
    """A run of a DAG of three tasks, the second of which has 5,000 copies."""
    chain = (Task("list", "true"), Task("work", "true", ("list",)), Task("sum", "true", ("work",)))
    api.rows.dag("copies", name="Copies", tasks=chain)
    with api.database.write() as tx:
        run_id, _ = api.rows.put_run(tx, "copies")
        api.rows.put_task(tx, run_id, "list", "success")
        for number in range(TASKS):
            api.rows.put_task(tx, run_id, "work", "success", map_index=number)
        api.rows.put_task(tx, run_id, "sum", "success")


def _write_log(bucket: FakeBucket, attempt: Attempt) -> None:
    """In chunks, as the executor writes it."""
    chunk = (b"2026-11-23T10:00:00.000Z " + b"x" * 102 + b"\n") * 2048
    for offset in range(0, LOG_BYTES, len(chunk)):
        bucket.put(attempt.log_chunk_key(offset), chunk)
    bucket.put(attempt.log_chunk_key(LOG_BYTES), b"2026-11-23T10:00:00.000Z needle\n")


def longest(page: Page) -> float:
    """The longest task so far, in milliseconds."""
    return float(page.evaluate("window.longest"))


def test_any_of_ten_thousand_dags_is_found_smoothly(page: Page, site: tuple[str, str]) -> None:
    page.add_init_script(WATCH)
    page.goto(f"{site[0]}#/dags")
    expect(page.get_by_role("link", name="DAG 0", exact=True)).to_be_visible()
    # What needs a look stands on the first page, however far away its id is.
    expect(page.get_by_role("link", name="DAG 9998", exact=True)).to_be_visible()
    page.get_by_label("Search DAGs").fill("dag_09999")
    expect(page.get_by_role("link", name="DAG 9999", exact=True)).to_be_visible()
    page.get_by_label("Search DAGs").fill("")
    page.get_by_label("Tag", exact=True).select_option("rare")
    expect(page.get_by_role("link", name="DAG 7777", exact=True)).to_be_visible()
    page.get_by_label("Tag", exact=True).select_option("")
    page.get_by_label("Paused or not").select_option("true")
    expect(page.get_by_role("link", name="DAG 8888", exact=True)).to_be_visible()
    page.get_by_label("Paused or not").select_option("")
    page.get_by_role("button", name="The next 200").click()
    expect(page.get_by_role("link", name="DAG 398", exact=True)).to_be_attached()
    assert longest(page) < LONGEST_MS


def test_a_run_of_five_thousand_tasks_stays_smooth(page: Page, site: tuple[str, str]) -> None:
    page.add_init_script(WATCH)
    page.goto(f"{site[0]}#/runs/{site[1]}")
    tasks = page.get_by_role("region", name="Tasks", exact=True)
    expect(tasks.get_by_role("link", name="task_0000", exact=True)).to_be_visible()
    page.get_by_role("button", name="Show 500 more").click()
    expect(tasks.get_by_role("link", name="task_0600", exact=True)).to_be_attached()
    page.get_by_label("Find a task").fill("task_4999")
    tasks.get_by_role("link", name="task_4999", exact=True).click()
    expect(page.locator("#task-title")).to_contain_text("task_4999")
    assert longest(page) < LONGEST_MS


def test_of_a_graph_too_large_the_part_around_a_task_is_shown(
    page: Page, site: tuple[str, str]
) -> None:
    page.add_init_script(WATCH)
    page.goto(f"{site[0]}#/runs/{site[1]}")
    graph = page.get_by_role("region", name="Graph", exact=True)
    expect(graph).to_contain_text("5000 tasks are too many for one picture")
    expect(graph.locator("strong")).to_have_text("task_4321")  # the one that failed
    graph.get_by_label("Around the task").fill("task_0075")
    graph.get_by_role("button", name="Show around it").click()
    expect(graph.locator("strong")).to_have_text("task_0075")
    expect(graph.get_by_role("link", name="task_0125: succeeded")).to_be_visible()
    expect(graph.get_by_role("table", name="Tasks by step")).to_contain_text("49 succeeded, 1 fail")
    assert longest(page) < LONGEST_MS


@pytest.mark.parametrize("tab", ["grid", "graph"])
def test_a_dag_of_five_thousand_tasks_stays_smooth(
    page: Page, site: tuple[str, str], tab: str
) -> None:
    page.add_init_script(WATCH)
    page.goto(f"{site[0]}#/dags/wide?tab={tab}")
    expect(page.get_by_role("link", name="task_4321: failed").first).to_be_visible()
    assert longest(page) < LONGEST_MS


def test_five_thousand_copies_are_one_box(page: Page, site: tuple[str, str]) -> None:
    page.add_init_script(WATCH)
    page.goto(f"{site[0]}#/dags/copies?tab=graph")
    expect(page.get_by_role("link", name="work: succeeded, 5000 copies")).to_contain_text("× 5000")
    expect(page.locator("#dag-graph .node")).to_have_count(3)
    assert longest(page) < LONGEST_MS


def test_a_log_of_ten_mebibytes_stays_smooth(page: Page, site: tuple[str, str]) -> None:
    page.add_init_script(WATCH)
    page.goto(f"{site[0]}#/runs/{site[1]}?task=task_0000")
    # Only selectors that cost the page nothing: looking for roles among 80,000 lines is slow.
    expect(page.locator("#log-status")).to_have_text("81921 lines", timeout=60_000)
    page.locator("#to-end").click()
    page.locator("#find").fill("needle")
    expect(page.locator("#log-status")).to_have_text("1 line found")
    assert longest(page) < LONGEST_MS
