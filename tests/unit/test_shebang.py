"""The first line of a script: read as Linux and `env` read it."""

from __future__ import annotations

import pytest

from chalicelib.shebang import Interpreter, read_shebang, shebang_problem


def test_a_command_without_it_is_no_script() -> None:
    assert read_shebang("echo '#!'") is None
    assert read_shebang("\n#!/bin/sh\n") is None


@pytest.mark.parametrize(
    ("line", "program", "argument"),
    [
        ("#!/bin/sh", "/bin/sh", ""),
        ("#!  /bin/sh \t", "/bin/sh", ""),
        ("#!/bin/sh\r", "/bin/sh", ""),
        ("#!/usr/bin/awk -f", "/usr/bin/awk", "-f"),
        ("#!/usr/bin/env -S python3 -u -B", "/usr/bin/env", "-S python3 -u -B"),
        (f"#!/usr/bin/{'long/' * 200}x", f"/usr/bin/{'long/' * 200}x", ""),
    ],
)
def test_everything_after_the_program_is_one_argument(
    line: str, program: str, argument: str
) -> None:
    shebang = read_shebang(f"{line}\nbody\n")
    assert shebang is not None
    assert (shebang.program, shebang.argument) == (program, argument)


@pytest.mark.parametrize(
    ("line", "name", "arguments"),
    [
        ("/usr/local/bin/bash-5.2", "bash-5.2", ()),
        ("/bin/bash -eu", "bash", ("-eu",)),
        ("/usr/bin/env python3", "python3", ()),
        ("/usr/bin/env /opt/bin/tool", "tool", ()),
        ("/usr/bin/env -S python3 -u", "python3", ("-u",)),
        ("/usr/bin/env -Sbash -e", "bash", ("-e",)),
        ("/usr/bin/env -iS bash", "bash", ()),
        ("/usr/bin/env -vS bash", "bash", ()),
        ("/usr/bin/env --split-string=bash -e", "bash", ("-e",)),
        ("/usr/bin/env -S A=1 B= bash", "bash", ()),
        ("/usr/bin/env -S -i -u HOME -C /tmp --unset=A bash", "bash", ()),
        ("/usr/bin/env -S -- bash", "bash", ()),
        ("/bin/busybox sh", "sh", ()),
        ("/usr/bin/env -S busybox ash -e", "ash", ("-e",)),
    ],
)
def test_the_program_is_found_behind_env_and_busybox(
    line: str, name: str, arguments: tuple[str, ...]
) -> None:
    shebang = read_shebang(f"#!{line}\nbody")
    assert shebang is not None
    assert shebang.interpreter == Interpreter(name, arguments)


@pytest.mark.parametrize(
    "line",
    ["/usr/bin/env bash -e", "/usr/bin/env -x", "/usr/bin/env -S 'bash' -e", "/usr/bin/env -S $X"],
)
def test_an_env_that_is_not_understood_runs_nobody_knows_what(line: str) -> None:
    shebang = read_shebang(f"#!{line}\nbody")
    assert shebang is not None
    assert shebang.interpreter is None


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("#!\nbody", "its first line names no program"),
        ("#! \t\nbody", "its first line names no program"),
        ("#!python3\nbody", "write #!/usr/bin/env python3"),
        ("#!/usr/bin/env python3 print(1)", "it is a script of a single line"),
        ("#!/bin/sh\n \n", "it is a script of a single line"),
        ("#!/usr/bin/env python3 -u\nbody", "write #!/usr/bin/env -S python3 -u"),
    ],
)
def test_a_first_line_that_linux_cannot_use_is_a_problem(script: str, problem: str) -> None:
    assert problem in shebang_problem(script)


@pytest.mark.parametrize(
    "script", ["echo", "#!/bin/sh\nbody", "#!./tool\nbody", "#!/usr/bin/env -S python3 -u\nbody"]
)
def test_other_first_lines_are_none(script: str) -> None:
    assert shebang_problem(script) == ""
