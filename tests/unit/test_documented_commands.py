"""Every command in the documents can be typed: programs, modules, options, files and routes exist.

The sessions with the local cloud are typed for real in `tests/acceptance/test_documents.py`.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import sys
from pathlib import Path

import pytest

from chalicelib.web.routes import ROUTES
from infra.__main__ import parser
from tests.bench.__main__ import NAMES
from tests.support import docs
from tests.support.documented_commands import commands, sessions
from tests.unit.test_docs import PROSE, name_of

ELSEWHERE = {".", "aws", "cd", "export", "grep", "openssl", "pip", "python3"}
"""Programs that are not of this project, with any arguments."""

NOT_THE_COMMAND = re.compile(r"\w+=.*|time")
"""What may stand before the program: an assignment, or a word of the shell."""

WITH_COMMANDS = [p for p in PROSE if p.name != "CHANGELOG.md" and list(commands(p))]
"""The changelog speaks of commands as they were."""


def complaint(words: list[str]) -> str | None:
    """What is wrong with one command; None if it can be typed."""
    while words and NOT_THE_COMMAND.fullmatch(words[0]):
        words = words[1:]
    if not words or words[0] in ELSEWHERE:
        return None
    program, *arguments = words
    if program == "curl":
        return _of_a_request(arguments)
    if program == "python" or program.endswith("/python"):
        return _of_a_module(arguments)
    if program == "chalice" or program.startswith(".venv/bin/"):
        return _missing(Path(sys.executable).parent / Path(program).name)
    return _of_a_script(program, arguments)


def _missing(path: Path) -> str | None:
    return None if os.access(path, os.X_OK) else f"{path.name} is no program"


def _of_a_script(program: str, arguments: list[str]) -> str | None:
    if wrong := _missing(docs.ROOT / program):
        return wrong
    # `tests/at DATE COMMAND...` runs another command.
    return (
        complaint(arguments[1:])
        if program == "tests/at" and "COMMAND..." not in arguments
        else None
    )


def _of_a_request(arguments: list[str]) -> str | None:
    method = arguments[arguments.index("-X") + 1] if "-X" in arguments else "GET"
    (url,) = [word for word in arguments if re.match(r"https?:|\$A/|URL", word)]
    path = re.sub(r"^(\$A|.*?/?api)(?=/)", "/api", url.partition("?")[0])
    routes = [
        re.sub(r"\{\w+\}", r"[^/]+", route.path) for route in ROUTES if route.method == method
    ]
    return (
        None if any(re.fullmatch(route, path) for route in routes) else f"no route {method} {path}"
    )


def _of_a_module(arguments: list[str]) -> str | None:
    if len(arguments) < 2 or arguments[0] != "-m":
        return "python is called without -m"
    name, *rest = (word.strip("[]") for word in arguments[1:])
    if name == "infra":
        return _of_infra(rest)
    if importlib.util.find_spec(name) is None:
        return f"no module {name}"
    if name == "pytest":
        paths = [word for word in rest if "/" in word]
        return next((f"no file {path}" for path in paths if not (docs.ROOT / path).exists()), None)
    source = _source(name)
    options = [word for word in rest if word.startswith("--")]
    unknown = [option for option in options if f'"{option}"' not in source]
    if name == "tests.bench":
        unknown += [
            word for word in rest if word.islower() and word[0] != "-" and word not in NAMES
        ]
    return f"{name} does not know {unknown}" if unknown else None


def _source(module: str) -> str:
    base = docs.ROOT / module.replace(".", "/")
    found = base / "__main__.py" if base.is_dir() else base.with_suffix(".py")
    return found.read_text(encoding="utf-8")


def _of_infra(rest: list[str], known: argparse.ArgumentParser | None = None) -> str | None:
    """Return its commands and options; their values are the business of its own tests."""
    known = known or parser()
    for action in known._actions:
        if isinstance(action, argparse._SubParsersAction) and rest[0] != "--help":
            if rest[0] not in action.choices:
                return f"infra has no command {rest[0]}"
            return _of_infra(rest[1:], action.choices[rest[0]])
    options = [word for word in rest if word.startswith("--")]
    unknown = [option for option in options if option not in known.format_help()]
    return f"{known.prog} does not know {unknown}" if unknown else None


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=name_of)
def test_every_command_can_be_typed(page: Path) -> None:
    found = {" ".join(words): complaint(words) for words in commands(page)}
    assert {command: wrong for command, wrong in found.items() if wrong} == {}


def test_commands_and_sessions_are_found() -> None:
    assert {docs.README, docs.REST_API, docs.CONTRIBUTING, docs.TESTS} <= set(WITH_COMMANDS)
    assert len(list(sessions(docs.README))) >= 4


@pytest.mark.parametrize(
    "wrong",
    [
        "tests/no_such_script",
        ".venv/bin/nothing",
        "python -m tests.nothing",
        "python -m pytest tests/nothing",
        "python -m tests.bench nothing",
        "python -m tests.bench --nothing",
        "python -m infra nothing",
        "curl -X POST $A/nothing",
        "tests/at 2028-02-29 python -m tests.nothing",
        "nothing",
    ],
)
def test_a_command_that_cannot_be_typed_is_seen(wrong: str) -> None:
    assert complaint(wrong.split())
