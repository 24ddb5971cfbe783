"""What Chalice packs and uploads, made for what the functions run on."""

from __future__ import annotations

from infra import bytecode, wheels
from infra.project import Project
from infra.runtime import Runtime
from infra.stack import Say


def prepare(project: Project, runtime: Runtime, say: Say) -> None:
    """Fetch the packages and make the byte code. Raises InfraError where a package has no wheel."""
    say(f"  Python {runtime.python} on {runtime.architecture}")
    requirements = (project.folder / "requirements.txt").read_text(encoding="utf-8")
    if "pysqlite3-binary" in wheels.left_out(requirements, runtime):
        say(
            f"  there is no SQLite to ship for {runtime.architecture}: the functions rely on"
            " that of Lambda's Python, whose version the self-test shows"
        )
    wheels.unpack(project.folder, runtime)
    count = bytecode.prepare(project.folder, runtime.python)
    if count:
        say(f"  byte code of {count} modules")
    else:
        say(
            f"  no byte code, so functions start more slowly: python{runtime.python} is not on this"
            " machine's PATH"
        )
    project.forget_bundles()
