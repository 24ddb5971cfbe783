"""`deploy --task-layer`: which layers are refused, and how the others reach the commands."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.utils.lambda_env import layer_variables
from infra.__main__ import parser
from infra.aws import Aws
from infra.commands import deploy_options
from infra.errors import InfraError
from infra.functions import stage_config
from infra.layers import check
from tests.unit.infra.installation import OUTPUTS, PROD

REGION = PROD.location.region
LAYER = f"arn:aws:lambda:{REGION}:123456789012:layer:tools:3"


class Lambda:
    """Knows some layers, and the processors each is for."""

    def __init__(self, **architectures: list[str]) -> None:
        self._architectures = architectures

    def get_layer_version(self, LayerName: str, VersionNumber: int) -> dict[str, Any]:
        name = LayerName.rpartition(":")[2]
        if name not in self._architectures:
            answer = {"Error": {"Code": "ResourceNotFoundException", "Message": "no such layer."}}
            raise ClientError(answer, "GetLayerVersion")
        architectures = self._architectures[name]
        return {"Version": VersionNumber, "CompatibleArchitectures": architectures}


def refusal(*arns: str, **options: str) -> str:
    known = Lambda(tools=[], arm=["arm64"], both=["x86_64"])
    aws = Aws(PROD.location, None, _clients={"lambda": known})
    values = {"TaskLayers": ",".join(arns), **options}
    try:
        check(aws, values)
    except InfraError as error:
        return str(error)
    return ""


def test_a_layer_that_fits_is_accepted() -> None:
    assert refusal(LAYER) == ""
    assert refusal(LAYER, LAYER.replace("tools", "both")) == ""
    assert refusal("none") == ""


@pytest.mark.parametrize(
    ("arns", "reason"),
    [
        (["tools"], "this is no ARN of a layer: write arn:aws:lambda:REGION:ACCOUNT:layer:NAME"),
        ([LAYER[:-2]], "this is no ARN of a layer (the version is missing)"),
        ([LAYER[:-1] + "0"], "this is no ARN of a layer"),
        ([LAYER + ",x"], "this is no ARN of a layer"),
        (["arn:aws:s3:::bucket"], "this is no ARN of a layer"),
        ([""], ""),
        ([LAYER.replace(REGION, "us-east-1")], "the layer is in us-east-1, and a function can"),
        ([LAYER.replace("arn:aws:", "arn:aws-cn:")], "of its own region"),
        ([LAYER, LAYER[:-1] + "4"], "the layer is named twice"),
        ([LAYER.replace("tools", "gone")], "cannot be used (ResourceNotFoundException)"),
        ([LAYER.replace("tools", "arm")], "the layer is for arm64, and the functions run on x86"),
        ([LAYER.replace("tools", f"l{n}") for n in range(6)], "can have 5 layers, not 6"),
    ],
)
def test_any_other_is_refused_in_plain_words(arns: list[str], reason: str) -> None:
    assert reason in refusal(*arns)
    assert bool(refusal(*arns)) == bool(reason)


def test_a_layer_for_the_other_processor_fits_there() -> None:
    assert refusal(LAYER.replace("tools", "arm"), Architecture="arm64") == ""


def test_the_options_become_the_parameter() -> None:
    def chosen(*words: str) -> str:
        options = parser().parse_args(["deploy", "--stage", "x", *words])
        return deploy_options.parameters(options)["TaskLayers"]

    assert chosen("--task-layer", "a", "--task-layer", "b") == "a,b"
    assert chosen("--no-task-layer") == "none"
    with pytest.raises(SystemExit):
        chosen("--no-task-layer", "--task-layer", "a")


def test_only_the_functions_that_run_commands_have_the_layers() -> None:
    config = stage_config(PROD.stage, {**OUTPUTS, "TaskLayers": LAYER})
    with_layers = {n: f["layers"] for n, f in config["lambda_functions"].items() if "layers" in f}
    assert with_layers == {"execute": [LAYER]}
    assert config["environment_variables"]["ORCHESTRATOR_TASK_LAYERS"] == LAYER


def test_a_stack_from_before_has_none() -> None:
    older = {name: value for name, value in OUTPUTS.items() if name != "TaskLayers"}
    config = stage_config(PROD.stage, older)
    assert config["lambda_functions"]["execute"]["layers"] == []
    assert "ORCHESTRATOR_TASK_LAYERS" not in config["environment_variables"]


def test_commands_find_what_layers_bring() -> None:
    on_lambda = "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin"
    packages = "/opt/python/lib/python3.13/site-packages:/opt/python"
    found = layer_variables(on_lambda, "3.13")
    assert found == {"PATH": on_lambda, "PYTHONPATH": packages}
    assert layer_variables("/bin", "3.13")["PATH"] == "/bin:/opt/bin"
