"""Much to show: the page must not stand still. What counts is the longest task of its thread."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from chalicelib.dag.model import Dag, Task
from chalicelib.database import Transaction
from chalicelib.messages import Attempt
from tests.browser.serving import served
from tests.support.api import Api
from tests.support.fakes import FakeBucket

DAGS = 10_000
TASKS = 5_000
LONGEST_MS = 200
ATTEMPTS = 3
LOG_BYTES = 10 * 1024 * 1024


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address, and the id of a run of 5,000 tasks, one of which has a log of 10 MiB."""
    folder: Path = tmp_path_factory.mktemp("large")
    api = Api(folder)
    many_dags(api)
    api.rows.run("dag_09998", "failed")
    tasks = tuple(Task(f"task_{number:04}", "true", before(number)) for number in range(TASKS))
    api.rows.dag("wide", name="Wide", tasks=tasks)
    run_id = api.rows.run("wide")
    for tx, numbers in batches(api, TASKS):
        for number in numbers:
            state = "failed" if number == 4321 else "success"
            api.rows.put_task(tx, run_id, f"task_{number:04}", state)
    copies_of_one(api)
    _write_log(api.runs, Attempt("wide", run_id, "task_0000", -1, 1))
    _write_gaudy_log(api.runs, Attempt("wide", run_id, "task_0001", -1, 1))
    with served(api) as url:
        yield url, run_id
    api.close()


def batches(api: Api, many: int) -> Iterator[tuple[Transaction, range]]:
    """Numbers up to `many`, some at a time: no transaction may last for long."""
    for start in range(0, many, 1000):
        with api.database.write() as tx:
            yield tx, range(start, min(many, start + 1000))


def many_dags(api: Api) -> None:
    for tx, numbers in batches(api, DAGS):
        for number in numbers:
            tags = ("rare",) if number == 7777 else ("common",)
            every_hour = ("@hourly",) if number < 100 else ()
            dag = Dag(
                f"dag_{number:05}",
                f"DAG {number}",
                (Task("a", "true"),),
                tags=tags,
                schedule=every_hour,
            )
            api.rows.put(tx, dag, is_paused=number == 8888)


def before(number: int) -> tuple[str, ...]:
    """Fifty chains, a hundred tasks long."""
    return (f"task_{number - 50:04}",) if number >= 50 else ()


def copies_of_one(api: Api) -> None:
    """A run of a DAG of three tasks, the second of which has 5,000 copies."""
    chain = (Task("list", "true"), Task("work", "true", ("list",)), Task("sum", "true", ("work",)))
    api.rows.dag("copies", name="Copies", tasks=chain)
    run_id = api.rows.run("copies")
    api.rows.task(run_id, "list")
    for tx, numbers in batches(api, TASKS):
        for number in numbers:
            api.rows.put_task(tx, run_id, "work", "success", map_index=number)
    api.rows.task(run_id, "sum")


def _write_log(bucket: FakeBucket, attempt: Attempt) -> None:
    """In chunks, as the executor writes it."""
    chunk = (b"2026-11-23T10:00:00.000Z " + b"x" * 102 + b"\n") * 2048
    for offset in range(0, LOG_BYTES, len(chunk)):
        bucket.put(attempt.log_chunk_key(offset), chunk)
    bucket.put(attempt.log_chunk_key(LOG_BYTES), b"2026-11-23T10:00:00.000Z needle\n")


def _write_gaudy_log(bucket: FakeBucket, attempt: Attempt) -> None:
    """More colours than anybody could mean: bold again before every letter, and never an end."""
    lines = (b"2026-11-23T10:00:00.000Z " + b"\x1b[1mx" * size + b"\n" for size in (50, 12_000))
    chunk = b"".join(lines)
    for number in range(50):
        bucket.put(attempt.log_chunk_key(number * len(chunk)), chunk)


WATCH = """
window.longest = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.longest = Math.max(window.longest, entry.duration);
}).observe({type: 'longtask', buffered: true});
"""


def assert_smooth(page: Page, act: Callable[[], None]) -> None:
    """No task of the page's thread takes long while `act` goes on. On a busy machine every task
    does: then what counts is the time that the thread computes, at the best of a few attempts."""
    page.add_init_script(WATCH)
    act()
    longest = [float(page.evaluate("window.longest"))]
    while min(longest) >= LONGEST_MS and len(longest) < ATTEMPTS:
        page.goto("about:blank")
        longest.append(longest_computing(page, act))
    assert min(longest) < LONGEST_MS, longest


def longest_computing(page: Page, act: Callable[[], None]) -> float:
    """In milliseconds."""
    browser = page.context.browser
    assert browser is not None
    browser.start_tracing(page=page, categories=["disabled-by-default-devtools.timeline"])
    try:
        act()
    finally:
        events = json.loads(browser.stop_tracing())["traceEvents"]
    threads = {
        (event["pid"], event["tid"])
        for event in events
        if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }
    took = [
        float(event["tdur"]) / 1000
        for event in events
        if event["name"] == "RunTask"
        and (event["pid"], event["tid"]) in threads
        and "tdur" in event
    ]
    assert len(took) > 10
    return max(took)


def dag(number: int) -> str:
    # Selectors that cost the page little: looking for roles among thousands of elements is slow.
    return f'main a[href="#/dags/dag_{number:05}"]'


def test_the_first_page_knows_what_fails_and_comes_among_ten_thousand_dags(
    page: Page, site: tuple[str, str]
) -> None:
    def act() -> None:
        page.goto(site[0])
        expect(page.locator("#h-to-look-at + ul")).to_contain_text("dag_09998")
        expect(page.locator("#h-next-hours + ul")).to_contain_text("DAG 0")

    assert_smooth(page, act)


def test_any_of_ten_thousand_dags_is_found_smoothly(page: Page, site: tuple[str, str]) -> None:
    def act() -> None:
        page.goto(f"{site[0]}#/dags")
        expect(page.locator(dag(0))).to_be_visible()
        # What needs a look stands on the first page, however far away its id is.
        expect(page.locator(dag(9998))).to_be_visible()
        page.locator("#search").fill("dag_09999")
        expect(page.locator(dag(9999))).to_be_visible()
        page.locator("#search").fill("")
        page.locator("#tag").select_option("rare")
        expect(page.locator(dag(7777))).to_be_visible()
        page.locator("#tag").select_option("")
        page.locator("#paused").select_option("true")
        expect(page.locator(dag(8888))).to_be_visible()
        page.locator("#paused").select_option("")
        page.locator("#next-page").click()
        expect(page.locator(dag(198))).to_be_attached()

    assert_smooth(page, act)


def test_a_run_of_five_thousand_tasks_stays_smooth(page: Page, site: tuple[str, str]) -> None:
    def act() -> None:
        page.goto(f"{site[0]}#/runs/{site[1]}")
        expect(page.locator("#t-task_0000")).to_be_visible()
        page.locator("#more-tasks").click()
        expect(page.locator("#t-task_0600")).to_be_attached()
        page.locator("#find-task").fill("task_4999")
        page.locator("#t-task_4999").click()
        expect(page.locator("#task-title")).to_contain_text("task_4999")

    assert_smooth(page, act)
    # Of a graph that is too large for one picture, the part around the chosen task is shown.
    graph = page.locator("#graph-box")
    expect(graph).to_contain_text("5000 tasks are too many for one picture")
    expect(graph.locator("strong")).to_have_text("task_4999")
    graph.locator("#centre").fill("task_0075")
    graph.locator("#show-around").click()
    expect(graph.locator("strong")).to_have_text("task_0075")
    expect(graph.locator("#n-task_0125")).to_be_visible()
    expect(graph.locator("table")).to_contain_text("49 succeeded, 1 failed")


def test_a_dag_of_five_thousand_tasks_stays_smooth(page: Page, site: tuple[str, str]) -> None:
    def act() -> None:
        page.goto(f"{site[0]}#/dags/wide")
        expect(page.locator('a[aria-label^="task_4321: failed"]')).to_be_visible()
        page.locator("#tab-graph").click()
        expect(page.locator("#n-task_4321.n-failed")).to_be_visible()  # what failed first

    assert_smooth(page, act)


def test_five_thousand_copies_are_one_box(page: Page, site: tuple[str, str]) -> None:
    def act() -> None:
        page.goto(f"{site[0]}#/dags/copies?tab=graph")
        expect(page.locator("#n-work")).to_contain_text("× 5000")
        expect(page.locator("#dag-graph .node")).to_have_count(3)

    assert_smooth(page, act)


def test_a_log_of_ten_mebibytes_stays_smooth(page: Page, site: tuple[str, str]) -> None:
    def act() -> None:
        page.goto(f"{site[0]}#/runs/{site[1]}?task=task_0000")
        expect(page.locator("#log-status")).to_have_text("81921 lines")
        page.locator("#to-end").click()
        page.locator("#find").fill("needle")
        expect(page.locator("#log-status")).to_have_text("1 line found")

    assert_smooth(page, act)


def test_a_log_of_nothing_but_colours_stays_smooth(page: Page, site: tuple[str, str]) -> None:
    def act() -> None:
        page.goto(f"{site[0]}#/runs/{site[1]}?task=task_0001")
        expect(page.locator("#log-status")).to_have_text("100 lines")
        expect(page.locator("#log .ansi-bold").first).to_have_text("x")

    assert_smooth(page, act)
