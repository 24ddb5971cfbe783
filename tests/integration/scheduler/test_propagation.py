"""What follows from a change is followed up to its end, and never without one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chalicelib.scheduler.transaction import unit_of_work
from chalicelib.utils.ordered_set import OrderedSet
from tests.support.world import World


class Endless(OrderedSet[str]):
    """Keeps what is taken from it."""

    def pop(self) -> str:
        return next(iter(self))


def test_propagation_without_an_end_is_an_error_that_names_the_run(
    make_world: Callable[..., World],
) -> None:
    world = make_world()
    expected = r"^propagation did not converge after 10,000 rounds \(run d__1\)$"
    with pytest.raises(RuntimeError, match=expected), unit_of_work(world.scheduler) as work:
        work.changed_runs = Endless(["d__1"])


def test_a_chain_of_too_many_dags_ends_with_an_error_that_names_it(
    make_world: Callable[..., World],
) -> None:
    world = make_world()
    for number in range(22):
        world.upload(
            f"name: D{number}\ndag_id: d{number}\n"
            f"tasks: [{{id: go, trigger_dag_id: d{number + 1}, wait_for_completion: true}}]",
            f"{number}.yaml",
        )
    world.request("d0")
    world.play(3, ticking=False)
    reasons = {row[0] for row in world.all("SELECT reason FROM attempts")}
    assert any("more than 20 DAGs in a row: d0 -> d1" in reason for reason in reasons)
