"""This program beside Luigi and Prefect, and Dagu if a binary is given: the same work in one run.

measure       what is measured of a system, and its ratio to four plain threads
environments  the peers' own virtual environments, in the user's cache
processes     servers and commands of a peer: output to files, memory, processor time
ours          the local cloud
luigi         luigid and the `luigi` command
prefect       Prefect's server, and flows called in one process
dagu          a Dagu binary
programs/     what the peers' own Python runs; never imported here
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from tests.bench.peers import dagu, luigi, ours, prefect
from tests.bench.peers.measure import CHAIN_LENGTH, System, Unavailable, measure
from tests.bench.report import Line

Start = Callable[[Path], AbstractContextManager[System]]

NOTES = {
    "chain": f"{CHAIN_LENGTH} tasks of `true` in a row; gap_ms: from the end of a task to the start"
    " of the next, by the tasks' own clocks",
    "fan-out": "one task, then many at once, then one; from the request to the end of the last",
    "many": "DAGs of five tasks, all requested at once; a system that is stopped at the time limit"
    " is given the rate of the tasks that ended",
    "idle": "memory of all processes while nothing is due, processor time in percent of one core,"
    " and the time from the start of the process to its first answer",
}
"""Of each workload. `of_plain_threads` is the rate of tasks, divided by that of four plain threads
that ran `bash -c true` right before."""


def run(is_quick: bool, dagu_binary: Path | None = None) -> list[Line]:
    """A line for each workload, with the figures of each system."""
    systems: dict[str, Start] = {
        "ours": ours.started,
        luigi.TITLE: luigi.started,
        prefect.TITLE: prefect.started,
    }
    if dagu_binary is not None:
        systems["Dagu"] = lambda folder: dagu.started(folder, dagu_binary)
    figures: dict[str, dict[str, Any]] = {name: {} for name in NOTES}
    for title, start in systems.items():
        for workload, values in _of(start, is_quick=is_quick).items():
            figures[workload][title] = values
    runs = 1 if is_quick else 3
    return [
        Line(name=f"peers {w}", runs=runs, figures=f, note=NOTES[w]) for w, f in figures.items()
    ]


def _of(start: Start, *, is_quick: bool) -> dict[str, dict[str, Any]]:
    """The figures of one system. Where it cannot be had, the reason in their place."""
    with tempfile.TemporaryDirectory(prefix="orchestrator-peers-") as folder:
        try:
            with start(Path(folder)) as system:
                return measure(system, is_quick=is_quick)
        except Unavailable as error:
            return {name: {"unavailable": str(error)} for name in NOTES}
