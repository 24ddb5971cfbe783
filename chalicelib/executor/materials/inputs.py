"""Artifacts of earlier tasks: fetched piece by piece, and verified before the command starts."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath

from chalicelib.artifact_inputs import InputFile, decode
from chalicelib.executor.artifacts.unpacking import BadArchive, unpack
from chalicelib.executor.materials.content_cache import WrongContent
from chalicelib.executor.materials.context import MaterialContext
from chalicelib.executor.materials.jobs import Jobs, StopSignal
from chalicelib.executor.workspace import CannotStart
from chalicelib.messages import Material


def jobs(material: Material, context: MaterialContext) -> Jobs:
    """Return a job for each artifact."""
    files = decode(material)
    _require_room(context.workdir, sum(file.size for _, file in files))
    return _of_each(files, context)


def _of_each(
    files: list[tuple[str, InputFile]], context: MaterialContext
) -> Iterator[Callable[[], None]]:
    for path, file in files:
        yield partial(_place, path, file, context)


def _require_room(folder: Path, size: int) -> None:
    disk = shutil.disk_usage(folder)
    if size > disk.free:
        raise CannotStart(
            f"the task's inputs have {_mib(size)} MiB, and commands have {_mib(disk.free)} MiB of"
            " temporary storage left here",
            is_transient=size <= disk.total,
            is_permanent=size > disk.total,
        )


def _mib(size: int) -> int:
    return size // 1024**2


def _place(path: str, file: InputFile, context: MaterialContext) -> None:
    what = f"the input `{path}`, artifact `{file.name}` of task `{file.attempt.task_id}`,"
    target = _target(context.workdir, path, what)
    pieces = context.runs.download(file.key)
    if pieces is None:
        raise CannotStart(
            f"{what} is no longer in the runs bucket; clear that task to have it made again",
            is_permanent=True,
        )
    verified = _Verified(pieces, context.stop)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if file.is_folder:
            unpack(verified, target)
        else:
            _write(verified, target, is_executable=file.is_executable)
    except FileExistsError:
        raise CannotStart(
            f"{what} cannot be put there: another file of the DAG has that place; choose another"
            " path",
            is_permanent=True,
        ) from None
    except BadArchive as error:
        raise WrongContent(f"{what} is damaged: {error}") from error
    if (found := verified.sha256()) != file.sha256:
        raise WrongContent(f"{what} has the SHA-256 {found}, expected {file.sha256}")


def _target(workdir: Path, path: str, what: str) -> Path:
    parts = PurePosixPath(path)
    if parts.is_absolute() or ".." in parts.parts:
        raise CannotStart(f"{what} would lie outside the working directory", is_permanent=True)
    return workdir / parts


def _write(pieces: Iterator[bytes], target: Path, *, is_executable: bool) -> None:
    with target.open("xb") as file:
        file.writelines(pieces)
    if is_executable:
        target.chmod(0o755)


class _Verified(Iterator[bytes]):
    """Passes pieces on until it is told to stop, and knows their SHA-256."""

    def __init__(self, pieces: Iterator[bytes], stop: StopSignal) -> None:
        self._pieces = pieces
        self._stop = stop
        self._digest = hashlib.sha256()

    def __next__(self) -> bytes:
        self._stop.check()
        piece = next(self._pieces)
        self._digest.update(piece)
        return piece

    def sha256(self) -> str:
        """Return the SHA-256 of the whole object."""
        for _ in self:  # what follows the end of an archive
            pass
        return self._digest.hexdigest()
