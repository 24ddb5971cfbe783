"""Writes the logs of a run into files that people can read: one for each attempt."""

from __future__ import annotations

import threading
from pathlib import Path

from chalicelib.cli.local_run.log_tap import OnLine
from chalicelib.messages import Attempt


class LogFiles:
    """Writes `TASK.try1.log`, or `TASK[3].try1.log` for a mapped instance, into `folder`, and
    passes each line on."""

    def __init__(self, folder: Path, pass_on: OnLine) -> None:
        self._folder, self._pass_on = folder, pass_on
        self._lock = threading.Lock()
        folder.mkdir(exist_ok=True)

    def line(self, attempt: Attempt, text: str) -> None:
        """A line of an attempt's log, with its time."""
        index = f"[{attempt.map_index}]" if attempt.map_index >= 0 else ""
        name = f"{attempt.task_id}{index}.try{attempt.try_number}.log"
        with self._lock, (self._folder / name).open("a", encoding="utf-8") as file:
            file.write(f"{text}\n")
        self._pass_on(attempt, text)
