"""Waiting for functions, whatever state they are found in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from infra.aws import Aws
from infra.errors import InfraError
from infra.names import Location, Stage
from infra.resources import function_settings
from tests.unit.infra.installation import OUTPUTS

ACTIVE = {"State": "Active", "LastUpdateStatus": "Successful"}
CHANGING = {"State": "Active", "LastUpdateStatus": "InProgress"}
REFUSED = {
    "State": "Active",
    "LastUpdateStatus": "Failed",
    "LastUpdateStatusReason": "no addresses left in subnet-a",
}


@dataclass
class FakeLambda:
    """Functions that go through `states`; the last one stays."""

    states: list[dict[str, str]]
    changes: list[dict[str, Any]] = field(default_factory=list)

    def get_function_configuration(self, **_: Any) -> dict[str, Any]:
        return dict(self.states.pop(0) if len(self.states) > 1 else self.states[0])

    def update_function_configuration(self, **changes: Any) -> None:
        self.changes.append(changes)

    def put_function_recursion_config(self, **_: Any) -> None:
        pass


def account(states: list[dict[str, str]], waited: list[float] | None = None) -> Aws:
    waits: list[float] = [] if waited is None else waited
    place = Location("aws", "eu-central-1", "111122223333")
    return Aws(place, None, waits.append, _clients={"lambda": FakeLambda(states)})


@pytest.mark.parametrize(
    ("states", "waits"),
    [
        ([ACTIVE], 0),
        ([CHANGING, CHANGING, ACTIVE], 2),
        ([{"State": "Pending", "LastUpdateStatus": "InProgress"}, ACTIVE], 1),
        ([{"State": "Inactive", "LastUpdateStatus": "Successful"}], 0),
        ([CHANGING, {"State": "Inactive", "LastUpdateStatus": "Successful"}], 1),
        ([{"State": "Failed", "LastUpdateStatus": "Successful"}], 0),
        ([REFUSED], 0),
        ([{}], 0),
    ],
    ids=str,
)
def test_before_a_change_every_state_in_which_nothing_is_under_way_will_do(
    states: list[dict[str, str]], waits: int
) -> None:
    waited: list[float] = []
    function_settings.wait_for_updates(account(states, waited), {"tick": "arn"})
    assert len(waited) == waits


def test_a_change_that_lambda_refuses_is_an_error_with_lambdas_reason() -> None:
    with pytest.raises(InfraError, match="could not be updated: no addresses left"):
        function_settings.apply_settings(
            account([ACTIVE] * 8 + [REFUSED]), Stage("prod"), OUTPUTS, lambda _: None
        )


def test_a_change_that_never_ends_is_an_error_with_a_remedy() -> None:
    with pytest.raises(InfraError, match="still being updated; run the same command again"):
        function_settings.wait_for_updates(account([CHANGING]), {"tick": "arn"})
