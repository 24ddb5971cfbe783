"""Downloads the bundle's packages as wheels for the functions' Python and processor.

Chalice would download them for the Python and machine that `deploy` runs on, and merely warn about
missing ones.
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

UNUSED = (
    "bin",  # scripts that nobody can run
    "croniter/tests",
    "dateutil/zoneinfo/dateutil-zoneinfo.tar.gz",  # time zones come from tzdata
    # A second build of pysqlite3 that nothing can import, and the library that only it needs.
    "pysqlite3-binary",
    "pysqlite3_binary.libs",
)
"""What the packages hold and no function needs: every megabyte is cold start."""


def required(requirements: str, runtime: Runtime) -> list[str]:
    """Returns the requirements that apply to the functions, without their markers: pip would
    evaluate those for the machine that it runs on."""
    return [_pinned(line) for line in _parsed(requirements) if _applies(line, runtime)]


def excluded(requirements: str, runtime: Runtime) -> list[str]:
    """Returns the names of the packages whose markers all exclude `runtime`."""
    names = {line.name for line in _parsed(requirements) if _applies(line, runtime)}
    return sorted({line.name for line in _parsed(requirements)} - names)


def unpack(folder: Path, runtime: Runtime) -> None:
    """Replace `vendor`, which Chalice adds to the bundle, by the requirements of the project in
    `folder`. Raises InfraError if a package has no wheel."""
    lines = required((folder / "requirements.txt").read_text(encoding="utf-8"), runtime)
    shutil.rmtree(folder / "vendor", ignore_errors=True)
    shutil.copytree(_download(folder / CACHE, lines, runtime), folder / "vendor")


def _download(cache: Path, lines: list[str], runtime: Runtime) -> Path:
    """Returns the folder of the unpacked packages, which is renamed into place once complete."""
    prefix = f"{runtime.lambda_name}-{runtime.architecture}-"
    folder = (
        cache / f"{prefix}{hashlib.sha256(' '.join((*lines, *UNUSED)).encode()).hexdigest()[:16]}"
    )
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix=".new-") as temporary:
        target = Path(temporary, "packages")
        _install(target, lines, runtime)
        for name in UNUSED:
            unused = target / name
            if unused.is_dir():
                shutil.rmtree(unused)
            else:
                unused.unlink(missing_ok=True)
        for outdated in cache.glob(f"{prefix}*"):
            shutil.rmtree(outdated, ignore_errors=True)
        target.replace(folder)
    return folder


def _install(target: Path, lines: list[str], runtime: Runtime) -> None:
    """Install without dependencies: the requirements list every package with its version."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--no-deps"]
    command += ["--disable-pip-version-check", "--only-binary=:all:", "--target", str(target)]
    command += ["--python-version", runtime.python, "--implementation", "cp", "--abi", runtime.abi]
    command += [word for name in runtime.platforms for word in ("--platform", name)]
    completed = subprocess.run([*command, *lines], check=False, capture_output=True, text=True)
    if completed.returncode:
        errors = [line for line in completed.stderr.splitlines() if line.startswith("ERROR")]
        raise InfraError(
            f"could not download the packages for Python {runtime.python} on"
            f" {runtime.architecture}: {'; '.join(errors) or completed.stderr.strip()[-2000:]}"
        )


def _parsed(requirements: str) -> list[Requirement]:
    lines = (line.partition("#")[0].strip() for line in requirements.splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("-")]


def _applies(line: Requirement, runtime: Runtime) -> bool:
    return line.marker is None or line.marker.evaluate(runtime.markers)


def _pinned(line: Requirement) -> str:
    """Returns the requirement without its marker."""
    return f"{line.name}{line.specifier}"
