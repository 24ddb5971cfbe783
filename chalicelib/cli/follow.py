"""Follows a run or a log until it ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from chalicelib.cli.client import Client, part
from chalicelib.cli.lookup import find_run
from chalicelib.dag.states import RUN_ENDED

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 2.0
"""Seconds between two looks: short at first, because many runs end soon."""
OnLine = Callable[[dict[str, Any], str], None]


@dataclass
class Pauses:
    """Waits between two looks, longer each time until something happens."""

    seconds: float = FIRST_PAUSE

    def wait(self, *, something_happened: bool) -> None:
        if something_happened:
            self.seconds = FIRST_PAUSE
        time.sleep(self.seconds)
        self.seconds = min(LONGEST_PAUSE, self.seconds * 1.5)


def log_lines(
    client: Client, run_id: str, task_id: str, *, follow: bool, **query: Any
) -> Iterator[str]:
    """The lines of an attempt's log; with `follow`, until it is complete."""
    path = f"/api/runs/{part(run_id)}/tasks/{part(task_id)}/logs"
    offset, pauses, rest = 0, Pauses(), ""
    while True:
        log = client.get(path, offset=offset, **query)
        text = rest + log["content"]
        *lines, rest = text.split("\n")
        yield from lines
        moved = log["next_offset"] > offset
        offset = log["next_offset"]
        if log["complete"] or (not follow and not moved):
            break
        if not moved:
            pauses.wait(something_happened=False)
    if rest:
        yield rest


@dataclass
class RunFollower:
    """Watches a run: calls `on_change` with each task instance whose state changed, and `on_line`
    with each new line of a task's log."""

    client: Client
    run_id: str
    on_change: Callable[[dict[str, Any]], None]
    on_line: OnLine | None = None
    _states: dict[tuple[str, int], tuple[str, int]] = field(default_factory=dict)
    _logs: dict[tuple[str, int, int, int], tuple[int, str, bool]] = field(default_factory=dict)

    def watch(self) -> dict[str, Any]:
        """Returns the run when it has ended."""
        *_, run = self.looks()
        return run

    def looks(self) -> Iterator[dict[str, Any]]:
        """The run after each look, until it has ended."""
        pauses = Pauses()
        while True:
            run = find_run(self.client, self.run_id)
            happened = self._look(run)
            yield run
            if run["state"] in RUN_ENDED:
                return
            pauses.wait(something_happened=happened)

    def _look(self, run: dict[str, Any]) -> bool:
        happened = False
        for row in run["task_instances"]:
            key, state = (row["task_id"], row["map_index"]), (row["state"], row["try_number"])
            changed = self._states.get(key, ("none", 0)) != state
            if self.on_line is not None and row["try_number"]:
                happened |= self._read_log(row, self.on_line)
            if changed:
                self._states[key] = state
                self.on_change(row)
            happened |= changed
        return happened

    def _read_log(
        self, row: dict[str, Any], on_line: Callable[[dict[str, Any], str], None]
    ) -> bool:
        key = (row["task_id"], row["map_index"], row["try_number"], row["poke"])
        offset, rest, is_complete = self._logs.get(key, (0, "", False))
        moved = False
        while not is_complete:
            path = f"/api/runs/{part(self.run_id)}/tasks/{part(row['task_id'])}/logs"
            log = self.client.get(
                path, offset=offset, map_index=row["map_index"], try_number=row["try_number"]
            )
            *lines, rest = (rest + log["content"]).split("\n")
            for line in lines:
                on_line(row, line)
            is_complete = log["complete"]
            if is_complete and rest:
                on_line(row, rest)
            if log["next_offset"] == offset:
                break
            moved, offset = True, log["next_offset"]
        self._logs[key] = (offset, rest, is_complete)
        return moved
