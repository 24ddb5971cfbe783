"""Much to show: ten thousand DAGs, runs of five thousand tasks, a log of ten mebibytes; and what
people do with it. The tests count what the page does meanwhile, `tests.bench page` measures it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, expect

from chalicelib.dag.model import Dag, Task
from chalicelib.database import Transaction
from chalicelib.messages import Attempt
from tests.browser.serving import served
from tests.support.api import Api
from tests.support.fakes import FakeBucket

DAGS = 10_000
TASKS = 5_000
LOG_BYTES = 10 * 1024 * 1024

Act = Callable[[Page, str, str], None]
"""Takes the page, the address of the site, and the id of its run of 5,000 tasks."""


@contextmanager
def large_site(folder: Path) -> Iterator[tuple[str, str]]:
    """The address, and the id of a run of 5,000 tasks, one of which has a log of 10 MiB."""
    api = Api(folder)
    _many_dags(api)
    api.rows.run("dag_09998", "failed")
    tasks = tuple(Task(f"task_{number:04}", "true", _before(number)) for number in range(TASKS))
    api.rows.dag("wide", name="Wide", tasks=tasks)
    run_id = api.rows.run("wide")
    for tx, numbers in _batches(api, TASKS):
        for number in numbers:
            state = "failed" if number == 4321 else "success"
            api.rows.put_task(tx, run_id, f"task_{number:04}", state)
    _mapped_instances_of_one(api)
    _write_log(api.runs, Attempt("wide", run_id, "task_0000", -1, 1))
    _write_gaudy_log(api.runs, Attempt("wide", run_id, "task_0001", -1, 1))
    with served(api) as url:
        yield url, run_id
    api.close()


def _batches(api: Api, many: int) -> Iterator[tuple[Transaction, range]]:
    """Numbers up to `many`, some at a time."""
    for start in range(0, many, 1000):
        with api.database.write() as tx:
            yield tx, range(start, min(many, start + 1000))


def _many_dags(api: Api) -> None:
    for tx, numbers in _batches(api, DAGS):
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


def _before(number: int) -> tuple[str, ...]:
    """Fifty chains, a hundred tasks long."""
    return (f"task_{number - 50:04}",) if number >= 50 else ()


def _mapped_instances_of_one(api: Api) -> None:
    """A run of a DAG of three tasks, the second of which has 5,000 mapped instances."""
    chain = (Task("list", "true"), Task("work", "true", ("list",)), Task("sum", "true", ("work",)))
    api.rows.dag("mapped", name="Mapped", tasks=chain)
    run_id = api.rows.run("mapped")
    api.rows.task(run_id, "list")
    for tx, numbers in _batches(api, TASKS):
        for number in numbers:
            api.rows.put_task(tx, run_id, "work", "success", map_index=number)
    api.rows.task(run_id, "sum")


def _write_log(bucket: FakeBucket, attempt: Attempt) -> None:
    """Write the log in chunks, as the executor does."""
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


def dag_link(number: int) -> str:
    # Selectors that cost the page little: looking for roles among thousands of elements is slow.
    return f'main a[href="#/dags/dag_{number:05}"]'


def open_home(page: Page, url: str, _run_id: str) -> None:
    page.goto(url)
    expect(page.locator("#h-needs-attention + ul")).to_contain_text("DAG 9998")
    expect(page.locator("#h-next-hours + ul")).to_contain_text("DAG 0")


def find_dags(page: Page, url: str, _run_id: str) -> None:
    page.goto(f"{url}#/dags")
    expect(page.locator(dag_link(0))).to_be_visible()
    # What needs a look stands on the first page, however far away its id is.
    expect(page.locator(dag_link(9998))).to_be_visible()
    page.locator("#search").fill("dag_09999")
    expect(page.locator(dag_link(9999))).to_be_visible()
    page.locator("#search").fill("")
    page.locator("#tag").select_option("rare")
    expect(page.locator(dag_link(7777))).to_be_visible()
    page.locator("#tag").select_option("")
    page.locator("#paused").select_option("true")
    expect(page.locator(dag_link(8888))).to_be_visible()
    page.locator("#paused").select_option("")
    page.locator("#next-page").click()
    expect(page.locator(dag_link(198))).to_be_attached()


def open_wide_run(page: Page, url: str, run_id: str) -> None:
    page.goto(f"{url}#/runs/{run_id}")
    expect(page.locator("#t-task_0000")).to_be_visible()
    page.locator("#more-tasks").click()
    expect(page.locator("#t-task_0600")).to_be_attached()
    page.locator("#find-task").fill("task_4999")
    page.locator("#t-task_4999").click()
    expect(page.locator("#task-title")).to_contain_text("task_4999")


def open_wide_dag(page: Page, url: str, _run_id: str) -> None:
    page.goto(f"{url}#/dags/wide")
    expect(page.locator('a[aria-label^="task_4321: failed"]')).to_be_visible()
    page.locator("#tab-graph").click()
    expect(page.locator("#n-task_4321.tone-bad")).to_be_visible()  # what failed first


def open_mapped(page: Page, url: str, _run_id: str) -> None:
    page.goto(f"{url}#/dags/mapped?tab=graph")
    expect(page.locator("#n-work")).to_contain_text("× 5000")
    expect(page.locator("#dag-graph .node")).to_have_count(3)


def read_long_log(page: Page, url: str, run_id: str) -> None:
    page.goto(f"{url}#/runs/{run_id}?task=task_0000")
    expect(page.locator("#log-status")).to_have_text("81921 lines")
    page.locator("#to-end").click()
    page.locator("#find").fill("needle")
    expect(page.locator("#log-status")).to_have_text("1 line found")


def read_gaudy_log(page: Page, url: str, run_id: str) -> None:
    page.goto(f"{url}#/runs/{run_id}?task=task_0001")
    expect(page.locator("#log-status")).to_have_text("100 lines")
    expect(page.locator("#log .ansi-bold").first).to_have_text("x")


ACTS: dict[str, Act] = {
    "home": open_home,
    "dags": find_dags,
    "run": open_wide_run,
    "dag": open_wide_dag,
    "mapped": open_mapped,
    "log": read_long_log,
    "gaudy_log": read_gaudy_log,
}
