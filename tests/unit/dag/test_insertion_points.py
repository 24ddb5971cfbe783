"""Templates are accepted only where they may stand in a command, and refused with a message."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from chalicelib.dag.language.parser import parse
from chalicelib.dag.problems import DagFileError
from chalicelib.dag.shell import shell_names
from chalicelib.dag.shell.insertion_points import insertion_points
from chalicelib.dag.templates import check, render
from chalicelib.dag.templates.scope import Scope, TemplateError
from tests.support.waiting import HANG_SECONDS

SCOPE = Scope(params=("v", "n"), numbers=("n",))


def faults(command: str) -> list[str]:
    return [fault.message for fault in check(command, SCOPE, for_shell=True)]


def with_values(command: str) -> str:
    return command.replace("{{v}}", "{{ params.v }}")


def with_numbers(command: str) -> str:
    return command.replace("{{v}}", "{{ params.n }}")


EVERYDAY = r"""
echo {{v}}
python3 report.py {{v}} --day={{v}}
curl -sS -H "Authorization: Bearer {{v}}" "https://example.com/{{v}}?x={{v}}" -o out-{{v}}.json
curl --data '{"day": "{{v}}", "n": 1}' https://example.com
psql -c "select * from t where day = '{{v}}'"
aws s3 cp s3://bucket/{{v}}/ . --recursive --exclude "*" --include '*.csv'
aws s3 sync "s3://$BUCKET/{{v}}/" data/ && du -sh data/ || exit 1
for f in a b; do x {{v}} "$f"; done
for f in {{v}}/*.csv; do wc -l "$f"; done
for day in $(seq 1 5); do load "$day" {{v}}; done
if [ "{{v}}" = y ]; then echo yes; else echo no; fi
if [ {{v}} -gt 5 ] && [ -n "$X" ]; then echo big; fi
if ! [ -f data-{{v}}.csv ]; then exit 99; fi
[ -d "{{v}}" ] || mkdir -p "{{v}}"
[ ! -e {{v}} ]
test -n {{v}}
[[ {{v}} == prod* ]] && echo production
[[ -n {{v}} && -f "{{v}}" ]]
[[ "{{v}}" ]] && echo given
[[ $X ]] && echo {{v}}
[[ $X && ! ( $Y || $Z ) ]] && echo {{v}}
cmd > out-{{v}}.log 2>&1
cmd >> {{v}} 2> err-{{v}} < in-{{v}}
cmd &> "all-{{v}}.log"
cmd 2>/dev/null | grep {{v}} | sort | uniq -c > {{v}}
VAR={{v}} cmd
VAR="a {{v}}" OTHER={{v}}/x cmd --flag
DAY={{v}}
export DAY={{v}} VARIABLE_NAME="{{v}}"
readonly X={{v}}
rows=$(cmd {{v}})
echo "$(cmd "{{v}}") and ${HOME} and {{v}}"
case "{{v}}" in a) echo a;; b|c) echo b;; *) exit 1;; esac
case $1 in {{v}}*) echo {{v}} ;; esac
while read -r line; do echo "$line" {{v}}; done < "{{v}}"
while IFS=, read -r a b; do echo "$a"; done < {{v}}
until curl -fs {{v}}; do sleep 1; done
f() { echo "$1" {{v}}; }; f {{v}}
function load { python3 load.py "$@"; }; load {{v}}
set -euo pipefail; cmd {{v}}
set -e; set -x; cmd {{v}}
set -- {{v}} b; echo "$1"
cd {{v}} && make
pushd "{{v}}"; make; popd
printf '%s\n' {{v}} "{{v}}"
printf "day %s\n" {{v}}
. ./env.sh; cmd {{v}}
source venv/bin/activate && python -m load {{v}}
eval "$(ssh-agent -s)"; ssh-add {{v}}
trap 'rm -f tmp.txt' EXIT; cmd {{v}}
./scripts/run.sh {{v}}
"$HOME/bin/tool" {{v}}
./scripts/{{v}}.sh now
sudo -u etl env X={{v}} nice -n 5 timeout 60 cmd {{v}}
docker run --rm -e DAY={{v}} -v "$PWD:/data" image:{{v}} load {{v}}
dbt run --vars '{"day": "{{v}}"}' --target {{v}}
spark-submit --conf spark.x={{v}} job.py {{v}} &
wait_for {{v}} & wait
cat <<< "{{v}}"
diff <(sort {{v}}) <(sort "b-{{v}}")
files=({{v}} "b {{v}}"); echo "${files[@]}"
( cd {{v}}; make ) && { echo done {{v}}; }
exec python3 main.py {{v}}
command -v {{v}} >/dev/null
time python3 slow.py {{v}}
find {{v}} -name '*.csv' -exec wc -l {} +
find . -newer {{v}} \( -name a -o -name b \) -print0 | xargs -0 rm -f --
awk -v day={{v}} '$1 == day { print $2 }' data.csv
sed -e "s/x/y/" {{v}} | tr -d '\n' | jq -r '.items[] | select(.day == "x")'
git clone --depth 1 -b {{v}} "https://github.com/{{v}}/{{v}}.git"
echo "rows=$(wc -l < {{v}})" >> "$DAG_OUTPUT"
n=$((n + 1)); total=$(( $(nproc) * 2 )); echo {{v}}
for ((i = 0; i < 3; i++)); do echo "$i" {{v}}; done
if (( ${#files[@]} > 3 )); then echo {{v}}; fi
echo ${x:-default} "${y%.csv}" ${z/a/b} "${1:?missing}" ${#x} {{v}}
echo 'it is' "it's" \$5 \"{{v}}\" $'a\tb'
# a comment on {{v}}
echo {{v}} # don't
mail -s "Done: {{v}}" team@example.com </dev/null
for i in {1..5} {a,b}-{{v}}; do echo "$i"; done
[ "$#" -gt 1 ] && echo {{v}}
sleep 1; kill "$(cat {{v}})"
tar czf backup-{{v}}.tar.gz --exclude='*.tmp' {{v}}
local_day="{{v}}"; echo "${local_day//-/}"
""".strip("\n").split("\n")
EVERYDAY += [
    "cat <<EOF > {{v}}.sql\nselect 1;\nEOF\npsql -f {{v}}.sql",
    "cat <<-'EOF' | psql -h {{v}}\n\tselect '$x';\n\tEOF\n",
    "psql -c \"$(cat <<'SQL'\nselect 'it'\nSQL\n)\" {{v}}",
    "curl \\\n  -H 'X: {{v}}' \\\n  {{v}}\n",
    "if true; then\n  # it's {{v}}\n  echo {{v}}\nfi\n",
    "python3 - {{v}} <<'EOF'\nimport sys\nprint(sys.argv[1], f\"{1}\")\nEOF\n",
    'declare -A m=([a]=1)\nm[b]=2\necho {{v}} "${m[a]}"\n',
]


@pytest.mark.parametrize("command", EVERYDAY)
def test_everyday_commands_take_values(command: str) -> None:
    assert faults(with_values(command)) == []


EVALUATED = (
    r"""
if [[ {{v}} -gt 5 ]]; then echo big; fi
[[ 5 -le "{{v}}" ]]
[[ -n x && $Y -eq {{v}} ]]
let "x = {{v}} + 1"
let x={{v}}
\let x={{v}}
l"e"t x={{v}}
command let {{v}}
builtin let {{v}}
command -p let {{v}}
X=1 let {{v}}
2>&1 let {{v}}
! let {{v}}
time let {{v}}
time -p let {{v}}
l\
et {{v}}
n[{{v}}]=1
n[x+{{v}}]+=1
n=([{{v}}]=1)
declare -i n={{v}}
typeset -i n={{v}}
local -i n={{v}}
declare -a n={{v}}
declare -n n={{v}}
declare {{v}}
declare "{{v}}=1"
export {{v}}
readonly "{{v}}=x"
declare -i n; n={{v}}
declare -i n; n+={{v}}
declare -i n; n={{v}} cmd
declare -i n; for n in {{v}}; do :; done
declare -n n; n={{v}}
eval 'declare -i n'; n={{v}}
declare -i "$name"; n={{v}}
n=(1); declare n={{v}}
read {{v}}
read -r -a {{v}}
read -p {{v}} x
unset {{v}}
unset "a[{{v}}]"
printf -v {{v}} x
printf {{v}}
printf "{{v}}\n"
getopts ab {{v}}
mapfile -C {{v}} x
wait -p {{v}}
test -v {{v}}
[ -v {{v}} ]
[ -v "a[{{v}}]" ]
[ {{v}} {{v}} ]
[ {{v}} = a -a {{v}} = b ]
[ $X = {{v}} ]
[ $(cmd) -gt {{v}} ]
[[ -v {{v}} ]]
[[ $x =~ {{v}} ]]
[[ {{v}} < b ]]
[[ a == b || {{v}} == c ]]
eval {{v}}
eval "echo {{v}}"
eval "$(echo {{v}})"
trap {{v}} EXIT
trap 'rm {{v}}' EXIT
source {{v}}
. {{v}}
hash -p {{v}} x
complete -C {{v}} x
compgen -C {{v}} x
bind -x {{v}}
ulimit -t {{v}}
exec -a {{v}} cmd
{{v}}
{{v}} x
$CMD {{v}}
"$CMD" {{v}}
$(which x) {{v}}
${X}y {{v}}
{let,/x} {{v}}
l?t {{v}}
[l]et {{v}}
echo >& {{v}}
echo >& "out {{v}}"
cat <& {{v}}
PS4={{v}}
BASH_ENV={{v}} bash x.sh
export BASH_ENV={{v}}
RANDOM={{v}}
OPTIND={{v}}
IFS={{v}} read a
for RANDOM in {{v}}; do :; done
echo $(( {{v}} + 1 ))
echo $(( $(echo {{v}}) + 1 ))
(( {{v}} > 1 ))
for (( i={{v}}; i < 5; i++ )); do :; done
echo ${x:{{v}}}
echo ${x:-{{v}}}
echo "${x:-{{v}}}"
echo ${x[{{v}}]}
echo "${x:-$(echo {{v}})}"
echo `echo {{v}}`
f() { "$@"; }; f eval {{v}}
""".strip()
    .replace("\\\n", "\\\0")
    .split("\n")
)
EVALUATED = [one.replace("\0", "\n") for one in EVALUATED]
EVALUATED += ["cat <<E\n{{v}}\nE\n", "cat <<'E'\n{{v}}\nE\n", "cat <<E\n$(echo {{v}})\nE\n"]


@pytest.mark.parametrize("command", EVALUATED)
def test_a_place_that_a_shell_may_evaluate_takes_numbers_only(command: str) -> None:
    found = faults(with_values(command))

    assert found
    for message in found:
        assert message.startswith("no value is safe here: ")
        assert "as a variable in env" in message
        assert "single brackets" in message
        assert "type: integer" in message and "| int" in message
    assert faults(with_numbers(command)) == []
    with pytest.raises(TemplateError, match="no value is safe here"):
        render(with_values(command), {"params": {"v": "a[$(id)]"}}, for_shell=True)
    render(with_numbers(command), {"params": {"n": -5}}, for_shell=True)


NOT_FOLLOWED = r"""
echo $[ ({{v}}) + 1 ]
echo {{v}} $[1]
echo {{v}}; coproc cat
echo {{v}}; select x in a; do break; done
alias echo=eval; echo {{v}}
command alias x=y; echo {{v}}
set -k; echo {{v}}
set -o posix; echo {{v}}
shopt -s expand_aliases; echo {{v}}
echo $(case x in x) echo {{v}};; esac)
echo "$(case x in x) echo {{v}};; esac)"
echo {{v}} "unclosed
echo {{v}} 'unclosed
echo {{v}} `unclosed
echo {{v}} $(unclosed
echo {{v}} ${unclosed
echo {{v}} )
echo {{v}} ;;
if echo {{v}}; then
echo {{v}}; fi
echo {{v}} && ;
echo @({{v}}|b)
echo {{v}} ((x << 2 ))
cmd &> log eval {{v}}
x=(1 2)3 {{v}}
echo "${x:-'}" {{v}}
echo $'a\'b' {{v}}
echo $"{{v}}"
function {{v}} { :; }
echo "$$(printf '%s' {{v}})"
echo $${x} {{v}}
{n[{{v}}]}>file
enable -f {{v}} x
alias {{v}}
shopt -s {{v}}
set -o {{v}}
set {{v}}
for {{v}} in a; do :; done
cat <<{{v}}
echo ${ cmd; } {{v}}
echo {{v}} \
""".strip().split("\n")
NOT_FOLLOWED[-1] = "echo {{v}} \\"
NOT_FOLLOWED += [
    "((x << 2 ))\necho {{v}}\n2\n",
    'cat <<E\n$(: "\nE\necho {{v}}',
    "cat <<E\n{{v}}\n",
    "cat <<E\na\\\nE\n{{v}}\nE\n",
    "cat <<5\n{{v}}\n5\n",
    "trap 'case x in' EXIT; echo {{v}}",
    "$(" * 60 + "echo {{v}}" + ")" * 60,
]


@pytest.mark.parametrize("command", NOT_FOLLOWED)
def test_a_script_that_is_not_understood_takes_no_values(command: str) -> None:
    for written in (with_values(command), with_numbers(command)):
        found = faults(written)
        assert found
        for message in found:
            assert "understood completely, and line" in message
            assert 'as a variable in env, and write "$NAME"' in message


@pytest.mark.parametrize("command", ["echo \\{{v}}", "echo ${{v}}", "echo $'{{v}}'", 'x "${{v}}"'])
def test_what_no_shell_would_join_takes_neither_texts_nor_numbers(command: str) -> None:
    assert faults(with_values(command)) and faults(with_numbers(command))


@pytest.mark.parametrize(
    "template",
    [
        "{{ params.n }}",
        "{{ params['n'] }}",
        "{{ params.n + 1 }}",
        "{{ -params.n }}",
        "{{ params.n | default(3) }}",
        "{{ params.v | int }}",
        "{{ params.v | length * 2 }}",
        "{{ outputs.a.rows | int }}",
        "{{ 5 if params.v == 'x' else params.n }}",
        "{{ try_number }}",
        "{{ 7 }}",
    ],
)
def test_a_template_that_always_gives_a_number_is_allowed_in_arithmetic(template: str) -> None:
    scope = Scope(params=("v", "n"), numbers=("n",), tasks=("a",), outputs={"a": ("rows",)})

    assert check(f"echo $(( {template} + 1 ))", scope, for_shell=True) == []


@pytest.mark.parametrize(
    "template",
    [
        "{{ params.v }}",
        "{{ params.n | default('x') }}",
        "{{ params.n.x }}",
        "{{ params.n == 1 }}",
        "{{ params.n and params.v }}",
        "{{ params.v if params.n else 1 }}",
        "{{ params.n | tojson }}",
        "{{ ds }}",
        "{{ [1] }}",
        "{{ params }}",
        "{{ true }}",
    ],
)
def test_a_template_that_may_give_text_is_not_allowed_in_arithmetic(template: str) -> None:
    assert faults(f"echo $(( {template} + 1 ))")


@pytest.mark.parametrize(
    "value", [None, True, [1], {"a": 1}, "x", "1\n", "1 ", "", "0x1", "1e", "a1"]
)
def test_a_value_that_turns_out_not_to_be_a_number_is_not_rendered_there(value: object) -> None:
    with pytest.raises(TemplateError, match=r"no value is safe here|a number is needed here"):
        render("echo $(( {{ params.n }} ))", {"params": {"n": value}}, for_shell=True)


@pytest.mark.parametrize(
    ("command", "value", "expected"),
    [
        ("echo $(( 7-{{v}} ))", -5, "12"),
        ("echo $(( 2*{{v}} ))", 3, "6"),
        ("[[ {{v}} -gt 2 ]] && echo big", 3, "big"),
        ("let 'x = {{v}} + 1'; echo $x", 3, "4"),
        ("n[{{v}}]=5; echo ${n[2]}", 2, "5"),
        ("x=abcdef; echo ${x:{{v}}:2}", 2, "cd"),
        ("x=abcdef; echo ${x: {{v}}}", -2, "ef"),
        ("declare -i n={{v}}; echo $((n + 1))", 2, "3"),
        ("for i in {1..{{v}}}; do printf $i; done", 3, "123"),
        ("cat <<E\nlimit {{v}};\nE", 3, "limit 3;"),
        ("for ((i={{v}}; i<5; i++)); do printf $i; done", 3, "34"),
        ("echo `echo {{v}}`", 7, "7"),
        ("echo ${UNSET:-{{v}}}", 7, "7"),
    ],
)
def test_a_number_counts_where_it_may_stand(command: str, value: int, expected: str) -> None:
    script = render(with_numbers(command), {"params": {"n": value}}, for_shell=True)

    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, timeout=HANG_SECONDS
    )
    assert done.stdout.strip() == expected


def test_raw_values_are_the_authors_responsibility() -> None:
    assert faults("eval {{ params.v | raw }}; let {{ params.v | raw }}; coproc x") == []
    assert faults("cmd {{ params.v | raw }} {{ params.v }}") == []
    assert len(faults("{{ params.v | raw }} {{ params.v }}")) == 1
    assert len(faults("[ {{ params.v | raw }} = {{ params.v }} ]")) == 1


def test_a_refusal_says_where_why_and_what_to_do() -> None:
    source = b"""\
name: n
params: {count: "3"}
tasks:
  - id: t
    command: |
      echo one
      if [[ {{ params.count }} -gt 5 ]]; then echo big; fi
"""
    with pytest.raises(DagFileError) as caught:
        parse(source)

    (problem,) = caught.value.problems
    assert (problem.line, problem.column) == (7, 13)
    assert "arithmetic" in problem.message and "type: integer" in problem.message


def test_a_script_that_is_not_understood_is_reported_with_the_line() -> None:
    (message, _) = faults("echo {{ params.v }}\n\ncoproc cat\necho {{ params.v }}")

    assert "line 3 contains an unexpected 'coproc'" in message


@pytest.mark.skipif(shutil.which("bash") is None, reason="asks bash for its names")
def test_every_name_of_the_installed_bash_is_known() -> None:
    def ask(what: str) -> set[str]:
        done = subprocess.run(
            ["bash", "-c", f"compgen -{what}"], capture_output=True, text=True, env={}, check=True
        )
        return set(done.stdout.split())

    harmless = {"HOSTNAME", "HOSTTYPE", "MACHTYPE", "OSTYPE", "PATH", "SHELL", "TERM"}
    assert ask("b") <= shell_names.BUILTINS
    assert ask("k") <= shell_names.KEYWORDS
    assert {name for name in ask("v") if not shell_names.is_shell_variable(name)} <= harmless


@pytest.mark.parametrize("name", ["PATH", "PROMPT", "HISTORY_DAYS", "TZ", "LC_ALL", "X", "MAIL"])
def test_variables_that_only_look_like_those_of_the_shell_take_values(name: str) -> None:
    assert faults(with_values(f"{name}={{{{v}}}} cmd; export {name}={{{{v}}}}")) == []


@pytest.mark.parametrize("name", ["BASH_ENV", "ENV", "PS4", "RANDOM", "SHELLOPTS", "OPTIND"])
@pytest.mark.parametrize(
    "source",
    [
        'env: {NAME: "{{ params.x }}"}\ntasks: [{id: t, command: "true"}]',
        'tasks: [{id: t, command: "true", env: {NAME: "a {{ params.x }}"}}]',
        'default_args: {env: {NAME: "{{ params.x }}"}}\ntasks: [{id: t, command: "true"}]',
        'tasks: [{id: t, command: "true", expand: {NAME: ["{{ params.x }}"]}}]',
    ],
)
def test_no_value_gets_into_a_variable_that_the_shell_runs(source: str, name: str) -> None:
    head = "name: n\nparams: {x: a}\n"
    with pytest.raises(DagFileError, match=f"{name} has a meaning of its own in the shell"):
        parse((head + source.replace("NAME", name)).encode())
    parse((head + source.replace("NAME", "MY_" + name)).encode())


def test_the_author_may_set_a_variable_of_the_shell() -> None:
    parse(b"name: n\nenv: {PS4: '+ '}\ntasks: [{id: t, command: 'set -x; true'}]")


_PROGRAMS = [path.name for path in Path("/usr/bin").iterdir() if path.name.isalpha()]


def test_every_builtin_of_the_installed_dash_is_known() -> None:
    dash = shutil.which("dash")
    if dash is None:
        pytest.skip("asks dash for its names")
    words = sorted({*shell_names.BUILTINS, *shell_names.KEYWORDS, *_PROGRAMS})
    script = "".join(f"command -v '{word}'\n" for word in words)
    done = subprocess.run(
        [dash, "-c", script], capture_output=True, text=True, env={"PATH": "/none"}
    )
    assert set(done.stdout.split()) <= {*shell_names.BUILTINS, *shell_names.KEYWORDS}


def test_a_long_script_is_read_in_one_pass() -> None:
    """Twice as long a script takes about twice as many steps, not four times."""

    def steps(count: int) -> int:
        text = "echo 'a b' \"$x\" $(y z) {{v}}; if [ a = b ]; then cat <<E\nx\nE\nfi\n" * count
        seen = 0

        def trace(frame: object, event: str, argument: object) -> None:
            nonlocal seen
            seen += event == "call"

        sys.setprofile(trace)
        try:
            insertion_points(text.split("{{v}}"))
        finally:
            sys.setprofile(None)
        return seen

    assert steps(80) < 2.2 * steps(40)
