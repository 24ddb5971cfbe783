"""A tool: a program by its URL and SHA-256, on the PATH of the command under its name.

The download is cached and verified; an archive is unpacked for each attempt anew, because commands
run as the same user and could have changed what was unpacked before.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from chalicelib.executor.materials.context import MaterialContext
from chalicelib.executor.materials.downloads import download
from chalicelib.executor.materials.jobs import Jobs
from chalicelib.messages import Material

PATH_OPTION = "path"
"""Of a tool in an archive: where in it the program lies."""


def jobs(material: Material, context: MaterialContext) -> Jobs:
    """One job; `material.path` is the tool's name, `source` its URL."""
    return [partial(_place, material, context)]


def _place(material: Material, context: MaterialContext) -> None:
    name, within = material.path, str(material.options.get(PATH_OPTION) or "")
    what = f"the tool `{name}`"
    context.tools.mkdir(exist_ok=True)
    program = context.tools / name
    target = _folder_of(name, context) / "download" if within else program
    fetch = partial(download, material.source, what, context.outside)
    context.cache.put(material.sha256, target, fetch, context.stop, what)
    if not within:
        program.chmod(0o755)
        return
    from chalicelib.executor.materials.archives import program_in, unpack

    unpacked = target.with_name("unpacked")
    unpack(target, unpacked, what, context.stop)
    target.unlink()
    program.symlink_to(program_in(unpacked, within, what))


def _folder_of(name: str, context: MaterialContext) -> Path:
    folder = context.tools.with_name("archives") / name
    folder.mkdir(parents=True)
    return folder
