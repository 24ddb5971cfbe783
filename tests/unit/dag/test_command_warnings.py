"""A command that would run user input as code is registered with a warning."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from chalicelib.dag.__main__ import main
from chalicelib.dag.language.parser import parse_file
from chalicelib.dag.problems import MAX_WARNINGS, DagWarning
from chalicelib.dag.shell.taint import evaluations
from chalicelib.enums import WarningCode
from tests.support.waiting import HANG_SECONDS

GIVEN = ("X", "PARAM_N", "OUTPUT_A_R")
ATTACK = "a[$(:>ran)]"

EVALUATED = r"""
echo $((X + 1))
echo $(( PARAM_N ))
echo $(($X))
echo "$((${X}+1))"
(( X > 5 ))
for ((i = 0; i < X; i++)); do break; done
[[ $X -gt 5 ]]
[[ 5 -le X ]]
[[ -v $X ]]
let "y = X + 1"
let y=$X
\let y=$X
declare -i n=$X
typeset -i n; n=$X
f() { local -i n="$1"; }; f "$X"
echo ${a[$X]}
a[$X]=1
x=abc; echo ${x:$X}
echo ${!X}
[ -v "$X" ]
test -v "$X"
printf -v "$X" 1
read "$X" <<<1
n=$X; echo $((n + 1))
n="$X"; m=$n; (( m ))
n={{v}}; echo $((n))
export n={{v}}; echo $((n))
for n in {{v}}; do echo $((n)); done
f() { echo $(($1)); }; f "$X"
f() { echo $(($1)); }; f {{v}}
set -- {{v}}; echo $(($1))
eval 'echo $((X))'
echo `echo $((X))`
echo "$(echo $((X)))"
""".strip().split("\n")

HARMLESS = r"""
[ "$X" -gt 5 ]
[ "$X" = y ] && [ -n "$X" ]
[[ $X == 5 ]]
[[ -n $X ]]
test "$X" -gt 5
echo "$X" $X
echo $((Y + 1)) ${#X} ${X:-3} ${X%.csv} ${X:1:2}
n=$(wc -l < "$X"); echo $((n + 1))
n=3; echo $((n + 1))
declare n=$X
local n=$X
export n=$X
case $X in a) ;; esac
for i in $X; do echo "$i"; done
sh -c 'echo "$X"'
printf '%d\n' "$X"
cat <<< $X
python3 -c 'import os; print(os.environ["X"])'
psql -c "select $X"
exit "$X"
""".strip().split("\n")


def found_in(command: str) -> list[str]:
    text = command.replace("{{v}}", "\0")
    return [one.what for one in evaluations(text, GIVEN, range(text.count("\0")))]


@pytest.mark.parametrize("command", EVALUATED)
def test_evaluating_a_variable_with_user_input_is_found(command: str) -> None:
    assert found_in(command)


@pytest.mark.skipif(shutil.which("bash") is None, reason="asks bash")
@pytest.mark.parametrize("command", EVALUATED)
def test_bash_really_runs_the_contents_of_such_a_variable(command: str, tmp_path: Path) -> None:
    script = command.replace("{{v}}", f"'{ATTACK}'")
    env = {"X": ATTACK, "PARAM_N": ATTACK, "PATH": "/nowhere"}
    bash = shutil.which("bash")
    assert bash is not None
    subprocess.run(
        [bash, "-c", script], cwd=tmp_path, env=env, capture_output=True, timeout=HANG_SECONDS
    )

    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize("command", HARMLESS)
def test_using_only_the_text_is_not_reported(command: str) -> None:
    assert found_in(command) == []


@pytest.mark.parametrize("command", HARMLESS)
def test_bash_really_does_not_run_the_text_there(command: str, tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("asks bash")
    env = {"X": ATTACK, "PATH": "/nowhere"}
    subprocess.run(
        [bash, "-c", command], cwd=tmp_path, env=env, capture_output=True, timeout=HANG_SECONDS
    )

    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "command",
    [
        'eval "echo $X"',
        'trap "rm $X" EXIT',
        'bash -c "echo $X"',
        'sudo -u me sh -xc "echo {{v}}"',
        '/bin/sh -c "echo $X"',
        'python3 -c "print({{v}})"',
        "node -e \"f('$X')\"",
        "echo ${X@P}",
    ],
)
def test_code_with_user_input_in_it_is_found(command: str) -> None:
    text = command.replace("{{v}}", "\0")

    assert [one.is_code for one in evaluations(text, GIVEN, range(text.count("\0")))] == [True]


@pytest.mark.parametrize("command", ["[ $X -gt 5 ]", "test $X = y", "[ -n $X ]"])
def test_an_unquoted_variable_in_a_test_is_found(command: str) -> None:
    (found,) = evaluations(command, GIVEN, ())

    assert found.is_split and found.names == ("X",)


def test_the_beginning_of_a_script_that_is_not_understood_is_checked() -> None:
    assert found_in("echo $((X))\ncoproc cat\necho $((X))") == ["$(( ))"]


HEAD = """\
name: N
params:
  count: "3"
  n: {type: integer, default: 3}
  ratio: 0.5
  flag: true
  mode: {type: string, enum: [fast, slow]}
  free: {type: string, enum: ["a b", "$(x)"]}
env: {LIMIT: "{{ params.count }}", N: "{{ params.n }}", DAY: "{{ ds }}", LEN: "{{ [1] | length }}"}
tasks:
  - {id: make, command: echo rows=1, outputs: [rows]}
"""


def warnings_of(task: str) -> list[DagWarning]:
    return list(parse_file((HEAD + task).encode()).warnings)


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("echo $((PARAM_COUNT + 1))", "$PARAM_COUNT"),
        ("echo $((LIMIT + 1))", "$LIMIT"),
        ("echo $((OUTPUT_MAKE_ROWS + 1))", "$OUTPUT_MAKE_ROWS"),
        ("echo $((ITEM + OWN))", "$ITEM and $OWN"),
        ("echo $((PARAM_FREE))", "$PARAM_FREE"),
        ("echo $((PARAM_N + PARAM_RATIO + PARAM_FLAG + PARAM_MODE))", ""),
        ("echo $((N + DAY + LEN + FIXED + TRY_NUMBER + MAP_INDEX))", ""),
        ("x={{ params.n }}; y={{ ds }}; echo $((x + y))", ""),
        ("x={{ params.count }}; echo $((x))", "$x"),
        ("x={{ outputs.make.rows }}; echo $((x))", "$x"),
        ("x={{ outputs.make.rows | int }}; echo $((x))", ""),
    ],
)
def test_variables_that_hold_user_input_are_known(command: str, names: str) -> None:
    task = f"""
  - id: t
    dependencies: make
    env: {{OWN: "{{{{ params.count }}}}", FIXED: "7"}}
    expand: {{ITEM: "{{{{ outputs.make.rows }}}}", FIX: [1, 2]}}
    command: |
      {command}
"""
    found = warnings_of(task)

    assert [one.code for one in found] == ([WarningCode.VALUE_EVALUATED] if names else [])
    assert all(f"evaluates {names}, where text such as" in one.message for one in found)


@pytest.mark.parametrize(
    ("written", "line", "column"),
    [
        ("    command: echo a; echo $((LIMIT))", 12, 27),
        ("    command: 'echo a; echo $((LIMIT))'", 12, 28),
        ("    command: |\n      echo a\n\n      if x; then echo $((LIMIT)); fi", 15, 23),
        ("    command: |2\n        echo a\n      echo $((LIMIT))", 14, 12),
        ("    command: |-\n      echo {{ ds }}\n      echo {{ ds }} $((LIMIT))", 14, 7),
        ('    command: "echo \\"a\\"; echo $((LIMIT))"', 12, 14),
        ("    command: >\n      echo a;\n      echo $((LIMIT))", 12, 14),
        ("    when: '[[ $LIMIT -gt 5 ]]'\n    command: echo a", 12, 15),
    ],
)
def test_a_warning_has_its_position(written: str, line: int, column: int) -> None:
    (found,) = warnings_of(f"  - id: t\n{written}\n".replace("  - id: t\n", "  - id: t\n", 1))

    assert (found.line - 1, found.column) == (line, column)


def test_a_command_in_default_args_gives_one_warning() -> None:
    source = """\
name: N
params: {count: "3"}
default_args: {command: "echo $((PARAM_COUNT))"}
tasks: [{id: a}, {id: b}]
"""
    (found,) = parse_file(source.encode()).warnings
    assert (found.line, found.path) == (3, "default_args.command")


def test_the_command_of_a_notification_is_checked() -> None:
    task = "  - {id: t, command: a, on_failure: [{command: '[ $REASON = x ]'}]}"
    (found,) = warnings_of(task)

    assert "double quotation marks" in found.message and "on_failure" in found.path


def test_many_warnings_are_cut_short() -> None:
    lines = "".join(f"      echo $((LIMIT + {n}))\n" for n in range(MAX_WARNINGS + 5))
    found = warnings_of(f"  - id: t\n    command: |\n{lines}")

    assert len(found) == MAX_WARNINGS + 1
    assert found[-1].message == "5 more warnings from here on are not shown"


def test_warnings_are_printed_but_do_not_fail_the_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "n.yaml"
    path.write_text(HEAD + "  - {id: t, command: 'echo $((LIMIT))'}\n")

    assert main([str(path)]) == 0
    assert capsys.readouterr().err.startswith(f"{path}:12:28: warning: $(( )) evaluates $LIMIT")
