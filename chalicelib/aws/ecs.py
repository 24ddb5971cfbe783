"""Containers on Amazon ECS."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.aws.clients import answer_of, client, translated_for_users
from chalicelib.errors import OrchestratorError, Unavailable
from chalicelib.fargate.launch import StartedTask

_LATER = re.compile(r"capacity|reached the limit|rate exceeded|RESOURCE:|AGENT", re.IGNORECASE)
"""What ECS says where asking later helps."""
_ENDED = ("DEPROVISIONING", "STOPPED")


class EcsContainers:
    """Implements `chalicelib.fargate.launch.Containers`."""

    def __init__(self, get_client: Callable[[str], Any] = client) -> None:
        self._get_client = get_client
        self._defined: set[str] = set()

    def define(self, request: Mapping[str, Any]) -> None:
        family = request["family"]
        if family in self._defined:
            return
        if not self._is_defined(family):
            with _answers(f"task definition {family}"):
                self._get_client("ecs").register_task_definition(**request)
        self._defined.add(family)

    def _is_defined(self, family: str) -> bool:
        try:
            with _answers(f"task definition {family}"):
                self._get_client("ecs").describe_task_definition(taskDefinition=family)
        except OrchestratorError as error:
            if error.details.get("code") == "ClientException":  # its way of saying: not found
                return False
            raise
        return True

    def start(self, request: Mapping[str, Any]) -> StartedTask:
        with _answers("ECS"):
            try:
                answer = self._get_client("ecs").run_task(**request)
            except ClientError as error:
                if answer_of(error)[1] != "ConflictException":
                    raise
                # The token is in use: the overrides hold another session now.
                return self._look(request["cluster"], str(error.response["resourceIds"][0]))
        if answer["tasks"]:
            return _started(answer["tasks"][0])
        failure = answer["failures"][0] if answer.get("failures") else {}
        reason = f"{failure.get('reason', 'ECS gave no reason')} {failure.get('detail', '')}"
        raise _refusal("ECS", reason.strip())

    def _look(self, cluster: str, arn: str) -> StartedTask:
        tasks = self._get_client("ecs").describe_tasks(cluster=cluster, tasks=[arn])["tasks"]
        # ECS forgets a stopped task after an hour.
        return _started(tasks[0]) if tasks else StartedTask(arn, "it is gone")

    def code_url(self, function: str) -> str:
        with _answers(f"function {function}"):
            answer = self._get_client("lambda").get_function(FunctionName=function)
        return str(answer["Code"]["Location"])


def _started(task: Mapping[str, Any]) -> StartedTask:
    if task.get("lastStatus") not in _ENDED:
        return StartedTask(task["taskArn"])
    reasons = [task.get("stoppedReason"), *(c.get("reason") for c in task.get("containers", ()))]
    return StartedTask(task["taskArn"], "; ".join(filter(None, reasons)) or "no reason was given")


class _answers:
    """Turns boto3's errors into ours, those of missing capacity into Unavailable."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._translated = translated_for_users(what)

    def __enter__(self) -> None:
        self._translated.__enter__()

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool | None:
        if isinstance(error, ClientError) and _LATER.search(str(error)):
            raise _refusal(self._what, str(error)) from error
        return self._translated.__exit__(kind, error, trace)


def _refusal(what: str, reason: str) -> OrchestratorError:
    text = f"{what}: {reason}"
    return Unavailable(text) if _LATER.search(reason) else OrchestratorError(text)
