"""The inputs of a task, as its message says them: which objects of the runs bucket go where.

The scheduler writes it and the executor reads it. That of a mapped task is short, because it has a
row for each instance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.enums import MaterialKind
from chalicelib.messages import Attempt, Material


@dataclass(frozen=True, slots=True)
class InputFile:
    """An artifact, and the attempt that left it. `size` in bytes and `sha256` are those of the
    object: that of a folder is a tar archive."""

    attempt: Attempt
    name: str
    size: int
    sha256: str
    is_folder: bool = False
    is_executable: bool = False

    @property
    def key(self) -> str:
        """The object's key in the runs bucket."""
        return self.attempt.artifact_key(self.name)


def encode(path: str, files: Sequence[InputFile], *, is_mapped: bool) -> Material:
    """Return the material that puts the artifact of one task at `path`: a folder with an entry for
    each map index, if the task is mapped. `files` are its instances' artifacts, at least one."""
    first = files[0]
    options: dict[str, Any] = {
        "task": [first.attempt.dag_id, first.attempt.run_id, first.attempt.task_id],
        "name": first.name,
        "is_mapped": is_mapped,
        "files": [_row(file) for file in files],
    }
    size = sum(file.size for file in files)
    return Material(MaterialKind.INPUT, path, "", size=size, options=options)


def decode(material: Material) -> list[tuple[str, InputFile]]:
    """Return what goes where, relative to the working directory. Raises ValueError, KeyError or
    TypeError for options that say nothing."""
    options = material.options
    dag_id, run_id, task_id = options["task"]
    files = []
    for map_index, try_number, poke, size, sha256, is_folder, is_executable in options["files"]:
        attempt = Attempt(dag_id, run_id, task_id, map_index, try_number, poke)
        path = f"{material.path}/{map_index}" if options["is_mapped"] else material.path
        file = InputFile(
            attempt, options["name"], size, sha256, bool(is_folder), bool(is_executable)
        )
        files.append((path, file))
    return files


def _row(file: InputFile) -> list[Any]:
    of, flags = file.attempt, [int(file.is_folder), int(file.is_executable)]
    return [of.map_index, of.try_number, of.poke, file.size, file.sha256, *flags]
