"""Prepares what Chalice packs and uploads, for the functions' Python and processor."""

from __future__ import annotations

from infra.bundle import bytecode, wheels
from infra.bundle.project import Project
from infra.output import Say
from infra.runtime import Runtime


def prepare(project: Project, runtime: Runtime, say: Say) -> None:
    """Download the packages and compile the byte code. Raises InfraError if a package has no
    wheel."""
    say(f"  runtime: Python {runtime.python}, {runtime.architecture}")
    requirements = (project.folder / "requirements.txt").read_text(encoding="utf-8")
    if "pysqlite3-binary" in wheels.excluded(requirements, runtime):
        say(
            f"  no SQLite package exists for {runtime.architecture}: the functions use the one in"
            " Lambda's Python (the self-test shows its version)"
        )
    wheels.unpack(project.folder, runtime)
    count = bytecode.prepare(project.folder, runtime.python)
    if count:
        say(f"  compiled {count} modules")
    else:
        say(
            f"  modules are not compiled, so functions start more slowly: python{runtime.python} is"
            " not on the PATH"
        )
    project.forget_bundles()
