"""How long the page's thread is busy at one go while much is shown: what keeps a click waiting."""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.bench.report import Line, Target
from tests.browser.chromium import launched, new_context
from tests.browser.large import ACTS, large_site
from tests.support.fakes import FakeClock

LONGEST_MS = 200.0

# A loop that any page could run: the scale of this machine.
BASELINE = """
() => {
  const begun = performance.now();
  let sum = 0;
  for (let i = 0; i < 50_000_000; i += 1) sum = (sum + i) % 1_000_003;
  return [performance.now() - begun, sum];
}
"""


def run(is_quick: bool) -> Line:
    runs = 1 if is_quick else 3
    longest: dict[str, list[float]] = {name: [] for name in ACTS}
    with (
        tempfile.TemporaryDirectory() as folder,
        sync_playwright() as playwright,
        large_site(Path(folder)) as site,
    ):
        browser = launched(playwright)
        for _ in range(runs):
            for name, act in ACTS.items():
                longest[name].append(_measure(browser, lambda page, act=act: act(page, *site)))  # type: ignore[misc]
        baseline = _baseline(browser)
        browser.close()
    figures = {f"{name}_ms": statistics.median(taken) for name, taken in longest.items()}
    figures["longest_ms"] = max(figures.values())
    return Line(
        name="page",
        runs=runs,
        figures=figures,
        targets=[Target("longest_ms", "at most", LONGEST_MS)],
        here={"loop_of_50_million_ms": baseline},
        note="the longest task of the page's thread in processor time, among 10,000 DAGs, in a run"
        " of 5,000 tasks and a log of 10 MiB; a figure for each thing that is done",
    )


def _measure(browser: Browser, act: Callable[[Page], None]) -> float:
    """Measure, in milliseconds."""
    context = new_context(browser, viewport={"width": 1280, "height": 860})
    context.clock.set_fixed_time(FakeClock().moment)
    page = context.new_page()
    browser.start_tracing(page=page, categories=["disabled-by-default-devtools.timeline"])
    try:
        act(page)
    finally:
        events = json.loads(browser.stop_tracing())["traceEvents"]
        context.close()
    return max(_tasks(events))


def _tasks(events: list[dict[str, Any]]) -> list[float]:
    """How long each task of the page's thread computed, in milliseconds."""
    threads = {
        (event["pid"], event["tid"])
        for event in events
        if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }
    return [
        float(event["tdur"]) / 1000
        for event in events
        if event["name"] == "RunTask"
        and (event["pid"], event["tid"]) in threads
        and "tdur" in event
    ]


def _baseline(browser: Browser) -> float:
    page = new_context(browser).new_page()
    taken = [float(page.evaluate(BASELINE)[0]) for _ in range(5)]
    page.context.close()
    return statistics.median(taken)
