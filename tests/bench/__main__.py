"""`python -m tests.bench [--quick] [NAME ...]`: one JSON line for each benchmark.

A figure that misses its target says so in its line and is no failure: how fast a machine is says
nothing about whether the program is right.
"""

from __future__ import annotations

import argparse
import importlib
import logging
from collections.abc import Callable, Sequence

from tests.bench.report import Line

NAMES = {
    "chain": "from the end of one task to the start of the next, in the local cloud",
    "fanout": "tasks a second of one wide DAG, in the local cloud, and what they cost",
    "many": "tasks a second of many DAGs that are all asked for at once",
    "lateness": "how long after its due time a scheduled task starts",
    "tick": "one tick on a large database",
    "apply": "results applied a second",
    "api": "how long the list routes take on a large database",
    "page": "how long the page's thread is busy at one go while much is shown; needs Chromium",
    "import": "what a cold start of each entry point imports",
    "expand": "a task with 10,000 copies: planned and dispatched, and the planner's memory",
    "backfill": "10,000 runs of the past: how long a tick and a transaction take meanwhile",
    "commits": "write transactions for each finished task",
    "cold": "how soon each function of the deployed bundle answers first, and its memory",
    "cost": "what a million one-second tasks cost on AWS",
    "memory": "size of the idle local cloud, and how soon it answers",
}


def _benchmark(name: str) -> Callable[[bool], Line]:
    # Only what was asked for is imported; `import` is no name that a module can have.
    module = "imports" if name == "import" else name
    run: Callable[[bool], Line] = importlib.import_module(f"tests.bench.{module}").run
    return run


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer runs of less work")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.names) - set(NAMES)):
        parser.error(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(NAMES)}")
    # What the program says about its work would hide the lines, and writing it costs time.
    logging.getLogger("orchestrator").setLevel(logging.CRITICAL)
    for name in options.names or NAMES:
        print(_benchmark(name)(options.quick).encode(is_quick=options.quick), flush=True)


if __name__ == "__main__":
    main()
