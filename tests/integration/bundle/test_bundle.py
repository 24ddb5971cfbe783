"""What `chalice deploy` uploaded, run as Lambda runs it: each function in a process of its own
under AWS's runtime client, with moto as AWS and a temporary file system as EFS."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin

import pytest

from chalicelib.database import Database
from chalicelib.local import events
from infra.functions import DATABASE, FUNCTIONS
from tests.integration.bundle.event_sources import EventSources, Lambda
from tests.integration.bundle.installation import Installation
from tests.integration.bundle.sandbox import OF_A_FUNCTION
from tests.integration.bundle.user import User
from tests.support import known_tools, lambda_sandbox
from tests.support.runtime_api import FunctionError
from tests.support.waiting import eventually

FURTHER_MEMORY = "512"
"""Two sizes of Lambda: the default and this one."""

GREETING = """
name: Greeting
tasks:
  - id: greet
    command: echo "greetings from $TASK_ID"
  - id: count
    command: echo "number $((6 * 7))"
    dependencies: greet
"""

TOOLED = """
name: Tooled
tools:
  greet: {url: "s3://my-tools/greet.zip", sha256: %s, path: bin/greet}
tasks:
  - id: greet
    command: greet Lambda
"""

WORLD = """
name: World
files: [queries/, prepare.sh]
tools:
  greet: {url: "s3://my-tools/greet", sha256: %s}
tasks:
  - id: small
    command: |
      ./prepare.sh queries/all.sql > prepared.txt
      mkdir table && greet small > table/greeting.txt
    artifacts: {prepared: prepared.txt, table: table}
  - id: large
    memory: 500M
    dependencies: small
    command: cat prepared.txt table/greeting.txt queries/all.sql; greet again
    inputs: {prepared.txt: small.prepared, table: small.table}
"""

SPIES = """
name: Spies
tasks:
  - id: spy
    command: |
      echo "its name: $(cat /proc/$PPID/comm)"
      for file in environ mem maps auxv fd/0 root/etc/passwd; do
        if head -c 100000 "/proc/$PPID/$file" 2>/dev/null | grep -q .; then
          echo "could read $file: $(tr '\\0' ' ' < /proc/$PPID/$file | head -c 2000)"
          exit 1
        fi
      done
      echo read nothing
"""

BY_THE_CLOCK = """
name: By the clock
schedule: "@every 1s"
tasks:
  - id: work
    command: "true"
"""

LOOKS_AROUND = """
name: Looks around
tasks:
  - id: look
    command: env
"""

STUBBORN = """
name: Stubborn
tasks:
  - id: work
    command: if [ "$TRY_NUMBER" = 1 ]; then sleep 3000; fi; echo "done in try $TRY_NUMBER"
    retries: 1
    retry_delay: 0s
"""

WHERE_FROM = """
import importlib.util, json
found = {name: importlib.util.find_spec(name) for name in %r}
print(json.dumps({name: spec and spec.origin for name, spec in found.items()}))
"""


@pytest.mark.parametrize("name", [function.name for function in FUNCTIONS])
def test_a_function_can_import_the_bundle_and_what_lambda_brings_and_nothing_else(
    installed: Installation, name: str
) -> None:
    ours = ("app", "chalicelib", "chalice", "yaml", "jinja2", "croniter", "pysqlite3")
    lambdas = ("boto3", "botocore", "awslambdaric", "runtime_client")
    others = ("moto", "pytest", "_pytest", "hypothesis", "werkzeug", "infra", "tests", "pip")
    found = json.loads(installed.printed(name, WHERE_FROM % (ours + lambdas + others,)))
    assert set(map(found.get, others)) == {None}
    assert all(found[one].startswith(str(installed.bundle)) for one in ours), found
    assert all(found[one].startswith(str(installed.runtime)) for one in lambdas), found


def test_no_document_is_shipped(installed: Installation) -> None:
    ours = installed.bundle / "chalicelib"
    assert (ours / "config.py").is_file()
    assert [str(path) for path in ours.rglob("*.md")] == []
    assert not (ours / "simulation").exists()


def test_a_file_is_uploaded_run_and_its_log_read(sources: EventSources, user: User) -> None:
    sources.upload("greeting.yaml", GREETING)
    assert [dag["dag_id"] for dag in user.get("/api/dags", search="greeting")["dags"]]

    run = user.ended(user.run("greeting"))

    assert run["state"] == "success"
    states = {task["task_id"]: task["state"] for task in run["task_instances"]}
    assert states == {"greet": "success", "count": "success"}
    assert user.log(run["run_id"], "greet").endswith("greetings from greet\n")
    assert user.log(run["run_id"], "count").endswith("number 42\n")


def test_a_tool_is_fetched_from_a_bucket_as_the_role_of_commands(
    sources: EventSources, user: User, installed: Installation
) -> None:
    s3 = installed.account.aws.client("s3")
    s3.create_bucket(Bucket="my-tools")
    archive = known_tools.zipped("bin/greet", known_tools.GREET)
    s3.put_object(Bucket="my-tools", Key="greet.zip", Body=archive)
    sources.upload("tooled.yaml", TOOLED % hashlib.sha256(archive).hexdigest())
    run = user.ended(user.run("tooled"))
    assert (run["state"], user.log(run["run_id"], "greet")[-14:]) == ("success", "hello, Lambda\n")


def test_one_dag_has_files_a_tool_artifacts_and_two_sizes(
    sources: EventSources, user: User, functions: Lambda, installed: Installation
) -> None:
    s3 = installed.account.aws.client("s3")
    s3.create_bucket(Bucket="my-tools")
    s3.put_object(Bucket="my-tools", Key="greet", Body=known_tools.GREET)
    sources.upload("queries/all.sql", "select 1;\n")
    sources.upload("prepare.sh", '#!/bin/sh\necho "prepared $(wc -l < "$1")"\n')
    sources.upload("world.yaml", WORLD % hashlib.sha256(known_tools.GREET).hexdigest())
    run = user.ended(user.run("world"))
    assert run["state"] == "success", run
    tasks = f"/api/runs/{run['run_id']}/tasks"
    places = {name: user.get(f"{tasks}/{name}")["place"]["place"] for name in ("small", "large")}
    assert places == {"small": "lambda", "large": "lambda-512"}
    assert functions.used >= {"execute", "execute_512"}
    lines = user.log(run["run_id"], "large").splitlines()
    said = [line.partition("Z ")[2] for line in lines]
    assert said == ["prepared 1", "hello, small", "select 1;", "hello, again"]
    listed = user.get(f"/api/runs/{run['run_id']}/artifacts")["artifacts"]
    assert {(a["task_id"], a["name"]) for a in listed} == {
        ("small", "prepared"),
        ("small", "table"),
    }
    claims = installed.client("dynamodb").scan(TableName=installed.setting("claims_table"))
    keys = str(claims["Items"])
    assert all(f"{run['run_id']}/{task}/" in keys for task in places)


def test_a_scheduled_dag_runs_by_itself(sources: EventSources, user: User) -> None:
    sources.upload("clock.yaml", BY_THE_CLOCK)

    def done() -> Any:
        return user.get("/api/dags/by_the_clock/runs", state="success")["runs"]

    (run, *_) = eventually(done)
    sources.remove("clock.yaml")
    assert run["run_type"] == "scheduled"


def test_a_command_sees_neither_the_settings_nor_the_credentials_of_its_function(
    sources: EventSources, user: User
) -> None:
    sources.upload("looks.yaml", LOOKS_AROUND)
    run = user.ended(user.run("looks_around"))
    lines = [line.partition(" ")[2] for line in user.log(run["run_id"], "look").splitlines()]
    seen = dict(line.split("=", 1) for line in lines)
    assert [name for name in seen if name.startswith(("ORCHESTRATOR_", "LAMBDA_", "_HAN"))] == []
    assert OF_A_FUNCTION not in "".join(lines)
    # Those of the role of tasks; the log hides the secret ones.
    assert {name for name in seen if name.startswith("AWS_")} == {
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
    }
    assert (seen["AWS_SECRET_ACCESS_KEY"], seen["AWS_SESSION_TOKEN"]) == ("***", "***")


@pytest.mark.skipif(not lambda_sandbox.is_possible(), reason="needs seccomp")
def test_a_command_cannot_look_into_the_function_that_runs_it(
    installed: Installation, sources: EventSources, user: User
) -> None:
    sources.upload("spies.yaml", SPIES)
    run = user.ended(user.run("spies"))
    log = user.log(run["run_id"], "spy")
    assert run["state"] == "success"
    assert "its name: python" in log  # it was the function that was looked at
    assert "read nothing" in log
    assert OF_A_FUNCTION not in log
    said = (installed.folder / "execute.log").read_text()
    assert "closed to its commands by a program that may be run but not read" in said


def let_silence_pass(installed: Installation) -> None:
    """Make the first running attempts look as if their heartbeats had stopped long ago."""
    database = Database(installed.database)
    with database.write() as tx:
        tx.execute(
            "UPDATE task_instances SET due_at = 0 WHERE state = 'running' AND try_number = 1"
        )
    database.close()


def test_a_run_ends_well_although_its_executor_was_killed_in_mid_task(
    installed: Installation, sources: EventSources, functions: Lambda, user: User
) -> None:
    sources.upload("stubborn.yaml", STUBBORN)
    run_id = user.run("stubborn")
    task = f"/api/runs/{run_id}/tasks/work"
    eventually(lambda: user.get(task)["state"] == "running")
    at_work = eventually(lambda: functions.busy("execute"))

    for sandbox in at_work:
        sandbox.kill()

    def is_lost() -> bool:
        let_silence_pass(installed)
        return any(attempt["outcome"] == "lost" for attempt in user.get(task)["attempts"])

    eventually(is_lost)
    run = user.ended(run_id)
    assert run["state"] == "success"
    attempts = user.get(task)["attempts"]
    assert [(a["try_number"], a["outcome"]) for a in attempts] == [(2, "success"), (1, "lost")]
    assert user.log(run_id, "work", try_number="2").endswith("done in try 2\n")


@pytest.mark.parametrize(("domain", "base"), [("", "/v1/"), ("dags.example.com", "/")])
def test_the_page_its_files_and_the_api_are_found_below_the_address_that_was_asked(
    functions: Lambda, sources: EventSources, domain: str, base: str
) -> None:
    def fetch(path: str, token: str = "") -> str:
        assert path.startswith(base)  # else it is another API's, or nobody's
        event = sources.request("GET", "/" + path.removeprefix(base), token, domain=domain)
        answer = functions.invoke("api_handler", event)
        assert answer["statusCode"] == 200, answer
        return str(answer["body"])

    page = fetch(base)
    assert f'<base href="{base}">' in page
    linked = re.findall(r'(?:src|href)="(static/[^"]+)"', page)
    assert len(linked) > 5
    for link in linked:
        assert fetch(urljoin(base, link))
    token = functions.new_token(f"reader-{len(domain)}", "viewer")
    (server,) = json.loads(fetch(urljoin(base, "api/openapi.json"), token))["servers"]
    assert server["url"].rstrip("/") + "/" == base


def test_a_request_from_a_page_under_a_domain_is_answered(
    functions: Lambda, sources: EventSources, user: User
) -> None:
    domain = "dags.example.com"
    event = sources.request(
        "GET", "/api/dags", functions.new_token("page", "viewer"), domain=domain
    )
    event["headers"] |= {"Origin": f"https://{domain}", "Sec-Fetch-Site": "same-origin"}
    assert functions.invoke("api_handler", event)["statusCode"] == 200


def test_nobody_gets_in_without_a_token(sources: EventSources) -> None:
    assert sources.ask("GET", "/api/dags").status == 401
    assert sources.ask("GET", "/api/dags", "orch_" + "x" * 43).status == 401
    assert sources.ask("GET", "/api/health").status == 200


def test_a_function_without_its_file_system_refuses_to_work(installed: Installation) -> None:
    sandbox = installed.start("tick", database=DATABASE)
    try:
        with pytest.raises(FunctionError, match="the file system is not mounted at /mnt/orch"):
            sandbox.invoke(events.schedule_event(datetime.now(UTC)))
    finally:
        sandbox.close()


def test_without_its_file_system_nothing_is_restored_to_the_disk_of_the_sandbox(
    installed: Installation,
) -> None:
    sandbox = installed.start("admin", database=DATABASE)
    try:
        for command in ("restore", "backup", "token list"):
            answer = sandbox.invoke({"action": command})
            assert "not mounted at /mnt/orchestrator" in answer["error"]["message"], command
    finally:
        sandbox.close()


def test_the_function_admin_makes_tokens_and_backups(
    installed: Installation, functions: Lambda, sources: EventSources
) -> None:
    made = functions.invoke("admin", {"action": "token create", "name": "new", "role": "viewer"})
    assert sources.ask("GET", "/api/dags", made["token"]).status == 200
    backup = functions.invoke("admin", {"action": "backup"})
    listed = functions.invoke("admin", {"action": "backups"})["backups"]
    assert [one["name"] for one in listed] == [backup["name"]]
    kept = installed.client("s3").list_objects_v2(
        Bucket=installed.setting("backups_bucket"), Prefix=f"database/{backup['name']}/"
    )
    assert kept["KeyCount"] == 2
    functions.invoke("admin", {"action": "token revoke", "name": "new"})
    assert sources.ask("GET", "/api/dags", made["token"]).status == 401
