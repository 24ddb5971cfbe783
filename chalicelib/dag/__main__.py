"""`python -m chalicelib.dag FILE...`: judges DAG files where nothing runs, such as before a commit
or in CI. All problems go to stderr, one a line, as FILE:LINE:COLUMN: what is wrong."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from chalicelib.dag.parser import parse
from chalicelib.dag.problems import DagFileError


def main(arguments: Sequence[str] | None = None) -> int:
    """0 if every file is a DAG and no two have one dag_id, else 1."""
    parser = argparse.ArgumentParser(prog="python -m chalicelib.dag", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    problems: list[str] = []
    owners: dict[str, Path] = {}
    for path in parser.parse_args(arguments).files:
        try:
            dag_id = parse(path.read_bytes()).dag_id
        except OSError as error:
            problems.append(f"{path}: {error.strerror}")
        except DagFileError as error:
            problems += [f"{path}:{p.line}:{p.column}: {p.message}" for p in error.problems]
        else:
            if (owner := owners.setdefault(dag_id, path)) is not path:
                problems.append(f"{path}:1:1: the dag_id {dag_id!r} is taken by {owner}")
    sys.stderr.writelines(f"{problem}\n" for problem in problems)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
