"""`python -m tests.bench [--quick] [NAME ...]`: one JSON line for each benchmark.

`python -m tests.bench --table [--against COMMIT]` prints the table of targets instead, in Markdown,
with those of an earlier commit from the same run, and all figures as a JSON line below.

A figure that misses its target says so in its line and is no failure: how fast a machine is says
nothing about whether the program is right.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

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
    "register": "10,000 new files become DAGs",
    "year": "the size of the file over a simulated year with retention on",
    "growth": "what each operation costs on databases of any size, in steps of SQLite",
    "cold": "how soon each function of the deployed bundle answers first, and its memory",
    "cost": "what a million one-second tasks cost on AWS",
    "memory": "size of the idle local cloud, and how soon it answers",
    "cli": "the command line: its start, a task under `run`, a simulated week",
    "aws": "chains, fan-outs and 10,000 DAGs on the hour, on simulated AWS",
    "peers": "the same work beside Luigi and Prefect, which it installs, and Dagu",
}
ON_REQUEST = {"peers"}
"""Not among those that run when none is named: it takes minutes, and the package index."""


def _benchmark(name: str, options: argparse.Namespace) -> Callable[[bool], Line | list[Line]]:
    # Only what was asked for is imported; `import` is no name that a module can have.
    module = "imports" if name == "import" else name
    run: Callable[..., Line | list[Line]] = importlib.import_module(f"tests.bench.{module}").run
    return partial(run, dagu_binary=options.dagu) if name == "peers" else run


def _lines(lines: Line | list[Line]) -> Iterable[Line]:
    return [lines] if isinstance(lines, Line) else lines


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer runs of less work")
    parser.add_argument("--table", action="store_true", help="the table of targets, as ratios")
    parser.add_argument("--against", metavar="COMMIT", help="the table, with an earlier commit's")
    parser.add_argument(
        "--dagu", type=Path, metavar="PATH", help="a Dagu binary, for `peers` to measure as well"
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.names) - set(NAMES)):
        parser.error(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(NAMES)}")
    # What the program says about its work would hide the lines, and writing it costs time. Not by
    # the level of its loggers: some benchmarks set up its log anew.
    logging.disable(logging.CRITICAL)
    if options.table or options.against:
        return _print_table(parser, options)
    for name in options.names or [name for name in NAMES if name not in ON_REQUEST]:
        with _output_held_back():
            lines = _lines(_benchmark(name, options)(options.quick))
        for line in lines:
            print(line.encode(is_quick=options.quick), flush=True)


def _print_table(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    from tests.bench import checkout, targets

    if options.names:
        parser.error("the table has rows of its own: leave out the names")
    try:
        with _output_held_back():
            table = targets.run(options.quick, options.against)
    except checkout.UnknownCommit as error:
        parser.error(str(error))
    print(table, flush=True)


@contextmanager
def _output_held_back() -> Iterator[None]:
    """Keep what servers, libraries and child processes print off stdout and stderr. An error that
    ends the block prints it on stderr."""
    sys.stdout.flush()
    kept = os.dup(1), os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 1)
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            with os.fdopen(os.dup(kept[1]), "wb") as stderr:
                shutil.copyfileobj(held, stderr)
            raise
        finally:
            sys.stdout.flush()
            for number, descriptor in enumerate(kept, start=1):
                os.dup2(descriptor, number)
                os.close(descriptor)


if __name__ == "__main__":
    main()
