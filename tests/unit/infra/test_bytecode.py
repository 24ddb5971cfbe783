"""The byte code that goes into the bundle."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import cache_from_source, source_hash
from pathlib import Path

import pytest

from infra.bundle import bytecode

CHECKED_HASH = (3).to_bytes(4, "little")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "chalicelib" / "room").mkdir(parents=True)
    (tmp_path / "chalicelib" / "__init__.py").write_text("")
    (tmp_path / "chalicelib" / "room" / "one.py").write_text("VALUE = 1\n")
    (tmp_path / "app.py").write_text("import chalicelib\n")
    (tmp_path / "vendor" / "yaml").mkdir(parents=True)
    (tmp_path / "vendor" / "yaml" / "__init__.py").write_text("")
    (tmp_path / "vendor" / "yaml" / "later.py").write_text("a syntax of the future\n")
    return tmp_path


def value(project: Path) -> str:
    code = "from chalicelib.room import one; print(one.VALUE)"
    done = subprocess.run(
        [sys.executable, "-B", "-c", code], cwd=project, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_what_the_bundle_imports_has_byte_code_that_the_source_is_held_against(
    project: Path,
) -> None:
    assert bytecode.prepare(project) == 7 - len(["later.py"])
    for source, made in [
        (project / "app.py", project / "vendor" / "app.py"),
        (project / "chalicelib" / "room" / "one.py",) * 2,
    ]:
        code = Path(cache_from_source(str(made))).read_bytes()
        assert code[4:8] == CHECKED_HASH
        assert code[8:16] == source_hash(source.read_bytes())
        assert str(project).encode() not in code
    there = {path.parent.parent.name for path in (project / "vendor").rglob("*.pyc")}
    assert {"yaml", "chalice", "vendor"} <= there


def test_it_is_used_while_the_source_is_the_same_and_never_after_a_change(project: Path) -> None:
    one = project / "chalicelib" / "room" / "one.py"
    bytecode.prepare(project)
    cached = Path(cache_from_source(str(one)))
    # As if the compiler had understood something else: so one sees whose value it is.
    one.write_text("VALUE = 7\n")
    assert value(project) == "7"
    same = cached.read_bytes()
    cached.write_bytes(same[:8] + source_hash(one.read_bytes()) + same[16:])
    assert value(project) == "1"


def test_it_is_made_for_the_python_of_the_functions_or_not_at_all(project: Path) -> None:
    assert bytecode.prepare(project, "3.99") == 0
    assert list(project.rglob("*.pyc")) == []


@pytest.mark.parametrize(
    "left", ["vendor/gone/__pycache__/left.pyc", "chalicelib/__pycache__/left.pyc"]
)
def test_what_is_left_of_earlier_times_goes(project: Path, left: str) -> None:
    path = project / left
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    bytecode.prepare(project)
    assert not path.exists()
