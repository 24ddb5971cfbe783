"""What the functions run on, and which packages go there."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from chalicelib.local.python_versions import ON_LAMBDA, RUNNING, SUPPORTED, refusal
from infra.bundle import interpreters, wheels
from infra.errors import InfraError
from infra.names import PROJECT
from infra.runtime import MACHINES, Runtime

REQUIREMENTS = (PROJECT / "requirements.txt").read_text("utf-8")


def runtimes() -> Iterator[Runtime]:
    for python in SUPPORTED:
        for architecture in MACHINES:
            if (python, architecture) != ("3.11", "arm64"):
                yield Runtime(python, architecture)


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.10", "3.15", "4.0"])
def test_another_python_is_refused_by_name_with_what_to_do(version: str) -> None:
    text = refusal(version)
    assert text.startswith(f"Python {version} is not supported, use one of 3.11, 3.12, 3.13, 3.14")
    assert "python3.13 -m venv --clear .venv" in text


@pytest.mark.parametrize("version", SUPPORTED)
def test_python_3_11_to_3_14_are_taken(version: str) -> None:
    assert refusal(version) == ""


def test_lambda_runs_python_3_13_on_x86_64_unless_told_otherwise() -> None:
    assert ON_LAMBDA == "3.13"
    assert Runtime.of({}) == Runtime("3.13", "x86_64")
    assert Runtime.of({"Python": "3.14", "Architecture": "arm64"}) == Runtime("3.14", "arm64")


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"Python": "3.10"}, "--python 3.10: use one of 3.11, 3.12, 3.13, 3.14"),
        ({"Architecture": "riscv"}, "--architecture riscv: use one of x86_64, arm64"),
        ({"Python": "3.11", "Architecture": "arm64"}, "arm64 needs --python 3.12 or newer"),
    ],
)
def test_what_cannot_run_is_refused(values: dict[str, str], says: str) -> None:
    with pytest.raises(InfraError, match=says):
        Runtime.of(values)


@pytest.mark.parametrize("runtime", list(runtimes()), ids=str)
def test_the_requirements_name_all_that_the_functions_need_with_its_version(
    runtime: Runtime,
) -> None:
    lines = [Requirement(line) for line in wheels.required(REQUIREMENTS, runtime)]
    names = [canonicalize_name(line.name) for line in lines]
    assert len(set(names)) == len(names)
    for line in lines:
        assert [one.operator for one in line.specifier] == ["=="], line
        for text in metadata.requires(line.name) or []:
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate({**runtime.markers, "extra": ""}):
                assert canonicalize_name(needed.name) in names, f"{line.name} needs {needed}"


def test_conditions_are_judged_for_the_functions_not_for_this_machine() -> None:
    def lines(*chosen: str) -> list[str]:
        return wheels.required(text, Runtime(*chosen))

    text = (
        "# a comment\n"
        'one==1; python_version < "3.13"  # old\n'
        'one==2; python_version >= "3.13"\n\n'
        'two==3; sys_platform == "linux" and platform_machine == "x86_64"\n'
        'three==4; sys_platform == "win32" or platform_machine == "arm64"\n'
    )
    assert lines("3.11", "x86_64") == ["one==1", "two==3"]
    assert lines("3.13", "x86_64") == ["one==2", "two==3"]
    assert lines("3.14", "arm64") == ["one==2"]
    assert wheels.excluded(text, Runtime("3.13", "arm64")) == ["three", "two"]


@pytest.mark.parametrize("runtime", list(runtimes()), ids=str)
def test_the_bundled_sqlite_goes_wherever_it_can(runtime: Runtime) -> None:
    is_excluded = "pysqlite3-binary" in wheels.excluded(REQUIREMENTS, runtime)
    assert is_excluded == (runtime.architecture == "arm64")


def test_no_wheel_is_taken_that_the_glibc_of_the_functions_cannot_load() -> None:
    assert Runtime("3.11").platforms[0] == "manylinux_2_26_x86_64"
    assert Runtime("3.13", "arm64").platforms[0] == "manylinux_2_34_aarch64"
    for runtime in runtimes():
        assert all(name.endswith(runtime.machine) for name in runtime.platforms)


def test_an_interpreter_is_only_found_if_it_is_the_one_that_its_name_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert interpreters.find(RUNNING) is not None
    assert interpreters.find("3.99") is None
    shim = tmp_path / "python3.99"
    shim.write_text("#!/bin/sh\necho 'command not found; it exists in these versions:'; exit 127\n")
    shim.chmod(0o755)
    assert interpreters.find("3.99") is None
    own = tmp_path / "versions" / "3.99.1" / "bin" / "python"
    own.parent.mkdir(parents=True)
    own.write_text("#!/bin/sh\necho 3.99\n")
    own.chmod(0o755)
    assert interpreters.find("3.99") == own
