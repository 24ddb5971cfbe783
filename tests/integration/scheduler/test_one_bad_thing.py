"""What is bad in one place is said there, and stands in nobody else's way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from chalicelib.scheduler import backfill
from tests.support.world import World

MakeWorld = Callable[..., World]


def test_a_date_that_gives_no_good_params_does_not_stop_its_backfill(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    world.upload(
        'name: D\nschedule: "@daily"\nmax_active_runs: 1\ntasks: [{id: t, command: x}]\n'
        "params: {day: {default: '{{ ds }}', pattern: '.*-(18|20)'}}"
    )
    now = world.clock()
    first, last = now - timedelta(days=5.5), now - timedelta(days=2.5)
    backfill.create(world.scheduler, "d", who="a", from_date=first, to_date=last)
    world.play(2, ticking=False)
    assert world.all("SELECT state, counts FROM backfills") == [
        ("done", '{"made": 2, "refused": 1}')
    ]
    assert world.all("SELECT DISTINCT state FROM runs") == [("success",)]
