"""The stack ends as the template says, from whatever state it is found in."""

from __future__ import annotations

import pytest

from infra.errors import InfraError, StackFailed
from infra.resources import stack
from tests.unit.infra.fakes import FakeCloudFormation, aws_with

CREATED = ["CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "CREATE_COMPLETE"]
UPDATED = ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"]
DELETED = ["DELETE_IN_PROGRESS", ""]


def converge(fake: FakeCloudFormation, **parameters: str) -> list[str]:
    """What the user was told."""
    said: list[str] = []
    stack.converge(aws_with(fake), "s", "template", {"Stage": "prod", **parameters}, said.append)
    return said


def test_a_stack_that_is_not_there_is_created_and_protected() -> None:
    fake = FakeCloudFormation(script={"create": CREATED})
    converge(fake)
    assert fake.calls == ["create"]
    assert fake.protected


@pytest.mark.parametrize(
    "status", ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"]
)
def test_a_stack_that_is_whole_is_updated(status: str) -> None:
    fake = FakeCloudFormation(status, script={"update": UPDATED})
    converge(fake)
    assert fake.calls == ["update"]


def test_a_stack_that_is_current_is_left_alone() -> None:
    fake = FakeCloudFormation("CREATE_COMPLETE", is_current=True)
    assert "stack s is up to date" in converge(fake)
    assert fake.calls == []


@pytest.mark.parametrize("status", sorted(stack.UNUSABLE))
def test_a_stack_that_never_lived_is_deleted_and_created_anew(status: str) -> None:
    script = {"delete": DELETED, "create": CREATED}
    fake = FakeCloudFormation(status, script=script, protected=True)
    converge(fake)
    assert fake.calls == ["delete", "create"]


def test_a_way_back_that_failed_is_finished_before_the_update() -> None:
    script = {
        "continue": ["UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"],
        "update": UPDATED,
    }
    fake = FakeCloudFormation("UPDATE_ROLLBACK_FAILED", script=script)
    converge(fake)
    assert fake.calls == ["continue", "update"]


@pytest.mark.parametrize(
    ("ahead", "call"),
    [(["CREATE_COMPLETE"], "update"), (["ROLLBACK_COMPLETE"], "delete"), ([""], "create")],
)
def test_what_somebody_else_began_is_waited_for(ahead: list[str], call: str) -> None:
    script = {"update": UPDATED, "delete": DELETED, "create": CREATED}
    fake = FakeCloudFormation(script=script, ahead=["UPDATE_IN_PROGRESS", *ahead])
    converge(fake)
    assert fake.calls[0] == call


def test_a_failure_names_the_resource_and_the_reason_but_not_what_was_only_cancelled() -> None:
    fake = FakeCloudFormation(
        script={"create": ["CREATE_IN_PROGRESS", "ROLLBACK_COMPLETE"]},
        failures=[
            ("DagsBucket", "orchestrator-prod-1-dags already exists"),
            ("RunsBucket", "Resource creation cancelled"),
        ],
    )
    with pytest.raises(StackFailed) as failed:
        converge(fake)
    assert "s is ROLLBACK_COMPLETE" in str(failed.value)
    assert "DagsBucket (AWS::X::Y): orchestrator-prod-1-dags already exists" in str(failed.value)
    assert "RunsBucket" not in str(failed.value)
    assert not fake.protected


def test_parameters_that_are_not_given_stay_and_those_of_an_older_template_go() -> None:
    fake = FakeCloudFormation(
        "CREATE_COMPLETE",
        script={"update": UPDATED},
        parameters={"Stage": "prod", "TaskMemory": "1024", "AlarmEmail": "a@b.c", "Old": "1"},
        known=("Stage", "TaskMemory", "AlarmEmail", "New"),
    )
    converge(fake, TaskMemory="2048")
    assert fake.given == {"Stage": "prod", "TaskMemory": "2048", "AlarmEmail": "a@b.c"}


def test_deleting_takes_the_protection_off_first_and_nothing_to_delete_is_fine() -> None:
    fake = FakeCloudFormation("CREATE_COMPLETE", script={"delete": DELETED}, protected=True)
    stack.delete(aws_with(fake), "s", lambda _: None)
    stack.delete(aws_with(fake), "s", lambda _: None)
    assert fake.calls == ["delete"]


def test_a_stack_that_cannot_be_deleted_says_why() -> None:
    fake = FakeCloudFormation(
        "CREATE_COMPLETE",
        script={"delete": ["DELETE_IN_PROGRESS", "DELETE_FAILED"]},
        failures=[("RunsBucket", "The bucket you tried to delete is not empty")],
    )
    with pytest.raises(StackFailed, match="not empty"):
        stack.delete(aws_with(fake), "s", lambda _: None)


def test_the_outputs_of_a_stack_that_is_not_there_are_an_error_with_a_remedy() -> None:
    with pytest.raises(InfraError, match="python -m infra deploy"):
        stack.outputs_of(aws_with(FakeCloudFormation()), "s")


IN_USE = (
    "resource sg-1 has a dependent object (Service: Ec2, Status Code: 400, DependencyViolation)"
)


def test_a_stack_whose_resources_are_only_still_in_use_is_deleted_again() -> None:
    script = {"delete": ["DELETE_IN_PROGRESS", "DELETE_FAILED"]}
    fake = FakeCloudFormation("CREATE_COMPLETE", script=script, failures=[("Group", IN_USE)])
    fake.scripts_after["delete"] = DELETED
    said: list[str] = []
    stack.delete(aws_with(fake), "s", said.append)
    assert fake.calls == ["delete", "delete"]
    assert [line for line in said if "still in use" in line]


def test_a_stack_is_not_deleted_again_for_ever() -> None:
    script = {"delete": ["DELETE_IN_PROGRESS", "DELETE_FAILED"]}
    fake = FakeCloudFormation("CREATE_COMPLETE", script=script, failures=[("Group", IN_USE)])
    with pytest.raises(StackFailed, match="dependent object"):
        stack.delete(aws_with(fake), "s", lambda _: None)
    assert len(fake.calls) == stack.DELETE_ATTEMPTS


def test_what_is_chosen_once_is_chosen_only_when_the_stack_is_created() -> None:
    def chosen(fake: FakeCloudFormation) -> dict[str, str]:
        stack.converge(aws_with(fake), "s", "t", {}, lambda _: None, lambda: {"ZoneA": "new"})
        return fake.given

    known = ("Stage", "ZoneA")
    assert chosen(FakeCloudFormation(script={"create": CREATED}))["ZoneA"] == "new"
    kept = FakeCloudFormation(
        "CREATE_COMPLETE", script={"update": UPDATED}, parameters={"ZoneA": "old"}, known=known
    )
    assert chosen(kept)["ZoneA"] == "old"
