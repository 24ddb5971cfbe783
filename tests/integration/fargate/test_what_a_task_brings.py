"""What a task brings along and leaves is the same on Fargate as on Lambda: its two containers are
two real processes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from chalicelib import artifact_inputs
from chalicelib.artifact_inputs import InputFile
from chalicelib.dag_files import PinnedFile, content_key, encode_list, sha256_of
from chalicelib.enums import MaterialKind, Outcome
from chalicelib.messages import Attempt, Material
from tests.integration.fargate.container_role import role_of_container
from tests.integration.fargate.two_processes import SHELLS, Task
from tests.support.tool_server import Page, ToolServer

GREET = b'#!/bin/sh\necho "hello from $(basename "$0")"\n'
ALLOWS_PRIVATE_ADDRESSES = """
from dataclasses import replace
from chalicelib import bootstrap
from chalicelib.fargate import sidecar
bootstrap.configure(replace(bootstrap.ports(), allow_private=True))
sidecar.main()
"""


def store_files(task: Task, files: dict[str, bytes]) -> Material:
    pinned = [
        PinnedFile(path, sha256_of(body), len(body), path.endswith(".sh"))
        for path, body in files.items()
    ]
    listed = encode_list(pinned)
    for body in (listed, *files.values()):
        task.runs.put(content_key(sha256_of(body)), body)
    sha256 = sha256_of(listed)
    return Material(MaterialKind.FILES, "", content_key(sha256), sha256, len(listed))


def tool(url: str, name: str) -> Material:
    return Material(MaterialKind.TOOL, name, url, hashlib.sha256(GREET).hexdigest())


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_files_inputs_secrets_and_artifacts_work_as_on_lambda(make: Any, shell: list[str]) -> None:
    command = (
        'sh -c "./bin/run.sh"; cat "a b.sql" in/rows.csv; echo "token: $TOKEN";'
        ' [ "$DAG_FILES" = "$PWD" ] && echo here; echo changed >> "a b.sql";'
        " mkdir out; cp in/rows.csv out/copy.csv; echo x > one.txt; chmod 600 one.txt"
    )
    task = make(
        command,
        shell,
        secrets={"TOKEN": "ssm:/token"},
        artifacts={"folder": "out", "one": "one.txt"},
    )
    task.client("ssm").put_parameter(
        Name="/token", Value="s3cr3t-of-mine", Type="SecureString", Overwrite=True
    )
    earlier = Attempt("d", task.message.attempt.run_id, "before", -1, 1)
    rows = InputFile(earlier, "rows", 4, sha256_of(b"1,2\n"))
    task.runs.put(rows.key, b"1,2\n")
    files = {"bin/run.sh": b"#!/bin/sh\necho script ran\n", "a b.sql": b"select 1\n"}
    task.message.materials.extend(
        [store_files(task, files), artifact_inputs.encode("in/rows.csv", [rows], is_mapped=False)]
    )
    task.store_message()
    result = task.start().result()
    assert (result.outcome, result.reason) == (Outcome.SUCCESS, "")
    log = task.log(result)
    for line in ("script ran", "select 1", "1,2", "here", "token: ***"):
        assert f" {line}\n" in log
    assert "s3cr3t" not in log
    folder, one = result.artifacts
    assert (folder.is_folder, one.sha256) == (True, sha256_of(b"x\n"))
    stored = task.runs.get(task.message.attempt.artifact_key("one"))
    assert stored is not None
    assert stored.body == b"x\n"


def test_a_tool_is_fetched_by_the_sidecar_and_found_by_the_command(
    make: Any, tmp_path: Path
) -> None:
    server = ToolServer(tmp_path)
    with server.running():
        task = make("greet", materials=[tool(server.serve("/greet", Page(GREET)), "greet")])
        task.sidecar_environ["SSL_CERT_FILE"] = str(server.certificate)
        task.program = ("-c", ALLOWS_PRIVATE_ADDRESSES)
        result = task.start().result()
    assert "hello from greet" in task.log(result)


def test_a_tool_in_a_bucket_is_read_with_the_role_of_commands(make: Any) -> None:
    with role_of_container() as url:
        task = make("greet", materials=[tool("s3://runs/tools/greet", "greet")])
        task.runs.put("tools/greet", GREET)
        task.sidecar_environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = url
        result = task.start().result()
    assert "hello from greet" in task.log(result), result.reason


def test_what_cannot_be_brought_fails_with_its_reason_before_the_command(make: Any) -> None:
    result = make("echo no", materials=[tool("s3://runs/no/such", "greet")]).start().result()
    assert result.outcome is Outcome.FAILED
    assert "the tool `greet`: commands have no role here" in result.reason
    gone = Material(MaterialKind.FILES, "", content_key("ab"), "ab", 1)
    assert "no longer in the runs bucket" in make("echo", materials=[gone]).start().result().reason


def test_a_missing_secret_fails_with_its_name(make: Any) -> None:
    result = make("echo no", secrets={"TOKEN": "ssm:/missing"}).start().result()
    assert "the secret TOKEN (`ssm:/missing`) could not be fetched" in result.reason


def test_a_missing_artifact_fails_the_attempt(make: Any) -> None:
    result = make("true", artifacts={"one": "one.txt"}).start().result()
    assert (result.outcome, "one.txt" in result.reason) == (Outcome.FAILED, True)
