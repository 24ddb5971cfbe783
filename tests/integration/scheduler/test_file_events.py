"""What S3 reports one by one, each to a process of its own, is registered once it has settled."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chalicelib.scheduler import file_events, registration
from chalicelib.scheduler.file_events import register_settled
from tests.support.world import World

MakeWorld = Callable[..., World]
DAG = "name: D\nfiles: [s/]\ntasks: [{id: t, command: x}]"


def no_wait(_seconds: float) -> None:
    pass


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    made = make_world()
    made.dags.put("s/a", b"a")
    made.upload(DAG)
    return made


def versions(world: World) -> int:
    return int(world.all("SELECT count(*) FROM dag_versions")[0][0])


def test_a_file_that_arrives_while_others_do_is_left_to_the_last_ones_report(world: World) -> None:
    """A thousand files make one version."""

    def arrive(_seconds: float) -> None:
        world.dags.put("s/c", b"c")

    world.dags.put("s/b", b"b")
    assert register_settled(world.scheduler, ["s/b"], arrive) == 0
    assert versions(world) == 1
    assert register_settled(world.scheduler, ["s/c"], no_wait) == 1
    assert versions(world) == 2


def test_of_several_processes_that_see_the_same_change_one_registers_it(world: World) -> None:
    world.dags.put("s/b", b"b")
    counts: list[int] = []

    def another(_seconds: float) -> None:
        counts.append(register_settled(world.scheduler, ["s/b"], no_wait))

    counts.append(register_settled(world.scheduler, ["s/b"], another))
    assert sorted(counts) == [0, 1]
    assert versions(world) == 2


def test_a_report_that_comes_while_another_process_registers_is_not_lost(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    register_files = registration.register_files
    nested: list[int] = []

    def interrupted(*args: object) -> int:
        count = register_files(*args)  # type: ignore[arg-type]
        if not nested:
            world.dags.put("s/c", b"c")
            nested.append(register_settled(world.scheduler, ["s/c"], no_wait))
        return count

    monkeypatch.setattr(registration, "register_files", interrupted)
    world.dags.put("s/b", b"b")
    assert register_settled(world.scheduler, ["s/b"], no_wait) == 2
    assert nested == [0]  # it found the lease taken
    rows = world.all(
        "SELECT path FROM listed_files WHERE list_sha256 ="
        " (SELECT files_sha256 FROM dag_versions ORDER BY id DESC LIMIT 1) ORDER BY path"
    )
    assert rows == [("s/a",), ("s/b",), ("s/c",)]


def test_a_process_that_dies_with_the_lease_holds_up_nobody_for_long(world: World) -> None:
    assert file_events._take_lease(world.scheduler, "dag.yaml")
    world.dags.put("s/b", b"b")
    assert register_settled(world.scheduler, ["s/b"], no_wait) == 0
    world.clock.advance(61)
    assert register_settled(world.scheduler, ["s/b"], no_wait) == 1
    world.dags.put("s/c", b"c")
    assert file_events._take_lease(world.scheduler, "dag.yaml")
    assert registration.reconcile(world.scheduler) == 1


def test_what_no_dag_file_wants_is_not_waited_for(world: World) -> None:
    def never(_seconds: float) -> None:
        pytest.fail("it waits")

    assert register_settled(world.scheduler, ["other"], never) == 0
    assert register_settled(world.scheduler, ["dag.yaml"], never) == 0


def test_keys_are_decoded() -> None:
    records = [{"s3": {"object": {"key": "a+b/%C3%A9%2B.sql"}}}]
    assert file_events.keys_of({"Records": records}) == ["a b/é+.sql"]
