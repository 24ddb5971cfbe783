"""Warnings about programs that Lambda lacks: right where they are, and none where one is not
sure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chalicelib import config
from chalicelib.dag.__main__ import main
from chalicelib.dag.language.parser import parse_file
from chalicelib.dag.shell.programs import needed_programs
from chalicelib.dag.shell.shell_names import BUILTINS
from chalicelib.enums import WarningCode
from chalicelib.lambda_programs import PROGRAMS
from chalicelib.places import installed


def warned(command: str, dag: dict[str, Any] | None = None, **task: Any) -> list[str]:
    """The programs that are warned about, in their order."""
    task = {"id": "t", "command": command, **task}
    settings = config.load({"ORCHESTRATOR_FARGATE": "yes", "ORCHESTRATOR_WORKER_QUEUES": "*"})
    source = json.dumps({"name": "A", **(dag or {}), "tasks": [task]}).encode()
    by_table = parse_file(source, places=installed(settings)).warnings
    offline = parse_file(source).warnings
    here = WarningCode.NOT_ON_LAMBDA
    assert [w for w in by_table if w.code is here] == [w for w in offline if w.code is here]
    words = [warning.message.split(":")[0] for warning in offline if warning.code is here]
    return [text.removeprefix("Lambda has no ") for text in words]


@pytest.mark.parametrize(
    ("command", "programs"),
    [
        ("psql -c 'select 1'", ["psql"]),
        ("cat a | jq . | sort && find . -name x", ["jq", "find"]),
        ("if ! git status; then tar x; fi", ["git", "tar"]),
        ("f() { git pull; }; f", ["git"]),
        ("X=1 Y=2 jq . > out", ["jq"]),
        ("env A=1 B= jq; timeout 5m wget x; nice jq", ["jq", "wget"]),
        ("timeout -k 5 9 jq; nice -n 5 jq; env -i jq; timeout $T jq", []),
        ("command jq; exec unzip x; nohup wget x &", ["jq", "unzip", "wget"]),
        ("echo $(tar c x) `gzip x` <(zip x)", ["tar", "gzip", "zip"]),
        ("jq a; jq b", ["jq"]),
        ("for f in *; do aws s3 cp $f x; done", ["aws"]),
        ("case x in (a) jq;; esac", ["jq"]),
        ("'j'q .", ["jq"]),
        ("#!/usr/bin/env ruby\nputs 1", ["ruby"]),
        ("#!/usr/bin/env -S node --x\nx", ["node"]),
        ("#!/usr/bin/perl -w\nprint 1", ["/usr/bin/perl"]),
        ("#!/bin/bash\njq .", ["jq"]),
        ("#!/bin/zsh\njq .", ["/bin/zsh", "jq"]),
    ],
)
def test_what_lambda_lacks_is_named(command: str, programs: list[str]) -> None:
    assert warned(command) == programs


@pytest.mark.parametrize(
    "command",
    [
        "python3 -c 'print(1)' && curl x | grep y | awk '{print}' | sed s/a/b/",
        "cd x; export A=1; [ -f x ]; [[ a ]]; read b; kill 1; echo $((1+1)); time sleep 1",
        "jq() { :; }; jq",
        "function jq { :; }\njq",
        "./jq; bin/jq; /opt/bin/jq; ~/jq",
        '$JQ .; "$JQ" .; ${JQ}x; j*; j{q,k}',
        "command -v jq && jq .",
        'if [ -x "$(command -v jq)" ]; then jq .; fi',
        "type jq >/dev/null 2>&1 || exit 1; jq",
        "hash jq; jq",
        "PATH=$PWD/bin:$PATH; jq",
        "export PATH=$PWD/bin:$PATH; jq",
        "PATH=$PWD/bin jq",
        "x; a | b",
        ". ./functions.sh; jq",
        "source functions.sh; jq",
        'eval "$CODE"; jq',
        "pip install --target . yq; yq",
        "python3 -m pip install x; x",
        "jq '",
        "echo 'psql' \"find\" # jq",
        "cat <<E\npsql\nE",
        "#!/usr/bin/env python3\nimport subprocess\nsubprocess.run(['psql'])",
        "#!/bin/sh\ntrue",
        "#!./tool\nx",
        "#!/usr/bin/env -S 'odd' x\nx",
    ],
)
def test_what_is_there_or_may_be_is_not(command: str) -> None:
    assert warned(command) == []


def test_the_python_of_other_machines_is_somewhere_else_on_lambda() -> None:
    source = {"name": "A", "tasks": [{"id": "t", "command": "#!/usr/bin/python3\nprint()"}]}
    [warning] = parse_file(json.dumps(source).encode()).warnings
    assert warning.message == "Lambda has no /usr/bin/python3: write #!/usr/bin/env python3"


def test_what_is_brought_along_is_not_warned_about() -> None:
    tool = {"url": "https://example.com/jq", "sha256": "ab" * 32}
    assert warned("jq . | psql", {"tools": {"jq": tool}}) == ["psql"]


@pytest.mark.parametrize(
    "task",
    [
        {"image": "alpine"},
        {"queue": "gpu"},
        {"cpu": 1},
        {"memory": "20G"},
        {"execution_timeout": "1h"},
        {"env": {"PATH": "/opt/mine"}},
    ],
)
def test_a_task_that_runs_elsewhere_is_not_warned_about(task: dict[str, Any]) -> None:
    assert warned("psql", **task) == []
    assert warned("psql", {"default_args": task}) == []


def test_what_may_be_one_of_the_files_is_not_warned_about() -> None:
    assert warned("load.sh; dump.py; psql", {"files": ["scripts/*.sh", "dump.py"]}) == ["psql"]


def test_a_larger_size_of_lambda_has_the_same_image() -> None:
    assert warned("psql", memory="384M", execution_timeout="14m") == ["psql"]


def test_tests_and_notifications_are_looked_at_too() -> None:
    assert warned("true", when="jq -e . x") == ["jq"]
    tool = {"url": "https://example.com/mail", "sha256": "ab" * 32}
    notify: dict[str, Any] = {"on_failure": [{"command": "mail me"}]}
    assert warned("true", {"tools": {"mail": tool}, **notify}) == ["mail"]
    assert warned("true", **notify) == ["mail"]


def test_an_installation_with_layers_warns_of_nothing() -> None:
    layer = "arn:aws:lambda:eu-west-1:123456789012:layer:tools:1"
    settings = config.load({"ORCHESTRATOR_TASK_LAYERS": layer})
    source = b'{"name": "A", "tasks": [{"id": "t", "command": "psql"}]}'
    assert parse_file(source, places=installed(settings)).warnings == ()


def test_the_check_before_a_commit_warns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("name: A\ntasks:\n  - id: t\n    command: |\n      true\n      psql x\n")
    assert main([str(file)]) == 0
    assert capsys.readouterr().err == (
        f"{file}:6:7: warning: Lambda has no psql: bring it along as one of the DAG's `tools` or "
        "in a layer (deploy --task-layer), or run the task in an `image` or on a `queue`\n"
    )
    assert main(["--layers", str(file)]) == 0
    assert capsys.readouterr().err == ""


def test_many_missing_programs_do_not_hide_what_is_a_danger() -> None:
    tasks = [{"id": f"t{n}", "command": "git pull"} for n in range(30)]
    tasks.append({"id": "last", "command": "echo $((PARAM_N + 1))"})
    source = {"name": "A", "params": {"n": "1"}, "tasks": tasks}
    warnings = parse_file(json.dumps(source).encode()).warnings
    codes = [warning.code for warning in warnings]
    assert codes.count(WarningCode.VALUE_EVALUATED) == 1
    assert codes.count(WarningCode.NOT_ON_LAMBDA) == 20
    assert warnings[-1].message == "11 more warnings from here on are not shown"


def test_the_image_has_the_basics_and_lacks_what_people_miss() -> None:
    assert {"sh", "bash", "ls", "cat", "grep", "sed", "awk", "curl", "python3", "["} <= PROGRAMS
    missed = {"find", "xargs", "tar", "gzip", "unzip", "which", "ps", "git", "jq", "aws", "psql"}
    assert not missed & PROGRAMS
    assert not {name for name in PROGRAMS if "/" in name}


def test_no_builtin_is_a_needed_program() -> None:
    for name in BUILTINS:
        assert name not in [found for _, found in needed_programs(f"{name} x")]
