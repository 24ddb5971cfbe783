"""The Lambda layers that bring programs for commands: `deploy --task-layer`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from botocore.exceptions import ClientError

from infra.aws import Aws
from infra.errors import InfraError
from infra.runtime import Runtime

PARAMETER = "TaskLayers"
"""Of the stack, and its output: ARNs separated by commas, or NONE."""
NONE = "none"
"""An output cannot be empty."""
MAX_LAYERS = 5
"""Lambda's limit for a function."""

_ARN = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):lambda:(?P<region>[a-z0-9-]+):[0-9]{12}"
    r":layer:[A-Za-z0-9_-]{1,140}:(?P<version>[1-9][0-9]*)"
)
_EXAMPLE = "arn:aws:lambda:REGION:ACCOUNT:layer:NAME:VERSION"


def layers_of(values: Mapping[str, str]) -> list[str]:
    """The ARNs in the parameters or outputs of a stack; older stacks have none."""
    text = values.get(PARAMETER, NONE)
    return [] if text in ("", NONE) else text.split(",")


def check(aws: Aws, values: Mapping[str, str]) -> None:
    """Raise InfraError if the functions that run commands cannot have these layers."""
    arns = layers_of(values)
    if len(arns) > MAX_LAYERS:
        raise InfraError(f"--task-layer: a function can have {MAX_LAYERS} layers, not {len(arns)}")
    names = [arn.rpartition(":")[0] for arn in arns]
    for arn, name in zip(arns, names, strict=True):
        if names.count(name) > 1:
            raise InfraError(f"--task-layer {arn}: the layer is named twice; keep one version")
        _check_arn(aws, arn)
    for arn in arns:
        _check_layer(aws, arn, Runtime.of(values))


def _check_arn(aws: Aws, arn: str) -> None:
    found = _ARN.fullmatch(arn)
    if found is None:
        hint = " (the version is missing)" if _ARN.fullmatch(f"{arn}:1") else ""
        raise InfraError(f"--task-layer {arn}: this is no ARN of a layer{hint}: write {_EXAMPLE}")
    region = aws.location.region
    if found["region"] != region or found["partition"] != aws.location.partition:
        raise InfraError(
            f"--task-layer {arn}: the layer is in {found['region']}, and a function can only have"
            f" layers of its own region, {region}"
        )


def _check_layer(aws: Aws, arn: str, runtime: Runtime) -> None:
    name, _, version = arn.rpartition(":")
    try:
        layer = aws.client("lambda").get_layer_version(LayerName=name, VersionNumber=int(version))
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        why = error.response.get("Error", {}).get("Message", "")
        raise InfraError(
            f"--task-layer {arn}: the layer cannot be used ({code}): {why} Check its name and"
            " version, and that its owner shares it with this account"
        ) from error
    architectures = layer.get("CompatibleArchitectures") or [runtime.architecture]
    if runtime.architecture not in architectures:
        raise InfraError(
            f"--task-layer {arn}: the layer is for {', '.join(architectures)}, and the functions"
            f" run on {runtime.architecture} (--architecture)"
        )
