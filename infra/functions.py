"""The functions, and the stage's part of Chalice's configuration. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.config import PREFIX, memory_sizes
from chalicelib.enums import PlaceKind
from chalicelib.places import DEFAULT_FUNCTION, LAUNCH_FUNCTION, Place, Places, table
from infra.errors import InfraError
from infra.layers import layers_of
from infra.names import ADMIN_FUNCTION, API_FUNCTION, API_STAGE, Stage
from infra.runtime import Runtime

MOUNT = "/mnt/orchestrator"
"""The mount point of the file system; Lambda allows only one level below /mnt."""

DATABASE = f"{MOUNT}/database/orchestrator.sqlite"

CLAIMS_ON_S3_UNTIL = "ClaimsOnS3Until"
"""Beside the outputs of the stack: what `resources/claims.py` decides. Empty or absent if there are
no claims on S3."""

WORKER_QUEUES = "WorkerQueues"
"""Beside the outputs of the stack: the names of the worker queues, as `resources/worker_queues.py`
finds them, separated by commas."""

PAGE_URL = "PageUrl"
"""Beside the outputs of the stack: the address of the page, empty until there is one."""


@dataclass(frozen=True, slots=True)
class Function:
    """`memory_mb` is None if the stage's default Lambda size applies; `scratch_mb` is the temporary
    storage. `is_scheduled`: EventBridge invokes it. `runs_commands`: those of tasks."""

    name: str
    timeout_seconds: int
    memory_mb: int | None
    has_database: bool = True
    is_scheduled: bool = False
    scratch_mb: int = 512
    runs_commands: bool = False


LEAST_COMPRESSED_BYTES = 1024
"""API Gateway compresses longer answers for clients that take that."""

LAUNCH_SECONDS = 60

FARGATE_SETTINGS = {
    "FARGATE_CLUSTER": "Cluster",
    "FARGATE_SUBNETS": "Subnets",
    "FARGATE_SECURITY_GROUP": "SecurityGroup",
    "FARGATE_EXECUTION_ROLE": "ExecutionRoleArn",
    "FARGATE_SIDECAR_ROLE": "SidecarRoleArn",
    "FARGATE_SPOT": "FargateSpot",
    "FARGATE_DISK_GB": "FargateDisk",
}
"""Settings of `launch`, and the outputs of the stacks that they come from."""

FUNCTIONS: tuple[Function, ...] = (
    Function(API_FUNCTION, 29, 512),  # API Gateway gives up after 29 seconds
    Function("register", 60, 512),
    Function("tick", 60, 512, is_scheduled=True),
    Function("apply", 30, 1024),  # a burst of due DAGs or results waits for its processor
    Function(DEFAULT_FUNCTION, 900, None, has_database=False, runs_commands=True),
    # The temporary storage must hold a copy of the database.
    Function("backup", 900, 1024, is_scheduled=True, scratch_mb=10_240),
    Function(ADMIN_FUNCTION, 900, 1024, scratch_mb=10_240),
)
"""Those of every installation."""


def places_of(outputs: Mapping[str, str]) -> Places:
    """Returns the places of the stage, given the outputs of its stack."""
    return table(
        outputs["TasksQueue"],
        lambda_memory(outputs),
        outputs.get("Fargate") == "yes",
        outputs.get(WORKER_QUEUES, ""),
        Runtime.of(outputs).architecture,
    )


def lambda_memory(outputs: Mapping[str, str]) -> str:
    """Returns all Lambda sizes that run commands, the default one first."""
    further = outputs.get("LambdaMemory", "")
    return ",".join(filter(None, [outputs["TaskMemory"], further]))


def check_memory(values: Mapping[str, str]) -> None:
    """Raises InfraError for Lambda sizes that cannot be deployed, given parameters of the stack."""
    sizes = lambda_memory({"TaskMemory": "384", **values})
    try:
        memory_sizes(sizes)
    except ValueError as error:
        raise InfraError(f"--lambda-memory {sizes}: {error}") from None


def further_places(outputs: Mapping[str, str]) -> tuple[Place, ...]:
    """Returns the places that not every installation has."""
    return places_of(outputs).rows[1:]


def functions_of(outputs: Mapping[str, str]) -> tuple[Function, ...]:
    """Returns all functions of the stage."""
    further = [_function_of(place) for place in further_places(outputs) if place.function]
    return (*FUNCTIONS, *further)


def _function_of(place: Place) -> Function:
    if place.kind is PlaceKind.FARGATE:
        return Function(LAUNCH_FUNCTION, LAUNCH_SECONDS, 256, has_database=False)
    return Function(
        str(place.function), 900, place.memory_mb, has_database=False, runs_commands=True
    )


def stage_config(stage: Stage, outputs: Mapping[str, str]) -> dict[str, Any]:
    """Returns the stage's part of `.chalice/config.json`, given the outputs of its stack."""
    runtime = Runtime.of(outputs)
    return {
        "lambda_architecture": runtime.architecture,
        "lambda_python_version": runtime.lambda_name,  # read by `chalice_command`
        "api_gateway_stage": API_STAGE,
        "api_gateway_endpoint_type": "REGIONAL",
        "minimum_compression_size": LEAST_COMPRESSED_BYTES,
        "autogen_policy": False,
        "environment_variables": _variables(outputs),
        "lambda_functions": {
            function.name: _function_config(stage, function, outputs)
            for function in functions_of(outputs)
        },
    }


def _variables(outputs: Mapping[str, str]) -> dict[str, str]:
    values = {
        "DAGS_BUCKET": outputs["DagsBucket"],
        "RUNS_BUCKET": outputs["RunsBucket"],
        "BACKUPS_BUCKET": outputs["BackupsBucket"],
        "TASKS_QUEUE": outputs["TasksQueue"],
        "LAMBDA_MEMORY": lambda_memory(outputs),
        "FARGATE": outputs.get("Fargate", "no"),
        "RESULTS_QUEUE": outputs["ResultsQueue"],
        "CLAIMS_TABLE": outputs["ClaimsTable"],
        "DEAD_LETTER_QUEUE": outputs["TasksDeadQueue"],
        "RETENTION_DAYS": outputs["RetentionDays"],
        "ARCHITECTURE": Runtime.of(outputs).architecture,
        # Read by Chalice, too: with "iam", API Gateway authorizes each request with IAM.
        "AUTH": outputs["Auth"],
        "EDITOR": outputs.get("Editor", "no"),
    }
    if layers := layers_of(outputs):
        values["TASK_LAYERS"] = ",".join(layers)
    if outputs.get(WORKER_QUEUES):
        values["WORKER_QUEUES"] = outputs[WORKER_QUEUES]
    if outputs.get("EmailFrom"):
        values["EMAIL_FROM"] = outputs["EmailFrom"]
    if outputs.get(PAGE_URL):
        values["PAGE_URL"] = outputs[PAGE_URL]
    if outputs.get(CLAIMS_ON_S3_UNTIL):
        values["CLAIMS_ON_S3_UNTIL"] = outputs[CLAIMS_ON_S3_UNTIL]
    return {PREFIX + name: value for name, value in values.items()}


def _function_config(
    stage: Stage, function: Function, outputs: Mapping[str, str]
) -> dict[str, Any]:
    config: dict[str, Any] = {
        "lambda_timeout": function.timeout_seconds,
        "lambda_memory_size": function.memory_mb or int(outputs["TaskMemory"]),
        "iam_policy_file": stage.policy_file(function.name),
    }
    if function.has_database:
        config["subnet_ids"] = outputs["SubnetIds"].split(",")
        config["security_group_ids"] = [outputs["SecurityGroupId"]]
        config["environment_variables"] = {PREFIX + "DATABASE": DATABASE}
        if uses_ipv6(outputs):
            # The standard endpoints of SQS and S3 have no IPv6 addresses.
            config["environment_variables"]["AWS_USE_DUALSTACK_ENDPOINT"] = "true"
    else:
        variables = {"TASK_ROLE": outputs["TaskRoleArn"]}
        if function.name == LAUNCH_FUNCTION:
            variables |= {name: outputs[output] for name, output in FARGATE_SETTINGS.items()}
        else:
            config["layers"] = layers_of(outputs)
        config["environment_variables"] = {PREFIX + name: variables[name] for name in variables}
    return config


def uses_ipv6(outputs: Mapping[str, str]) -> bool:
    return outputs["Network"] == "ipv6"
