"""The rooms of `chalicelib` and `infra`, and the arrows between them: who may import whom, and
which outside package is whose. An import inside a function or for types only counts like any other.
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

TABLES = "enums notification_kinds"
SHARED = f"{TABLES} errors ports messages claims artifact_inputs dag_files config places shebang"
"""Modules of their own at the top of `chalicelib`, open to almost every room."""


@dataclass(frozen=True)
class Room:
    """What its modules may import beside each other: other rooms, or single modules of them;
    outside packages. `never` names modules of the standard library that are closed to it."""

    rooms: frozenset[str]
    outside: frozenset[str]
    never: frozenset[str]


def room(rooms: str = "", outside: str = "", never: str = "sqlite3") -> Room:
    return Room(frozenset(rooms.split()), frozenset(outside.split()), frozenset(never.split()))


IMPURE = "sqlite3 subprocess socket logging random threading time urllib http"
DAG_AT_RUN_TIME = "dag dag.schedule dag.templates dag.evaluate"
DAG = f"{DAG_AT_RUN_TIME} dag.language"
DATABASE = "database database.connection database.queries database.reads"
SCHEDULER = "scheduler scheduler.commands"
WEB = "web web.routes web.handlers"

ROOMS: dict[str, Room] = {
    # The language: pure functions. `language` is for registration, `evaluate` for running runs.
    "dag": room(f"{TABLES} errors places", "re2", never=IMPURE),
    "dag.__main__": room("dag dag.language", never=IMPURE),
    "dag.shell": room("shebang", never=IMPURE),
    "dag.schedule": room("dag", "croniter", never=IMPURE),
    "dag.templates": room("dag dag.shell", "jinja2", never=IMPURE),
    "dag.evaluate": room("errors dag dag.schedule dag.templates", never=IMPURE),
    "dag.language": room(
        f"{TABLES} places fargate_sizes lambda_programs {DAG_AT_RUN_TIME} dag.shell",
        "yaml",
        never=IMPURE,
    ),
    # SQL, and nothing but SQL.
    "database": room("database.connection", never=""),
    "database.index_predicates": room(""),
    "database.row_builder": room(f"{TABLES} utils dag database.connection"),
    "database.connection": room("errors", "pysqlite3", never=""),
    "database.queries": room(
        f"{TABLES} dag_files errors messages utils dag database.connection database.row_builder"
        " database.index_predicates"
    ),
    "database.reads": room(
        f"{TABLES} dag_files messages utils dag database.connection database.row_builder"
        " database.index_predicates database.queries"
    ),
    "database.backup": room("errors database.connection", never=""),
    # Decisions. What runs by itself knows nothing of what users ask for.
    "scheduler": room(f"{SHARED} metric_bounds utils {DAG} {DATABASE}"),
    "scheduler.commands": room(f"{SHARED} utils {DAG} {DATABASE} scheduler"),
    "admin": room(f"{SHARED} utils {DATABASE} database.backup scheduler"),
    # The outside world.
    "executor": room(f"{SHARED} utils"),
    "fargate": room(f"{SHARED} fargate_sizes utils"),
    "fargate.volume": room(f"{SHARED} executor fargate fargate.remote"),
    "fargate.sidecar": room(
        f"{SHARED} executor fargate fargate.remote fargate.volume fargate_sizes aws utils bootstrap"
    ),
    "aws": room(f"{SHARED} utils fargate", "boto3 botocore urllib3"),
    "web": room(
        f"{SHARED} aws_prices api_version metric_bounds utils dag.json_values database.reads admin"
        " bootstrap web.routes dag",
        "chalice prometheus_client",
    ),
    "web.routes": room("enums web"),
    "web.handlers": room(
        f"{SHARED} admin database.reads {SCHEDULER} bootstrap web web.routes dag",
    ),
    "local": room(
        f"{SHARED} utils lambda_programs database {SCHEDULER} admin executor aws bootstrap web",
        "boto3 botocore chalice click moto werkzeug",
    ),
    # The scheduler on a virtual clock; the rooms that run on Lambda do not know it.
    "simulation": room(f"{SHARED} utils database database.connection {SCHEDULER}"),
    "worker": room(f"{SHARED} utils executor bootstrap aws.sqs local.aws_env"),
    "utils": room(),
    "aws_prices": room(),
    "api_version": room(),
    "metric_bounds": room(),
    "fargate_sizes": room(),
    "lambda_programs": room(),
    **{name: room(f"{SHARED} utils") for name in SHARED.split()},
    "places": room("enums config aws_prices fargate_sizes"),
    # What puts the rooms together.
    "bootstrap": room(f"{SHARED} utils database {SCHEDULER} admin executor aws fargate"),
    "app": room(f"{SHARED} utils {SCHEDULER} admin executor web bootstrap local", "chalice"),
    # The command line, on a user's machine.
    "cli": room(
        "api_version dag_files enums errors dag dag.schedule local.home local.aws_env",
        "click rich urllib3 boto3 botocore",
    ),
    "cli.local_run": room(
        f"cli {SHARED} utils {DAG} database database.reads scheduler scheduler.commands executor"
        " simulation local.folder_bucket",
        "click rich",
    ),
    "cli.forecast": room(
        f"cli cli.local_run {SHARED} utils {DAG} dag.language database.reads scheduler"
        " scheduler.commands simulation infra",
        "jinja2 markupsafe yaml",
    ),
    "cli.commands": room(
        f"cli cli.local_run cli.forecast enums dag_files {DAG} dag.language scheduler"
        " scheduler.commands simulation worker infra.__main__",
        "click rich",
    ),
    # The installation: definitions, then what acts on AWS, then the commands.
    "infra": room(
        f"{TABLES} aws_prices fargate_sizes messages claims config dag_files places"
        " local.python_versions",
        "boto3 botocore",
    ),
    "infra.bundle": room("infra local.python_versions", "chalice packaging"),
    "infra.resources": room("config enums infra places", "botocore"),
    "infra.commands": room(
        "config enums infra infra.bundle infra.resources places local.deploy_command"
        " local.python_versions",
        "botocore",
    ),
    "infra.__main__": room("enums infra infra.commands local.python_versions", "botocore"),
}


def modules() -> list[Path]:
    """Every module of the program, relative to the project's folder."""
    paths = [ROOT / "app.py", *(ROOT / "chalicelib").rglob("*.py"), *(ROOT / "infra").rglob("*.py")]
    return sorted(path.relative_to(ROOT) for path in paths)


def room_of(path: Path) -> str:
    """The longest name of the table that the module's own begins with: `chalicelib/dag/graph.py` is
    of `dag`, `chalicelib/dag/language/fields/task.py` of `dag.language`, and `chalicelib/errors.py`
    is a room of its own."""
    parts = [part for part in path.with_suffix("").parts if part != "chalicelib"]
    is_package = path.name == "__init__.py"
    names = [".".join(parts[:end]) for end in range(len(parts), 0, -1)]
    found = next((name for name in names[is_package:] if name in ROOMS), None)
    return found or ".".join(parts[: 1 if is_package else None])


def module_of(target: str) -> Path | None:
    """The file that an import of this dotted name loads; None if it is not of this project."""
    parts = target.split(".")
    for end in range(len(parts), 0, -1):
        path = Path(*parts[:end])
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if (ROOT / file).is_file():
                return file
    return None


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
    top = target.partition(".")[0]
    if top not in {"chalicelib", "infra", "app"}:
        standard = top in sys.stdlib_module_names and top not in rules.never
        return standard or top in rules.outside
    path = module_of(target)
    if path is None:
        return False
    dotted = ".".join(path.with_suffix("").parts).removeprefix("chalicelib.")
    return room_of(path) in {name, *rules.rooms} or dotted in rules.rooms


def test_every_room_is_in_the_table() -> None:
    rooms = {room_of(path) for path in modules() if path != Path("chalicelib/__init__.py")}
    assert rooms <= set(ROOMS)


@pytest.mark.parametrize("path", modules(), ids=str)
def test_a_module_imports_only_what_its_room_may(path: Path) -> None:
    source = (ROOT / path).read_text(encoding="utf-8")
    assert wrong_arrows(source, path) == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("chalicelib/dag/graph.py", "from chalicelib.database.queries import dags"),
        ("chalicelib/dag/graph.py", "from chalicelib.dag.language import parser"),
        ("chalicelib/dag/graph.py", "import time"),
        ("chalicelib/dag/schedule/cron.py", "from chalicelib.dag.templates import render"),
        ("chalicelib/dag/evaluate/params.py", "import yaml"),
        ("chalicelib/database/queries/runs.py", "import boto3"),
        ("chalicelib/database/queries/runs.py", "import sqlite3"),
        ("chalicelib/database/connection/pool.py", "from chalicelib.database.queries import runs"),
        ("chalicelib/database/reads/runs.py", "from chalicelib.database.backup import copy"),
        ("chalicelib/scheduler/tick.py", "import sqlite3"),
        ("chalicelib/scheduler/tick.py", "from chalicelib.scheduler.commands import runs"),
        ("chalicelib/scheduler/tick.py", "from chalicelib.admin import backup"),
        ("chalicelib/scheduler/tick.py", "def f():\n    from botocore import session"),
        ("chalicelib/executor/run.py", "from chalicelib.dag.model import Dag"),
        ("chalicelib/executor/run.py", "from ..database import connection"),
        ("chalicelib/web/routes/runs.py", "from chalicelib.database.queries.runs import Run"),
        ("chalicelib/web/routes/runs.py", "from chalicelib.web.handlers import runs"),
        ("chalicelib/aws/s3.py", "import chalicelib.scheduler"),
        ("chalicelib/utils/time.py", "from chalicelib import config"),
        ("chalicelib/bootstrap.py", "import chalicelib.local"),
        ("chalicelib/messages.py", "import yaml"),
        ("infra/resources/stack.py", "from chalicelib.database import Database"),
        ("infra/resources/stack.py", "from chalicelib.local import cloud"),
        ("infra/resources/stack.py", "import yaml"),
        ("infra/resources/stack.py", "from infra.commands import deploy"),
        ("infra/functions.py", "from infra.resources import stack"),
        ("infra/bundle/build.py", "from infra.resources import stack"),
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
    "chalicelib.dag.language.parser",
    "chalicelib.database",
    "chalicelib.scheduler",
    "chalicelib.local",
    "chalicelib.executor.materials",
    "chalicelib.simulation",
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
    """Every burst of tasks pays for the executor's cold start."""
    assert loaded_by(code) & set(FORBIDDEN_TO_EXECUTORS) == set()
