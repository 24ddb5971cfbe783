"""Decides which program runs a command: the shell, or the one that a script's `#!` line names.

The program is started with the script as its argument, as Linux itself does for an executable file.
So a script also runs from a file system that forbids to execute files, and its first line may be as
long as any and end as it does on Windows.
"""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.executor.workspace import CannotStart, Shell, Workspace
from chalicelib.shebang import read_shebang


@dataclass(frozen=True, slots=True)
class Invocation:
    """`program` is the file to execute; `arguments` begin with the name that it is called by."""

    program: str
    arguments: list[str]
    is_script: bool = False


def invocation_of(command: str, shell: Shell, place: Workspace) -> Invocation:
    """Return how to start a command; a script is written to its file in `place`. Raises
    CannotStart."""
    shebang = read_shebang(command)
    if shebang is None:
        # Without the dashes a command that begins with one would be taken for an option.
        return Invocation(shell.path, [shell.name, "-c", "--", command])
    if not shebang.program:
        raise CannotStart("the script's first line, #!, names no program")
    place.write_script(_with_unix_line_ends(command))
    argument = [shebang.argument] if shebang.argument else []
    arguments = [shebang.program, *argument, place.script]
    return Invocation(shebang.program, arguments, is_script=True)


def _with_unix_line_ends(script: str) -> str:
    """Convert the line ends of a script from Windows, which no shell can read."""
    is_from_windows = script.partition("\n")[0].endswith("\r")
    return script.replace("\r\n", "\n") if is_from_windows else script
