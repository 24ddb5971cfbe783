"""The rooms of `chalicelib` and the arrows between them: who may import whom, and which outside
package is whose. An import inside a function or for types only counts like any other.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.waiting import HANG_SECONDS

ROOT = Path(__file__).parents[2]

SHARED = frozenset({"errors", "ports", "messages", "config"})


@dataclass(frozen=True)
class Room:
    """What its modules may import beside each other: names below `chalicelib`, outside packages;
    `never` names modules of the standard library that are closed to it."""

    own: frozenset[str] = frozenset()
    outside: frozenset[str] = frozenset()
    never: frozenset[str] = frozenset({"sqlite3"})


def room(own: str = "", outside: str = "", never: str = "sqlite3") -> Room:
    return Room(frozenset(own.split()), frozenset(outside.split()), frozenset(never.split()))


EVERY_SHARED = " ".join(sorted(SHARED))
IMPURE = "sqlite3 subprocess socket logging random threading time urllib http"

ROOMS: dict[str, Room] = {
    "dag": room("errors", "yaml croniter jinja2 re2", never=IMPURE),
    "database": room(f"{EVERY_SHARED} utils dag", "pysqlite3", never=""),
    "scheduler": room(f"{EVERY_SHARED} utils dag database"),
    "executor": room(f"{EVERY_SHARED} utils"),
    "web": room(
        f"{EVERY_SHARED} utils dag.json_values scheduler database.reads bootstrap", "chalice"
    ),
    "aws": room(f"{EVERY_SHARED} utils", "boto3 botocore urllib3"),
    "local": room(
        f"{EVERY_SHARED} utils dag database scheduler executor web aws bootstrap",
        "boto3 botocore chalice click moto werkzeug",
    ),
    "utils": room(),
    "bootstrap": room(f"{EVERY_SHARED} utils dag database scheduler executor web aws"),
    "app": room(
        f"{EVERY_SHARED} utils dag database scheduler executor web aws bootstrap local", "chalice"
    ),
    **{name: room(EVERY_SHARED) for name in SHARED},
}


def modules() -> list[Path]:
    """Every module of the program, relative to the project's folder."""
    found = [*ROOT.glob("app.py"), *(ROOT / "chalicelib").rglob("*.py")]
    return sorted(path.relative_to(ROOT) for path in found)


def room_of(path: Path) -> str:
    """`chalicelib/dag/parser.py` is of `dag`, `chalicelib/errors.py` a room of its own."""
    return path.stem if len(path.parts) < 3 else path.parts[1]


def imports_of(source: str, path: Path) -> Iterator[str]:
    """The dotted names that it imports, `from a import b` as `a.b`, relative ones resolved."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            here = path.parts[: len(path.parts) - node.level] if node.level else ()
            package = ".".join([*here, *filter(None, [node.module])])
            yield from (f"{package}.{alias.name}" for alias in node.names)


def wrong_arrows(source: str, path: Path) -> list[str]:
    """The imports that the table does not allow."""
    if path == Path("chalicelib/__init__.py"):
        return list(imports_of(source, path))
    name = room_of(path)
    return [target for target in imports_of(source, path) if not _allowed(name, target)]


def _allowed(name: str, target: str) -> bool:
    rules = ROOMS[name]
    top, _, below = target.partition(".")
    if top != "chalicelib":
        standard = top in sys.stdlib_module_names and top not in rules.never
        return standard or top in rules.outside
    return any(f"{below}.".startswith(f"{own}.") for own in {name, *rules.own})


def test_every_room_is_in_the_table() -> None:
    rooms = {room_of(path) for path in modules()} - {"__init__"}
    assert rooms <= set(ROOMS)


@pytest.mark.parametrize("path", modules(), ids=str)
def test_a_module_imports_only_what_its_room_may(path: Path) -> None:
    source = (ROOT / path).read_text(encoding="utf-8")
    assert wrong_arrows(source, path) == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("chalicelib/dag/graph.py", "from chalicelib.database import dags"),
        ("chalicelib/dag/graph.py", "import time"),
        ("chalicelib/database/runs.py", "import boto3"),
        ("chalicelib/scheduler/tick.py", "import sqlite3"),
        ("chalicelib/scheduler/tick.py", "def f():\n    from botocore import session"),
        ("chalicelib/executor/run.py", "from chalicelib.dag.model import Dag"),
        ("chalicelib/executor/run.py", "from ..database import connection"),
        ("chalicelib/web/routes.py", "from chalicelib.database.runs import Run"),
        ("chalicelib/aws/s3.py", "import chalicelib.scheduler"),
        ("chalicelib/utils/time.py", "from chalicelib import config"),
        ("chalicelib/bootstrap.py", "import chalicelib.local"),
        ("chalicelib/messages.py", "import yaml"),
    ],
)
def test_a_wrong_arrow_is_seen(path: str, source: str) -> None:
    assert len(wrong_arrows(source, Path(path))) == 1


FORBIDDEN_TO_EXECUTORS = (
    "yaml",
    "croniter",
    "sqlite3",
    "pysqlite3",
    "jinja2",
    "moto",
    "chalicelib.dag.parser",
    "chalicelib.database",
    "chalicelib.scheduler",
    "chalicelib.local",
)


def loaded_by(code: str) -> set[str]:
    """The modules that a fresh interpreter has loaded once it has run `code`."""
    report = "import json, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        env={"PATH": "/usr/bin:/bin", "AWS_DEFAULT_REGION": "us-east-1"},
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "code", ["import app", "from chalicelib import bootstrap; bootstrap.executor()"]
)
def test_an_executor_loads_nothing_of_the_parser_or_the_database(code: str) -> None:
    """Its cold start is paid by every burst of tasks."""
    assert loaded_by(code) & set(FORBIDDEN_TO_EXECUTORS) == set()
