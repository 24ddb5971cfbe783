"""Shows a run while it goes on: a live tree of its tasks on a terminal, lines without one."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from chalicelib.cli import times
from chalicelib.cli.output import STATE_COLOURS, console, has_colours, state_text
from chalicelib.dag.model import Dag
from chalicelib.dag.states import TaskState
from chalicelib.database.reads.run_values import RunWithParams, TaskInstance
from chalicelib.messages import Attempt

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z ")
QUIET = (TaskState.NONE, TaskState.SCHEDULED, TaskState.QUEUED, TaskState.RUNNING)
"""States that lines do not tell: logs show that a task runs."""
MOST_ROWS = 30
"""Rows of the tree: more do not fit a screen."""
SIGNS = {
    TaskState.SUCCESS: "✓",
    TaskState.FAILED: "✗",
    TaskState.RUNNING: "●",
    TaskState.SKIPPED: "-",
    TaskState.UPSTREAM_FAILED: "!",
    TaskState.CANCELLED: "■",
}


def label(task_id: str, map_index: int) -> str:
    """`extract`, or `load[3]` for a mapped instance."""
    return f"{task_id}[{map_index}]" if map_index >= 0 else task_id


class LineView:
    """Prints each log line with its task, and each change of a state."""

    def __init__(self, dag: Dag, print_: Callable[[str], None] = click.echo) -> None:
        self._width = max(len(task.id) for task in dag.tasks)
        self._states: dict[tuple[str, int], tuple[TaskState, int]] = {}
        self._print, self._lock = print_, threading.Lock()

    def line(self, attempt: Attempt, text: str) -> None:
        """A line of a log."""
        name = label(attempt.task_id, attempt.map_index)
        with self._lock:
            self._print(f"{name:<{self._width}} | {_STAMP.sub('', text, count=1)}")

    def update(self, tasks: Sequence[TaskInstance]) -> None:
        """The tasks as they are now."""
        for row in tasks:
            key, state = (row.task_id, row.map_index), (row.state, row.try_number)
            if self._states.get(key) != state and row.state not in QUIET:
                self._states[key] = state
                self.changed(row)

    def changed(self, row: TaskInstance) -> None:
        """A task changed its state."""
        taken = f" in {times.duration(row.duration)}" if row.duration is not None else ""
        reason = f": {row.reason}" if row.reason else ""
        with self._lock:
            name = label(row.task_id, row.map_index)
            self._print(f"{name}: {state_text(row.state)}{taken}{reason}")

    def __enter__(self) -> LineView:
        return self

    def __exit__(self, *_: object) -> None:
        return None


class TreeView(LineView):
    """Prints log lines above a tree that shows every task with its state and time."""

    def __init__(self, dag: Dag) -> None:
        self._console = console()
        super().__init__(dag, lambda text: self._console.print(text, markup=False))
        self._dag = dag
        self._live: Live | None = None
        self._tasks: Sequence[TaskInstance] = ()

    def update(self, tasks: Sequence[TaskInstance]) -> None:
        self._tasks = tasks
        if self._live is not None:
            self._live.update(self._tree(), refresh=True)

    def _tree(self) -> RenderableType:
        from rich.text import Text
        from rich.tree import Tree

        tree = Tree(Text(self._dag.name, style="bold"), guide_style="dim")
        depths = _depths(self._dag)
        branches = [tree]
        for row in self._tasks[:MOST_ROWS]:
            depth = min(depths.get(row.task_id, 0), len(branches) - 1)
            branches[depth + 1 :] = [branches[depth].add(_row(row))]
        if len(self._tasks) > MOST_ROWS:
            tree.add(f"and {len(self._tasks) - MOST_ROWS} more")
        return tree

    def __enter__(self) -> TreeView:
        from rich.live import Live

        self._live = Live(self._tree(), console=self._console, auto_refresh=False)
        self._live.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.update(self._tree(), refresh=True)
            self._live.__exit__(None, None, None)


def _row(row: TaskInstance) -> RenderableType:
    from rich.text import Text

    style = STATE_COLOURS.get(row.state, "")
    text = Text.assemble(
        (f"{SIGNS.get(row.state, '·')} ", style),
        label(row.task_id, row.map_index),
        ("  " + row.state, style),
    )
    if row.try_number > 1:
        text.append(f"  try {row.try_number}", "magenta")
    if row.duration is not None:
        text.append(f"  {times.duration(row.duration)}", "dim")
    if row.reason:
        text.append(f"  {row.reason}", "dim")
    return text


def _depths(dag: Dag) -> dict[str, int]:
    """How many tasks each task has above it, on the longest way."""
    depths: dict[str, int] = {}
    for task in dag.tasks:  # in topological order
        depths[task.id] = max((depths[up] + 1 for up in task.dependencies), default=0)
    return depths


def view_for(dag: Dag, *, is_quiet: bool) -> LineView:
    """The view that suits stdout: no tree where no escape codes are wanted, because it moves the
    cursor. `is_quiet`: everything goes to stderr."""
    if is_quiet:
        return LineView(dag, lambda text: click.echo(text, err=True))
    is_plain = not has_colours()
    return LineView(dag) if is_plain else TreeView(dag)


def summary(run: RunWithParams, tasks: Sequence[TaskInstance]) -> str:
    """The end of a run in a line."""
    counts: dict[str, int] = {}
    for row in tasks:
        counts[row.state] = counts.get(row.state, 0) + 1
    text = ", ".join(f"{number} {state}" for state, number in counts.items())
    taken = f" in {times.duration(run.duration)}" if run.duration is not None else ""
    return f"{run.dag_id}: {state_text(run.state)}{taken}: {text}"
