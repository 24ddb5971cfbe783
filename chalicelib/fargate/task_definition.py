"""The requests to ECS: one task definition for each image and size, and the start of a task. Pure.

A definition holds nothing of an attempt, so that it is registered once and used by all: what
differs is in the start's overrides, and the task message in the runs bucket.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chalicelib.config import PREFIX, Settings
from chalicelib.fargate_sizes import FargateSize
from chalicelib.messages import Attempt

SIDECAR, COMMAND = "sidecar", "command"
"""The names of the two containers."""
VOLUME = "/orchestrator"
SIDECAR_IMAGE = "public.ecr.aws/lambda/python:3.13"
"""Lambda's own image: it has boto3, as the bundle expects, and what the bundle was built for."""
SIDECAR_MB = 128
"""What the sidecar has of the task's memory; a command that takes all the rest ends alone."""
STOP_SECONDS = 120
"""Between SIGTERM and SIGKILL; the most that Fargate allows."""
FREE_DISK_GB = 20

BOOTSTRAP = """
import io, os, sys, urllib.request, zipfile
bundle = urllib.request.urlopen(os.environ.pop("FARGATE_CODE_URL"), timeout=60).read()
zipfile.ZipFile(io.BytesIO(bundle)).extractall("/opt/orchestrator")
os.chdir("/opt/orchestrator")
os.execv(sys.executable, [sys.executable, "-m", "chalicelib.fargate.sidecar"])
"""
"""Fetches the bundle, whose packages are beside `chalicelib`, and becomes the sidecar."""

WRAPPER = Path(__file__).with_name("wrapper.sh")

SETTINGS_OF_SIDECAR = (
    "RUNS_BUCKET",
    "RESULTS_QUEUE",
    "CLAIMS_TABLE",
    "HEARTBEAT_SECONDS",
    "LOG_LEVEL",
)


@dataclass(frozen=True, slots=True)
class Installed:
    """What Fargate's tasks refer to: settings of `launch`, and what Lambda tells it of itself."""

    settings: Settings
    region: str
    stack: str
    function: str


def definition(installed: Installed, image: str | None, size: FargateSize) -> dict[str, Any]:
    """Return the request to register the task definition. Its family is named after its content."""
    content: dict[str, Any] = {
        "taskRoleArn": installed.settings.task_role,
        "executionRoleArn": installed.settings.fargate_execution_role,
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "runtimePlatform": {"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
        "cpu": str(size.cpu_units),
        "memory": str(size.memory_mb),
        "volumes": [{"name": "orchestrator"}],
        "containerDefinitions": [_sidecar(installed), _command(image, size)],
    }
    if installed.settings.fargate_disk_gb > FREE_DISK_GB:
        content["ephemeralStorage"] = {"sizeInGiB": installed.settings.fargate_disk_gb}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]
    return {"family": f"{installed.stack}-task-{digest}", **content}


def _sidecar(installed: Installed) -> dict[str, Any]:
    settings = installed.settings
    values = {PREFIX + name: getattr(settings, name.lower()) for name in SETTINGS_OF_SIDECAR}
    environment = {
        **{name: f"{value}" for name, value in values.items() if value != ""},
        "AWS_REGION": installed.region,
        "AWS_DEFAULT_REGION": installed.region,
        "FARGATE_RENEW": installed.function,
    }
    return {
        "name": SIDECAR,
        "image": SIDECAR_IMAGE,
        "essential": True,  # it ends last, after the report, and the task with it
        "entryPoint": ["/var/lang/bin/python3", "-c"],
        "command": [BOOTSTRAP],
        "environment": [{"name": name, "value": environment[name]} for name in environment],
        "memoryReservation": SIDECAR_MB,
        "mountPoints": _volume(),
        "stopTimeout": STOP_SECONDS,
    }


def _command(image: str | None, size: FargateSize) -> dict[str, Any]:
    return {
        "name": COMMAND,
        "image": image or SIDECAR_IMAGE,
        "essential": False,  # the sidecar has to report its end
        "entryPoint": ["sh", "-c"],
        "command": [WRAPPER.read_text(encoding="utf-8")],
        "memory": size.memory_mb - SIDECAR_MB,
        "mountPoints": _volume(),
        "stopTimeout": STOP_SECONDS,
        "linuxParameters": {"initProcessEnabled": True},
    }


def _volume() -> list[dict[str, Any]]:
    return [{"sourceVolume": "orchestrator", "containerPath": VOLUME, "readOnly": False}]


def start(
    installed: Installed,
    family: str,
    attempt: Attempt,
    environment: Mapping[str, str],
    *,
    has_retries: bool,
) -> dict[str, Any]:
    """Return the request to start the attempt's task. `environment` is the sidecar's own."""
    settings = installed.settings
    uses_spot = settings.fargate_spot == "yes" and has_retries
    provider = "FARGATE_SPOT" if uses_spot else "FARGATE"
    return {
        "cluster": settings.fargate_cluster,
        "taskDefinition": family,
        "capacityProviderStrategy": [{"capacityProvider": provider, "weight": 1, "base": 0}],
        "clientToken": token(attempt.prefix),
        "count": 1,
        "startedBy": re.sub(r"[^A-Za-z0-9_/-]", "-", f"{attempt.dag_id}/{attempt.task_id}")[:128],
        "networkConfiguration": {
            "awsvpcConfiguration": {
                "subnets": settings.fargate_subnets.split(","),
                "securityGroups": [settings.fargate_security_group],
                "assignPublicIp": "ENABLED",  # the way out without a NAT; nothing gets in
            }
        },
        "overrides": {
            "containerOverrides": [
                {
                    "name": SIDECAR,
                    "environment": [
                        {"name": name, "value": environment[name]} for name in environment
                    ],
                }
            ]
        },
    }


def token(prefix: str) -> str:
    """Return what names an attempt to ECS and STS, given the prefix of its keys: ECS starts one
    task for it, whatever is delivered twice."""
    return hashlib.sha256(prefix.encode()).hexdigest()
