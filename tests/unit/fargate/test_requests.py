"""The requests to ECS against AWS's own model of the service, field by field."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StringShape, StructureShape
from botocore.validate import ParamValidator

from chalicelib import config
from chalicelib.fargate import task_definition
from chalicelib.fargate.session_policy import session_policy
from chalicelib.fargate.task_definition import Installed, definition, start, token
from chalicelib.fargate_sizes import MEMORY_MB, FargateSize
from chalicelib.messages import Attempt

ACCOUNT = "arn:aws:iam::111122223333:role/orchestrator-prod"
ATTEMPT = Attempt("etl.daily", "etl.daily__20261123T100000Z", "load", -1, 2)
SIZE = FargateSize(1024, 3072)


@pytest.fixture(autouse=True)
def wrapper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "wrapper.sh"
    file.write_text("exec sh -c true\n")
    monkeypatch.setattr(task_definition, "WRAPPER", file)


def installed(**settings: str) -> Installed:
    values = {
        "FARGATE": "yes",
        "FARGATE_CLUSTER": "arn:aws:ecs:eu-central-1:111122223333:cluster/orchestrator-prod",
        "FARGATE_SUBNETS": "subnet-0a,subnet-0b",
        "FARGATE_SECURITY_GROUP": "sg-1",
        "FARGATE_EXECUTION_ROLE": f"{ACCOUNT}-fargate-pull",
        "FARGATE_SIDECAR_ROLE": f"{ACCOUNT}-sidecar",
        "TASK_ROLE": f"{ACCOUNT}-task",
        "RUNS_BUCKET": "orchestrator-prod-111122223333-runs",
        "RESULTS_QUEUE": "orchestrator-prod-results",
        **settings,
    }
    loaded = config.load({f"ORCHESTRATOR_{name}": value for name, value in values.items()})
    return Installed(loaded, "eu-central-1", "orchestrator-prod", "orchestrator-prod-launch")


def started(*, has_retries: bool = False, **settings: str) -> dict[str, Any]:
    session = {"AWS_ACCESS_KEY_ID": "ASIA1", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t"}
    family = definition(installed(**settings), "alpine", SIZE)["family"]
    return start(installed(**settings), family, ATTEMPT, session, has_retries=has_retries)


def ecs() -> ServiceModel:
    return botocore.session.get_session().get_service_model("ecs")


def problems(operation: str, request: Mapping[str, Any]) -> list[str]:
    """What AWS's model objects to: unknown and missing fields, types, ranges, and words that are
    none of an enum's."""
    shape = ecs().operation_model(operation).input_shape
    report = ParamValidator().validate(request, shape).generate_report()
    return [*report.splitlines(), *foreign_words(shape, request, operation)]


def foreign_words(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            if name in value:
                yield from foreign_words(member, value[name], f"{path}.{name}")
    elif isinstance(shape, ListShape):
        for item in value:
            yield from foreign_words(shape.member, item, f"{path}[]")
    elif isinstance(shape, MapShape):
        for item in value.values():
            yield from foreign_words(shape.value, item, f"{path}{{}}")
    elif isinstance(shape, StringShape) and shape.enum and value not in shape.enum:
        yield f"{path}: {value!r}"


@pytest.mark.parametrize("image", ["alpine", "ghcr.io/a/b@sha256:" + "0" * 64, None])
@pytest.mark.parametrize("disk", ["20", "100"])
def test_the_task_definition_is_what_the_model_of_ecs_describes(
    image: str | None, disk: str
) -> None:
    assert (
        problems("RegisterTaskDefinition", definition(installed(FARGATE_DISK_GB=disk), image, SIZE))
        == []
    )


@pytest.mark.parametrize("spot", ["yes", "no"])
def test_the_start_is_what_the_model_of_ecs_describes(spot: str) -> None:
    assert problems("RunTask", started(FARGATE_SPOT=spot, has_retries=True)) == []


def test_the_check_notices_a_wrong_field_a_missing_one_and_a_foreign_word() -> None:
    request = definition(installed(), "alpine", SIZE)
    assert problems("RegisterTaskDefinition", {**request, "disk": 1})
    assert problems("RegisterTaskDefinition", {**request, "networkMode": "vpc"})
    assert problems("RegisterTaskDefinition", {**request, "cpu": 256})
    del request["family"]
    assert problems("RegisterTaskDefinition", request)


def test_each_size_that_fargate_sells_can_be_asked_for() -> None:
    for cpu, amounts in MEMORY_MB.items():
        for memory in amounts:
            request = definition(installed(), "alpine", FargateSize(cpu, memory))
            assert (request["cpu"], request["memory"]) == (str(cpu), str(memory))
            parts = request["containerDefinitions"]
            # ECS refuses containers that need more together than the task has.
            assert parts[0]["memoryReservation"] + parts[1]["memory"] <= memory


def test_one_definition_serves_every_attempt_with_this_image_and_size() -> None:
    first = definition(installed(), "alpine", SIZE)
    assert first == definition(installed(), "alpine", SIZE)
    assert ATTEMPT.dag_id not in json.dumps(first)
    others = [
        definition(installed(), "debian", SIZE),
        definition(installed(), "alpine", FargateSize(2048, 4096)),
        definition(installed(FARGATE_DISK_GB="50"), "alpine", SIZE),
        definition(installed(RUNS_BUCKET="another"), "alpine", SIZE),
    ]
    assert len({one["family"] for one in (first, *others)}) == 5
    assert all(len(one["family"]) <= 255 for one in others)


def test_commands_have_the_stages_role_and_nothing_of_the_sidecars() -> None:
    request = definition(installed(), "alpine", SIZE)
    sidecar, command = request["containerDefinitions"]
    assert request["taskRoleArn"].endswith("-task")
    assert "environment" not in command
    assert "secrets" not in command
    (override,) = started()["overrides"]["containerOverrides"]
    assert override["name"] == sidecar["name"] == "sidecar"
    assert {entry["name"] for entry in override["environment"]} >= {"AWS_SESSION_TOKEN"}


def test_the_containers_share_one_volume_and_nothing_else() -> None:
    request = definition(installed(), "alpine", SIZE)
    assert not {"pidMode", "ipcMode"} & set(request)  # neither sees the other's processes
    assert request["volumes"] == [{"name": "orchestrator"}]  # of the task, gone with it
    for container in request["containerDefinitions"]:
        assert not {"privileged", "portMappings", "volumesFrom"} & set(container)
        assert "capabilities" not in container.get("linuxParameters", {})


def test_only_the_end_of_the_sidecar_ends_the_task_and_nothing_is_logged_elsewhere() -> None:
    sidecar, command = definition(installed(), "alpine", SIZE)["containerDefinitions"]
    assert (sidecar["essential"], command["essential"]) == (True, False)
    assert "logConfiguration" not in {**sidecar, **command}
    assert sidecar["mountPoints"] == command["mountPoints"]


def test_the_token_names_the_attempt_and_no_other() -> None:
    request = started()
    assert request["clientToken"] == token(ATTEMPT.prefix)
    assert len(request["clientToken"]) == 64
    others = [
        replace(ATTEMPT, try_number=3),
        replace(ATTEMPT, poke=1),
        replace(ATTEMPT, map_index=0),
    ]
    assert len({token(a.prefix) for a in (ATTEMPT, *others)}) == 4


def test_spare_capacity_is_for_tasks_that_have_retries() -> None:
    def provider(**options: Any) -> str:
        (strategy,) = started(**options)["capacityProviderStrategy"]
        return str(strategy["capacityProvider"])

    assert provider(FARGATE_SPOT="yes", has_retries=True) == "FARGATE_SPOT"
    assert provider(FARGATE_SPOT="yes", has_retries=False) == "FARGATE"
    assert provider(FARGATE_SPOT="no", has_retries=True) == "FARGATE"


def test_who_started_a_task_can_be_seen_whatever_its_dag_is_called() -> None:
    assert started()["startedBy"] == "etl-daily/load"


def test_what_is_sent_at_the_start_fits_what_ecs_takes() -> None:
    # A session's token has up to some 2,000 characters, as has the bundle's presigned address.
    session = {"AWS_SESSION_TOKEN": "t" * 2500, "FARGATE_CODE_URL": "u" * 2500}
    long = replace(ATTEMPT, dag_id="d" * 100, run_id="r" * 150, task_id="t" * 100)
    session["FARGATE_MESSAGE_KEY"] = long.message_key
    request = start(installed(), "family", long, session, has_retries=False)
    assert len(json.dumps(request["overrides"])) < 8192
    assert problems("RunTask", request) == []


def test_a_session_may_write_the_objects_of_its_own_run_only() -> None:
    policy = json.loads(session_policy(ATTEMPT, "arn:aws:s3:::runs"))
    everything, writes = policy["Statement"]
    assert set(everything["NotAction"]) == set(writes["Action"])
    assert writes["Resource"] == f"arn:aws:s3:::runs/{ATTEMPT.dag_id}/{ATTEMPT.run_id}/*"
    assert len(json.dumps(policy, separators=(",", ":"))) < 2048  # the most that STS takes
