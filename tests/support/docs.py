"""The generated parts of the documentation, each made from the table that the program itself reads.

`python -m tests.support.docs` rewrites them; a test fails while one of them is not current.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from chalicelib.config import SETTINGS, Setting
from chalicelib.dag.states import RUN_TRANSITIONS, TASK_TRANSITIONS, RunState, TaskState
from chalicelib.dag_files import is_dag_file
from chalicelib.notification_kinds import KINDS
from infra import permissions
from tests.support import api_reference, cli_reference, cost_comparison, language_reference
from tests.unit.test_imports import IMPURE, ROOMS, SHARED

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
HOW_IT_WORKS = ROOT / "chalicelib" / "README.md"
DAG_FILE = ROOT / "chalicelib" / "dag" / "README.md"
REST_API = ROOT / "chalicelib" / "web" / "README.md"
COMMAND_LINE = ROOT / "chalicelib" / "cli" / "README.md"
ON_AWS = ROOT / "infra" / "README.md"
TESTS = ROOT / "tests" / "README.md"
BENCHMARKS = ROOT / "tests" / "bench" / "README.md"
CONTRIBUTING = ROOT / ".github" / "CONTRIBUTING.md"
EXAMPLES = ROOT / "examples"

R, T = RunState, TaskState

State = TypeVar("State", bound=StrEnum)

RUN_MEANINGS: dict[RunState, str] = {
    R.QUEUED: "waits for its moment, for a free slot, or for its first task to begin",
    R.RUNNING: "a task of it has begun",
    R.SUCCESS: "every task that nothing depends on succeeded or was skipped",
    R.FAILED: "a task that nothing depends on failed, or could not run because of a failure",
    R.CANCELLED: "it was stopped before its end",
}

TASK_MEANINGS: dict[TaskState, str] = {
    T.NONE: "waits for its dependencies",
    T.SCHEDULED: "ready; waits for a slot: `max_active_tasks`, its pool, or its copies at once",
    T.QUEUED: "its message is on its way to an executor; holds a slot",
    T.RUNNING: "its command runs, or the run that it waits for; holds a slot",
    T.SUCCESS: "its command exited with 0, or it was marked so",
    T.FAILED: "its last attempt failed, ran into its time limit, or was lost; or it was marked so",
    T.UP_FOR_RETRY: "its attempt failed; waits for the next one",
    T.UP_FOR_RESCHEDULE: "waits to be asked again",
    T.UPSTREAM_FAILED: "never started: a dependency failed",
    T.SKIPPED: "by its trigger rule, `when`, `skip_on_exit_code`, or a sensor's `soft_fail`;"
    " or it was marked so",
    T.CANCELLED: "it, or its run, was stopped before its end",
}


def settings_markdown() -> str:
    """One row for each setting of `chalicelib.config`."""
    rows = [("variable", "default", "read by", "meaning"), ("---",) * 4]
    rows += [(f"`{s.variable}`", _default(s), s.where, s.help) for s in SETTINGS]
    return _table(rows)


def _default(setting: Setting) -> str:
    value = setting.default
    text = f"{value:g}" if isinstance(value, float) else str("" if value is None else value)
    return f"`{text}`" if text else "none"


def run_states_markdown() -> str:
    """The states of a run that can occur, and the moves between them."""
    return _states(RUN_TRANSITIONS, RUN_MEANINGS)


def task_states_markdown() -> str:
    """The states of a task that can occur, and the moves between them."""
    return _states(TASK_TRANSITIONS, TASK_MEANINGS)


def _states(moves: Mapping[State, frozenset[State]], meanings: Mapping[State, str]) -> str:
    reached = {target for targets in moves.values() for target in targets}
    rows = [("state", "meaning", "may become"), ("---",) * 3]
    for state, targets in moves.items():
        if targets or state in reached:
            ordered = [f"`{target}`" for target in moves if target in targets]
            rows.append((f"`{state}`", meanings[state], ", ".join(ordered) or "(the end)"))
    return _table(rows)


def notification_kinds_markdown() -> str:
    """One row for each kind of notification."""
    rows = [("kind", "how it is sent", "what it may reach on AWS"), ("---",) * 3]
    rows += [(f"`{kind.example}`", kind.delivery, kind.reach) for kind in KINDS.values()]
    return _table(rows)


def examples_markdown() -> str:
    """One row for each file of `examples/`, with what its header says that it shows."""
    files = sorted(path for path in EXAMPLES.glob("*.yaml") if is_dag_file(path.name))
    shown = [(f"[`{path.name}`](../../examples/{path.name})", shown_by(path)) for path in files]
    return _table([("file", "shows"), ("---",) * 2, *shown])


def shown_by(example: Path) -> str:
    """What stands behind `Shows:` in the header comment, on one line."""
    if example.name == "sample_dag.yaml":
        return "the smallest DAG with a dependency and a schedule"
    header = example.read_text(encoding="utf-8").partition("\nname:")[0]
    found = re.search(r"^# Shows:(.*?)^# [A-Z]", header, re.MULTILINE | re.DOTALL)
    assert found, f"{example.name}: no `# Shows:` followed by `# Needs:` in its header comment"
    return " ".join(found[1].replace("#", " ").split()).rstrip(".")


def costs_markdown() -> str:
    """A month of one-second tasks, here and elsewhere."""
    return _table(_cost_rows())


def _cost_rows() -> list[tuple[str, ...]]:
    tasks = [f"{number:,} tasks" if number else "nothing runs" for number in cost_comparison.TASKS]
    head = ("a month, in USD", "price", "of", *tasks)
    return [head, ("---",) * len(head), *cost_comparison.comparison()]


def serverless_costs_markdown() -> str:
    """What the same work costs here and on MWAA Serverless."""
    head = ("work, in USD", "here", "MWAA Serverless", "prices of")
    return _table([head, ("---",) * len(head), *cost_comparison.with_mwaa_serverless()])


def costs_summary_markdown() -> str:
    """The table of costs without prices and dates, for the front page."""
    head, _, *rows = _cost_rows()
    shown = [(name, *sums) for name, _, _, *sums in rows]
    return _table([("USD a month", *head[3:]), ("---",) * (len(head) - 2), *shown])


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def permissions_markdown() -> str:
    """What an installer must be allowed to do, by service."""
    rows = [("service", "actions", "on"), ("---",) * 3]
    for service, names in permissions.actions().items():
        told = ", ".join(f"`{name}`" for name in names)
        on = ", ".join(f"`{arn}`" for arn in permissions.RESOURCES.get(service, ("*",)))
        rows.append((f"`{service}`", told, on))
    return _table(rows)


def layers_markdown() -> str:
    """What each room may import, from the table that the test of imports enforces."""
    rows: list[tuple[str, ...]] = [
        ("room", "other rooms", "packages", "not from the standard library"),
        ("---",) * 4,
    ]
    for name, room in ROOMS.items():
        rooms, outside = _named(room.rooms, "SHARED", SHARED), _named(room.outside)
        rows.append((f"`{name}`", rooms, outside, _named(room.never, "IMPURE", IMPURE)))
    return _table(rows)


def _named(names: Iterable[str], alias: str = "", stands_for: str = "") -> str:
    """The names in order; those that `alias` stands for, if all are there, by it alone."""
    rest, group = set(names), set(stands_for.split())
    has_all = bool(group) and group <= rest
    shown = sorted(rest - group if has_all else rest)
    return ", ".join(f"`{name}`" for name in ([alias] if has_all else []) + shown)


Parts = Mapping[str, Callable[[], str]]

PAGES: dict[Path, Parts] = {
    README: {"costs-summary": costs_summary_markdown},
    HOW_IT_WORKS: {
        "run-states": run_states_markdown,
        "task-states": task_states_markdown,
        "settings": settings_markdown,
    },
    DAG_FILE: {
        "dag-file": language_reference.reference_markdown,
        "notification-kinds": notification_kinds_markdown,
        "examples": examples_markdown,
    },
    REST_API: {"api": api_reference.reference_markdown},
    COMMAND_LINE: {"usage": cli_reference.usage, "verbs": cli_reference.reference_markdown},
    CONTRIBUTING: {"layers": layers_markdown},
    ON_AWS: {
        "costs": costs_markdown,
        "serverless-costs": serverless_costs_markdown,
        "permissions": permissions_markdown,
    },
}
"""Every page with generated parts, and what makes each part."""


def fill(text: str, parts: Parts) -> str:
    """`text` with what stands between each part's two markers replaced. Raises ValueError for a
    part without markers and for markers without a part."""
    marked = re.findall(r"<!-- generated:([\w-]+) -->", text)
    if sorted(marked) != sorted(parts):
        raise ValueError(f"marked are {sorted(marked)}, made are {sorted(parts)}")
    for name, make in parts.items():
        opening, closing = f"<!-- generated:{name} -->", f"<!-- end:{name} -->"
        head, _, rest = text.partition(opening)
        _, found, tail = rest.partition(closing)
        if not found:
            raise ValueError(f"{opening} is not followed by {closing}")
        text = f"{head}{opening}\n{make().strip()}\n{closing}{tail}"
    return text


if __name__ == "__main__":
    for page, parts in PAGES.items():
        page.write_text(fill(page.read_text(encoding="utf-8"), parts), encoding="utf-8")
