"""Values reach the shell as they are, wherever in a command they stand: asked of a real shell.

`DAG_CAMPAIGN=1` looks at many more random scripts.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.dag.shell.insertion_points import insertion_points
from chalicelib.dag.templates import check, render
from chalicelib.dag.templates.scope import Scope, TemplateError
from tests.support.waiting import HANG_SECONDS

NASTY = "$(touch /tmp/x); \"'"
SHELLS = [shell for shell in ("bash", "dash") if shutil.which(shell)]
CAMPAIGN = "DAG_CAMPAIGN" in os.environ
SCOPE = Scope(params=("v",))


def output_of(script: str, shell: str = "bash", folder: Path | None = None) -> bytes:
    done = subprocess.run(
        [shell, "-c", script],
        capture_output=True,
        timeout=HANG_SECONDS,
        check=False,
        stdin=subprocess.DEVNULL,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
    )
    return done.stdout


def rendered(command: str, value: object) -> str:
    return render(command, {"params": {"v": value}}, for_shell=True)


PLACES = [
    "printf %s {{ params.v }}",
    'printf %s "{{ params.v }}"',
    "printf %s '{{ params.v }}'",
    'printf %s "$(printf %s "{{ params.v }}")"',
    "printf %s \"$(printf %s '{{ params.v }}')\"",
    "printf %s $(:)\"\"{{ params.v }}''",
    "# it's \"a comment\nprintf %s {{ params.v }}",
    "cat <<E >/dev/null\nit's $(id)\nE\nprintf %s {{ params.v }}",
    "cat <<-'E' >/dev/null\n`it's\n\tE\nprintf %s {{ params.v }}",
    "x=${y:-a}; printf %s ${#x} >/dev/null; printf %s {{ params.v }}",
    'true "a \\" b" \\\' && printf %s "{{ params.v }}"',
    "case a in a) printf %s {{ params.v }};; esac",
    "(printf %s {{ params.v }})",
    "true $((1 << 2 + (3))); printf %s '{{ params.v }}'",
    "# {{ params.v }}\nprintf %s {{ params.v }}",
]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("command", PLACES)
def test_a_value_reaches_the_command_unchanged(command: str, shell: str) -> None:
    # Command substitution takes line ends away, so the values end otherwise.
    for value in (NASTY, "a\nb\n;touch x # y", "`id` $HOME \\ !! ~ *", "2", "-n", "\\'\\\"$"):
        assert check(command, SCOPE, for_shell=True) == []
        assert output_of(rendered(command, value), shell).decode() == value


# Shells that only scripts run in, with the options of their line.
KNOWN = [["zsh", "-f"], ["ksh"], ["ksh93"], ["mksh"], ["busybox", "ash"], ["dash", "-e"]]
OF_SCRIPTS = [shell for shell in KNOWN if shutil.which(shell[0])]


@pytest.mark.parametrize("shell", OF_SCRIPTS, ids=lambda shell: shell[0])
@pytest.mark.parametrize("command", PLACES)
def test_a_value_reaches_the_commands_of_a_script_unchanged(
    command: str, shell: list[str], tmp_path: Path
) -> None:
    text = f"#!/usr/bin/env -S {' '.join(shell)}\n{command}"
    for value in (NASTY, "a\nb\n;touch x # y", "2", "-n", "a[$(id)]", "=ls", "~root", ""):
        assert check(text, SCOPE, for_shell=True) == []
        script = tmp_path / "script"
        script.write_text(rendered(text, value))
        done = subprocess.run(
            [*shell, str(script)], capture_output=True, timeout=HANG_SECONDS, check=False
        )
        assert done.stdout.decode() == value


@settings(max_examples=2000 if CAMPAIGN else 40, deadline=None)
@given(st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8")), max_size=20))
def test_any_text_survives_between_words_and_in_quotation_marks(values: list[str]) -> None:
    lines = [
        rendered(f"printf '%s\\0' {point}", value)
        for value in values
        for point in ("{{ params.v }}", '"{{ params.v }}"', "'{{ params.v }}'", '"a{{params.v}}b"')
    ]
    expected = [text for v in values for text in (v, v, v, f"a{v}b")]

    found = output_of("\n".join(lines)).decode().split("\0")[:-1]
    assert found == expected


UNSAFE = [
    "cat <<E\n{{ params.v }}\nE\n",
    "cat <<'E'\n{{ params.v }}\nE\n",
    "cat <<{{ params.v }}\nE\n",
    "echo `echo {{ params.v }}`",
    "echo $(( {{ params.v }} + 1 ))",
    "(( {{ params.v }} ))",
    "echo ${x:-{{ params.v }}}",
    'echo "${x:-"{{ params.v }}"}"',
    "echo ${{ params.v }}",
    "echo \\{{ params.v }}",
    "echo $'{{ params.v }}'",
    "echo $[ {{ params.v }} ]",
    'echo "$(case x in x) echo {{ params.v }};; esac)"',
    'cat <<E\n$(: "\nE\necho {{ params.v }}',
    "cat <<E\na\\\nE\n{{ params.v }}\nE\n",
]


@pytest.mark.parametrize("command", UNSAFE)
def test_a_value_is_refused_where_no_quoting_is_safe(command: str) -> None:
    (fault,) = check(command, SCOPE, for_shell=True)

    assert fault.message.startswith("no value is safe here")
    with pytest.raises(TemplateError, match="no value is safe here"):
        rendered(command, "x")


@pytest.mark.parametrize("command", UNSAFE)
def test_raw_is_the_way_out_there(command: str) -> None:
    command = command.replace("{{ params.v }}", "{{ params.v | raw }}")

    assert check(command, SCOPE, for_shell=True) == []
    assert rendered(command, "1 2") == command.replace("{{ params.v | raw }}", "1 2")


def test_without_a_shell_nothing_is_quoted() -> None:
    context = {"params": {"v": NASTY}}

    assert render("<{{ params.v }}>", context, for_shell=False) == f"<{NASTY}>"


def test_braces_of_other_programs_are_written_as_they_are() -> None:
    text = "docker ps --format \"{{ '{{' }}.Names}}\" '{{ '{{' }}.ID}}'"

    assert render(text, {}, for_shell=True) == "docker ps --format \"{{.Names}}\" '{{.ID}}'"


def test_a_text_of_the_author_is_part_of_the_script() -> None:
    command = "printf %s {{ '\"' }}a{{ params.v }}{{ '\"' }}"

    assert output_of(rendered(command, NASTY)).decode() == f"a{NASTY}"


PIECES = [
    *['"', "'", "$(", ")", "(", "((", "))", "$((", "${x:-", "${x", "}", "`", "\\", "#", " #"],
    *["\n", "\n", " ", " ", ";", "|", "&&", "<<E\n", "<<'E'\n", "<<-E\n", "<<<", "\nE\n", "\tE\n"],
    *[
        "$'",
        '$"',
        "$",
        "$[",
        "]",
        "case x in x) ",
        ";; esac",
        "echo",
        "true ",
        "x",
        "for i in x; do ",
    ],
    *[
        "; done",
        "if true; then ",
        "; fi",
        "[[ ",
        " ]]",
        "{ ",
        "; }",
        "f() ",
        "=",
        "EOF",
        "!",
        "~",
        "*",
    ],
]
SCRIPTS = st.lists(
    st.lists(st.sampled_from(PIECES), max_size=9).map("".join), min_size=2, max_size=4
)
ATTACKS = [
    "$(touch pwned)",
    "`touch pwned`",
    "';touch pwned;'",
    '";touch pwned;"',
    "\ntouch pwned\n",
    "\nE\ntouch pwned\n",
    ")\ntouch pwned;(",
    "\\';touch pwned #",
    "x'\"$(touch pwned)`touch pwned`\ntouch pwned\n}\n))\n)\ntouch pwned\n",
]


@settings(
    max_examples=20_000 if CAMPAIGN else 150,
    deadline=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
@given(SCRIPTS, st.sampled_from(ATTACKS), st.sampled_from(SHELLS))
def test_no_script_lets_a_value_run_as_code(literals: list[str], attack: str, shell: str) -> None:
    """Whatever stands around it, well-formed or not, and whatever the shell makes of it."""
    if any(point.reason for point in insertion_points(literals)):
        return
    command = "{{ params.v }}".join(literals)
    with tempfile.TemporaryDirectory() as folder:
        output_of(rendered(command, attack), shell, Path(folder))
        assert not (Path(folder) / "pwned").exists()
