"""The packages of the bundle, as wheels for the functions' Python and processor.

Chalice would take those of the Python and machine that `deploy` runs on, and go on with a warning
where there is none.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from packaging.requirements import Requirement

from infra.errors import InfraError
from infra.runtime import Runtime

CACHE = Path(".chalice", "wheels")


def needed(requirements: str, runtime: Runtime) -> list[str]:
    """The lines of a requirements file that hold for the functions, without their conditions: pip
    would judge those by the machine that it runs on."""
    return [_pinned(line) for line in _parsed(requirements) if _holds(line, runtime)]


def left_out(requirements: str, runtime: Runtime) -> list[str]:
    """The names of the packages that have no line for `runtime`."""
    names = {line.name for line in _parsed(requirements) if _holds(line, runtime)}
    return sorted({line.name for line in _parsed(requirements)} - names)


def unpack(folder: Path, runtime: Runtime) -> None:
    """Make `vendor`, which Chalice adds to the bundle, anew from the requirements of the project in
    `folder`. Raises InfraError where a package has no wheel."""
    lines = needed((folder / "requirements.txt").read_text(encoding="utf-8"), runtime)
    shutil.rmtree(folder / "vendor", ignore_errors=True)
    shutil.copytree(_fetched(folder / CACHE, lines, runtime), folder / "vendor")


def _fetched(cache: Path, lines: list[str], runtime: Runtime) -> Path:
    """The folder that holds them unpacked; it is renamed into place when it is whole."""
    kind = f"{runtime.lambdas_name}-{runtime.architecture}-"
    made = cache / f"{kind}{hashlib.sha256(' '.join(lines).encode()).hexdigest()[:16]}"
    if made.is_dir():
        return made
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix=".new-") as fresh:
        target = Path(fresh, "packages")
        _install(target, lines, runtime)
        shutil.rmtree(target / "bin", ignore_errors=True)  # programs, for no one
        for older in cache.glob(f"{kind}*"):
            shutil.rmtree(older, ignore_errors=True)
        target.replace(made)
    return made


def _install(target: Path, lines: list[str], runtime: Runtime) -> None:
    """Without what they need in turn: the requirements name all, each with its version."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--no-deps"]
    command += ["--disable-pip-version-check", "--only-binary=:all:", "--target", str(target)]
    command += ["--python-version", runtime.python, "--implementation", "cp", "--abi", runtime.abi]
    command += [word for name in runtime.platforms for word in ("--platform", name)]
    done = subprocess.run([*command, *lines], check=False, capture_output=True, text=True)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise InfraError(
            f"no packages for Python {runtime.python} on {runtime.architecture}, run again:"
            f" {'; '.join(errors) or done.stderr.strip()[-2000:]}"
        )


def _parsed(requirements: str) -> list[Requirement]:
    lines = (line.partition("#")[0].strip() for line in requirements.splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("-")]


def _holds(line: Requirement, runtime: Runtime) -> bool:
    return line.marker is None or line.marker.evaluate(runtime.markers)


def _pinned(line: Requirement) -> str:
    """Name and versions alone."""
    return f"{line.name}{line.specifier}"
