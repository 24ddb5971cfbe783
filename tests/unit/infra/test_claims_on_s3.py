"""How long claims on S3 count after an upgrade from a version that kept them there."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from infra.aws import Aws
from infra.functions import CLAIMS_ON_S3_UNTIL, FUNCTIONS, stage_config
from infra.names import Stage
from infra.resources.claims import TRANSITION, on_s3_until
from tests.unit.infra.installation import OUTPUTS

NOW = datetime(2026, 11, 28, 10, tzinfo=UTC)
TABLE = {"ORCHESTRATOR_CLAIMS_TABLE": "claims"}
PROD = Stage("prod")
ALL = [PROD.function(function.name) for function in FUNCTIONS]


@dataclass
class Functions:
    """An account: the functions' environments, by name."""

    environments: dict[str, dict[str, str]] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        assert service == "lambda"
        return self

    def get_function_configuration(self, FunctionName: str) -> dict[str, Any]:
        if FunctionName not in self.environments:
            answer: Any = {"Error": {"Code": "ResourceNotFoundException", "Message": "no function"}}
            raise ClientError(answer, "GetFunctionConfiguration")
        return {"Environment": {"Variables": self.environments[FunctionName]}}


def until(environments: dict[str, dict[str, str]], now: datetime = NOW) -> str:
    return on_s3_until(cast(Aws, Functions(environments)), PROD, now)


def everywhere(environment: dict[str, str]) -> dict[str, dict[str, str]]:
    return dict.fromkeys(ALL, environment)


def test_a_new_installation_has_no_claims_on_s3() -> None:
    assert until({}) == ""


def test_an_upgrade_honours_them_for_a_week() -> None:
    assert until(everywhere({})) == (NOW + TRANSITION).isoformat()


def test_an_upgrade_that_stopped_half_way_begins_the_week_anew() -> None:
    begun = {**TABLE, "ORCHESTRATOR_CLAIMS_ON_S3_UNTIL": NOW.isoformat()}
    half = {**everywhere({}), ALL[0]: begun}
    later = NOW + timedelta(days=3)
    assert until(half, later) == (later + TRANSITION).isoformat()


@pytest.mark.parametrize(("days", "counts"), [(6, True), (8, False)])
def test_the_next_deployment_keeps_the_week_and_removes_it_when_it_is_over(
    days: int, counts: bool
) -> None:
    end = (NOW + TRANSITION).isoformat()
    whole = everywhere({**TABLE, "ORCHESTRATOR_CLAIMS_ON_S3_UNTIL": end})
    assert until(whole, NOW + timedelta(days=days)) == (end if counts else "")


def test_an_installation_that_never_had_them_stays_so() -> None:
    assert until(everywhere(TABLE)) == ""


def test_the_functions_are_told() -> None:
    def variables(outputs: dict[str, str]) -> Any:
        return stage_config(PROD, outputs)["environment_variables"]

    assert variables(OUTPUTS)["ORCHESTRATOR_CLAIMS_TABLE"] == OUTPUTS["ClaimsTable"]
    assert "ORCHESTRATOR_CLAIMS_ON_S3_UNTIL" not in variables(OUTPUTS)
    told = variables({**OUTPUTS, CLAIMS_ON_S3_UNTIL: NOW.isoformat()})
    assert told["ORCHESTRATOR_CLAIMS_ON_S3_UNTIL"] == NOW.isoformat()
