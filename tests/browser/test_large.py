"""Much to show: the page must not stand still. What counts is how much it does at one go, however
long this machine takes for it; how long that is `python -m tests.bench page` tells."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from chalicelib.dag.model import Task
from tests.browser.counts import count_from_now_on, laid_out, most_at_once
from tests.browser.large import ACTS, large_site
from tests.browser.serving import served
from tests.support.api import Api

# At least twice what is needed, and a small part of what there is: all lines of the log at once
# would be 330,000 nodes, all tasks of the run 85,000.
NODES = 12_000
CHARACTERS = 6_000_000
ANSWER = 4_200_000
ELEMENTS = 5_000
LINES = 500


@pytest.fixture
def page(still_page: Page) -> Page:
    count_from_now_on(still_page)
    return still_page


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    with large_site(tmp_path_factory.mktemp("large")) as site:
        yield site


@pytest.mark.parametrize("act", ACTS)
def test_little_is_done_at_one_go_and_little_is_laid_out_however_much_there_is(
    page: Page, site: tuple[str, str], act: str
) -> None:
    ACTS[act](page, *site)
    most = most_at_once(page)
    assert most.nodes <= NODES
    assert most.characters <= CHARACTERS
    assert most.answer <= ANSWER
    assert laid_out(page) <= ELEMENTS


def test_a_long_log_is_laid_out_in_short_blocks_where_it_is_seen(
    page: Page, site: tuple[str, str]
) -> None:
    ACTS["log"](page, *site)
    blocks = page.evaluate(
        "[...document.querySelectorAll('#log .block')].map((block) =>"
        " [block.childElementCount, getComputedStyle(block).contentVisibility])"
    )
    assert sum(lines for lines, _ in blocks) == 81_921
    assert max(lines for lines, _ in blocks) <= LINES
    assert {visibility for _, visibility in blocks} == {"auto"}


def test_of_a_graph_too_large_for_one_picture_the_part_around_a_task_is_shown(
    page: Page, site: tuple[str, str]
) -> None:
    ACTS["run"](page, *site)
    graph = page.locator("#graph-box")
    expect(graph).to_contain_text("5000 tasks are too many to draw at once")
    expect(graph.locator("strong")).to_have_text("task_4999")
    graph.locator("#centre").fill("task_0075")
    graph.locator("#show-around").click()
    expect(graph.locator("strong")).to_have_text("task_0075")
    expect(graph.locator("#n-task_0125")).to_be_visible()
    expect(graph.locator("table")).to_contain_text("49 succeeded, 1 failed")


def test_a_large_graph_that_was_unfolded_can_be_folded_again(page: Page, tmp_path: Path) -> None:
    api = Api(tmp_path)
    names = [f"step{step}_t{number}" for step in range(10) for number in range(50)]
    tasks = tuple(
        Task(name, "true", (names[i - 50],) if i >= 50 else ()) for i, name in enumerate(names)
    )
    api.rows.dag("stepped", name="Stepped", tasks=tasks)
    run_id = api.rows.run("stepped")
    with api.database.write() as tx:
        for name in names:
            api.rows.put_task(tx, run_id, name, "success")
    with served(api) as url:
        page.goto(f"{url}#/runs/{run_id}?folded=-")
        graph = page.locator("#graph-box")
        expect(graph).to_contain_text("500 tasks are too many to draw at once")
        graph.get_by_role("button", name="Fold groups").click()
        expect(graph.locator("rect.frame")).to_have_count(10)
        expect(graph.locator('[id="n-group:step9"]')).to_contain_text("50 succeeded")
    api.close()
