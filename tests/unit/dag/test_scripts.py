"""Scripts in DAG files: which may hold templates, and what their first line must be."""

from __future__ import annotations

import json

import pytest

from chalicelib.dag.language.parser import parse_file
from chalicelib.dag.problems import DagFileError
from chalicelib.dag.templates import render
from chalicelib.dag.templates.scope import TemplateError


def problems_of(command: str, **task: str) -> list[str]:
    params = {"text": "a", "count": {"type": "integer", "default": 1}}
    task = {"id": "t", "command": command, **task}
    try:
        parse_file(json.dumps({"name": "A", "params": params, "tasks": [task]}).encode())
    except DagFileError as error:
        return [problem.message for problem in error.problems]
    return []


SHELLS = [
    *("/bin/sh", "/bin/bash", "/bin/dash", "/bin/ash", "/bin/ksh", "/bin/zsh", "/bin/rbash"),
    *("/usr/local/bin/bash-5.2", "/usr/bin/ksh93", "/bin/zsh-5.9", "/bin/mksh", "/bin/bash-static"),
    *("/bin/sh -e", "/bin/bash -eu", "/bin/zsh -f", "/bin/bash --norc"),
    *("/usr/bin/env bash", "/usr/bin/env zsh", "/usr/bin/env -S bash -eu -o pipefail"),
    *("/usr/bin/env -S A=1 ksh", "/bin/busybox sh"),
]
OTHERS = [
    *("/usr/bin/env python3", "/usr/bin/python3.13", "/usr/bin/perl -w", "/usr/bin/env -S node"),
    *("/bin/csh", "/usr/bin/fish", "/usr/bin/pwsh", "/bin/false", "/bin/bashful", "/usr/bin/ssh"),
    "/usr/bin/env -S 'bash'",
]


@pytest.mark.parametrize("program", SHELLS)
def test_the_script_of_a_shell_can_hold_templates(program: str) -> None:
    assert problems_of(f"#!{program}\necho {{{{ params.text }}}}\n") == []


@pytest.mark.parametrize("program", OTHERS)
@pytest.mark.parametrize("template", ["{{ params.text }}", "{{ params.count }}", "{{ ds | raw }}"])
def test_the_script_of_another_program_cannot(program: str, template: str) -> None:
    [problem] = problems_of(f"#!{program}\nprint({template})\n")
    assert "only scripts of a shell can hold templates" in problem
    assert "pass the value as a variable in env" in problem


def test_the_refusal_of_a_template_says_nothing_else_about_it() -> None:
    [problem] = problems_of("#!/usr/bin/env python3\nprint(f'{{ unknown }}')\n")
    assert "python3 may read values as code" in problem


def test_braces_can_be_written_in_any_script() -> None:
    script = "#!/usr/bin/env python3\nprint(f\"{{ '{{' }}x}}\")\n"
    assert problems_of(script) == []
    assert render(script, {}, for_shell=True) == '#!/usr/bin/env python3\nprint(f"{{x}}")\n'


@pytest.mark.parametrize(
    "script",
    ["#!/bin/{{ params.text }}\ntrue\n", "#!{{ params.text }}\n", "{{ '#!' }}{{ ds }}\ntrue"],
)
def test_the_first_line_cannot_hold_a_template(script: str) -> None:
    assert any("cannot hold a template" in problem for problem in problems_of(script))


@pytest.mark.parametrize("options", ["-c", "-i", "-s", "-O extglob", "-o posix", "+x --what"])
def test_options_that_may_change_the_reading_of_a_script_forbid_templates(options: str) -> None:
    problems = problems_of(f"#!/usr/bin/env -S bash {options}\necho {{{{ ds }}}}\n")
    assert any(f"the options {options} on its first line" in problem for problem in problems)


CALCULATED = [
    '[ "{{v}}" -eq 1 ]',
    "test {{v}} -lt 1",
    "[ -t {{v}} ]",
    "exit {{v}}",
    "f() { return {{v}}; }",
    "shift {{v}}",
    "printf '%d' {{v}}",
    'printf -- "$FORMAT" {{v}}',
    "command printf '%s %i' a {{v}}",
    "COLUMNS={{v}}",
    "functions[f]={{v}}",
]


@pytest.mark.parametrize("line", CALCULATED)
@pytest.mark.parametrize("shell", ["zsh", "ksh", "mksh"])
def test_what_ksh_and_zsh_calculate_with_takes_numbers_only(shell: str, line: str) -> None:
    text = line.replace("{{v}}", "{{ params.text }}")
    [problem] = problems_of(f"#!/usr/bin/env {shell}\n{text}\n")
    assert "no value is safe here" in problem
    assert problems_of(f"#!/usr/bin/env bash\n{text}\n") == []
    number = line.replace("{{v}}", "{{ params.count }}")
    assert problems_of(f"#!/usr/bin/env {shell}\n{number}\n") == []


@pytest.mark.parametrize(
    "line", ["printf '%s\\n' {{ ds }}", "printf %-5s%% {{ ds }}", "X={{ ds }}"]
)
def test_ksh_and_zsh_take_text_as_others_do(line: str) -> None:
    assert problems_of(f"#!/bin/zsh\n{line}\n") == []


def test_a_value_is_refused_in_a_script_that_was_registered_before_scripts_were() -> None:
    script = "#!/usr/bin/env python3\nprint('{{ params.text }}')\n"
    with pytest.raises(TemplateError, match="only scripts of a shell"):
        render(script, {"params": {"text": "'); evil('"}}, for_shell=True)


def test_a_test_can_only_be_the_script_of_a_shell() -> None:
    assert problems_of("true", when="#!/bin/bash\ntest -e x\n") == []
    [problem] = problems_of("true", when="#!/usr/bin/env python3\nraise SystemExit(1)\n")
    assert "as in python3 check.py" in problem


@pytest.mark.parametrize(
    ("first", "problem"),
    [
        ("#!/bin/bash -e -u", "write #!/usr/bin/env -S bash -e -u"),
        ("#!/usr/bin/env bash -e", "write #!/usr/bin/env -S bash -e"),
        ("#!bash", "write #!/usr/bin/env bash"),
        ("#!", "its first line names no program"),
    ],
)
def test_a_first_line_that_cannot_work_is_a_problem(first: str, problem: str) -> None:
    assert problem in problems_of(f"{first}\ntrue\n")[0]


def test_a_script_in_a_notification_is_checked_as_well() -> None:
    source = """
name: A
on_failure: [{command: "#!python3\\nprint(1)"}]
tasks: [{id: t, command: "true"}]
"""
    with pytest.raises(DagFileError, match="write #!/usr/bin/env python3"):
        parse_file(source.encode())


def test_only_the_scripts_of_shells_are_searched_for_dangers() -> None:
    def warnings_of(first: str) -> int:
        source = {
            "name": "A",
            "params": {"n": "1"},
            "tasks": [{"id": "t", "command": f"{first}\nx=$((PARAM_N + 1))\n"}],
        }
        return len(parse_file(json.dumps(source).encode()).warnings)

    assert warnings_of("#!/bin/bash") == 1
    assert warnings_of("#!/usr/bin/env python3") == 0
