"""No test depends on how fast the machine is: it waits without limit, but for hanging, and judges
by what happened, not by how long it took."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# They measure; what they find is no failure.
MEASURING = ("tests/bench/", "tests/nfs/", "tests/integration/backup/bench_of_copies.py")

WAITS = {"wait", "join", "result", "communicate", "exception", "create_connection", "urlopen"}

CLOCKS = {"monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time", "sleep"}

MAY_USE_CLOCKS = {
    "tests/fuzz/__main__.py": "a campaign on demand lasts as long as it is told",
    "tests/workers/__main__.py": "force on demand is used for as long as it is told",
    "tests/support/footprint.py": "measures a command",
    "tests/support/waiting.py": "the limit against hanging",
    "tests/integration/executor/bench_of_one.py": "a clock that leaps ahead",
    "tests/integration/executor/test_running.py": "compares two measurements of one thing",
    "tests/integration/storage/ledger.py": "writers pause for others to have a turn",
    "tests/integration/backup/eager.py": "the same",
}


def modules() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "tests").rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith(MEASURING):
            yield name, path.read_text(encoding="utf-8")


def is_limit(node: ast.expr) -> bool:
    """Whether it is a number. Less than a second is a pause: nothing is judged by it."""
    return (
        isinstance(node, ast.Constant) and isinstance(node.value, int | float) and node.value >= 1
    )


def short_waits(source: str) -> list[int]:
    """The lines of the calls that wait up to a number of seconds of their own."""
    return [
        call.lineno
        for call in ast.walk(ast.parse(source))
        if isinstance(call, ast.Call) and waits(call) and any(map(is_limit, limits_of(call)))
    ]


def waits(call: ast.Call) -> bool:
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    of = getattr(getattr(function, "value", None), "id", "")
    # What `expect` of the browser's tests returns waits too.
    return (
        name in WAITS
        or of == "subprocess"
        or name.startswith(("to_", "not_to_", "wait_for", "set_default"))
    )


def limits_of(call: ast.Call) -> list[ast.expr]:
    named = [keyword.value for keyword in call.keywords if keyword.arg == "timeout"]
    return named + (call.args[:1] if getattr(call.func, "attr", "") in WAITS else [])


def clocks_read(source: str) -> list[int]:
    if not re.search("^ *import time$", source, re.MULTILINE):
        return []
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute)
        and node.attr in CLOCKS
        and isinstance(node.value, ast.Name)
        and node.value.id == "time"
    ]


def test_every_wait_has_the_one_limit_against_hanging() -> None:
    found = [f"{name}:{line}" for name, source in modules() for line in short_waits(source)]
    assert found == [], "give HANG_SECONDS of tests.support.waiting, or use eventually()"


def test_no_test_judges_by_a_clock() -> None:
    found = {name: lines for name, source in modules() if (lines := clocks_read(source))}
    assert {name: found[name] for name in found if name not in MAY_USE_CLOCKS} == {}, (
        "judge by counts, wait with eventually(), and measure in tests/bench"
    )
    assert sorted(set(MAY_USE_CLOCKS) - set(found)) == [], "needs no exception any more"


@pytest.mark.parametrize(
    "call",
    [
        "process.wait(timeout=5)",
        "thread.join(10)",
        "future.result(timeout=2.5)",
        "subprocess.run(command, timeout=30)",
        "urllib.request.urlopen(request, timeout=10)",
        "expect(page.locator('main')).to_have_text('x', timeout=30_000)",
        "page.wait_for_timeout(1000) or page.set_default_timeout(timeout=15_000)",
    ],
)
def test_a_limit_of_its_own_is_found(call: str) -> None:
    assert short_waits(call) == [1]


@pytest.mark.parametrize(
    "call",
    [
        "process.wait(HANG_SECONDS)",
        "pause.wait(0.01)",
        "bench.run('sleep 60', timeout=300)",
        "', '.join(names)",
    ],
)
def test_a_pause_and_a_limit_of_the_product_are_none(call: str) -> None:
    assert short_waits(call) == []
