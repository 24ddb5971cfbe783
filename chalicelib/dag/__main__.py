"""Checks DAG files without running anything, for example before a commit or in CI.

    python -m chalicelib.dag FILE...

Problems and warnings go to stderr, one per line, as FILE:LINE:COLUMN: MESSAGE. The exit code is 1
if there are problems; warnings alone do not count.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from chalicelib.dag.language.parser import parse_file
from chalicelib.dag.problems import DagFileError

TESTS = (".test.yaml", ".test.yml")
"""Files that test the DAG file beside them, so that `FILE...` may be `dags/*.yaml`."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the files; return 0 if all are valid and no two share a dag_id, else 1."""
    parser = argparse.ArgumentParser(prog="python -m chalicelib.dag", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument(
        "--layers",
        action="store_true",
        help="the installation has Lambda layers: do not warn about programs that Lambda lacks",
    )
    problems: list[str] = []
    warnings: list[str] = []
    owners: dict[str, Path] = {}
    options = parser.parse_args(arguments)
    for path in options.files:
        if path.name.endswith(TESTS):
            continue
        try:
            parsed = parse_file(path.read_bytes(), has_layers=options.layers)
        except OSError as error:
            problems.append(f"{path}: {error.strerror}")
        except DagFileError as error:
            problems += [f"{path}:{p.line}:{p.column}: {p.message}" for p in error.problems]
        else:
            dag_id = parsed.dag.dag_id
            warnings += [
                f"{path}:{w.line}:{w.column}: warning: {w.message}" for w in parsed.warnings
            ]
            if (owner := owners.setdefault(dag_id, path)) is not path:
                problems.append(f"{path}:1:1: the dag_id {dag_id!r} is taken by {owner}")
    sys.stderr.writelines(f"{line}\n" for line in warnings + problems)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
