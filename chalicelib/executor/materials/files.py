"""The files beside the DAG file: copied into the working directory, where the command may change
them as it likes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath

from chalicelib.dag_files import PinnedFile, content_key, decode_list
from chalicelib.executor.materials.context import MaterialContext
from chalicelib.executor.materials.jobs import Jobs
from chalicelib.executor.workspace import CannotStart
from chalicelib.messages import Material

FOLDER_VARIABLE = "DAG_FILES"
"""Names the folder with the files, for a command whose `cwd` is elsewhere."""


def jobs(material: Material, context: MaterialContext) -> Jobs:
    """Fetch the list; the jobs that follow fetch a file each."""
    target = context.workdir.parent / "files"
    _fetch(context, "the list of its files", material.sha256, target)
    files = decode_list(target.read_bytes())
    target.unlink()
    context.environ[FOLDER_VARIABLE] = str(context.workdir)
    _make_folders(context.workdir, files)
    return _of_each(files, context)


def _of_each(files: list[PinnedFile], context: MaterialContext) -> Iterator[Callable[[], None]]:
    for file in files:
        yield partial(_place, file, context)


def _make_folders(workdir: Path, files: list[PinnedFile]) -> None:
    for folder in sorted({_target(workdir, file).parent for file in files}):
        folder.mkdir(parents=True, exist_ok=True)


def _place(file: PinnedFile, context: MaterialContext) -> None:
    target = _target(context.workdir, file)
    _fetch(context, f"the file `{file.path}`", file.sha256, target)
    if file.is_executable:
        target.chmod(0o755)


def _target(workdir: Path, file: PinnedFile) -> Path:
    path = PurePosixPath(file.path)
    if path.is_absolute() or ".." in path.parts:
        raise CannotStart(f"the file `{file.path}` would lie outside", is_permanent=True)
    return workdir / path


def _fetch(context: MaterialContext, what: str, sha256: str, target: Path) -> None:
    def fetch(write: Callable[[bytes], None]) -> None:
        stored = context.runs.get(content_key(sha256))
        if stored is None:
            raise CannotStart(
                f"{what} is no longer in the runs bucket; change a file or the DAG file, so that"
                " it is stored again",
                is_permanent=True,
            )
        write(stored.body)

    context.cache.put(sha256, target, fetch, context.stop, what)
