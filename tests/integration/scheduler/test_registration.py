"""Files of the bucket become DAGs or import errors, whatever becomes of their events."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

import pytest

from chalicelib.ports import ObjectInfo, StoredObject
from chalicelib.scheduler import registration
from tests.support.fakes import FakeBucket
from tests.support.world import Played, World

MakeWorld = Callable[..., World]

GOOD = 'name: D\nschedule: "0 * * * *"\ntasks: [{id: t, command: one}]'
BETTER = GOOD.replace("one", "two")
BROKEN = "name: D\ntasks: [{id: t, comand: x}]"


def versions(world: World) -> list[tuple[int, str]]:
    rows = world.all("SELECT version, compiled FROM dag_versions ORDER BY id")
    return [(row[0], json.loads(row[1])["tasks"][0]["command"]) for row in rows]


def errors(world: World) -> list[tuple[str, str]]:
    rows = world.all("SELECT file_key, problems FROM import_errors ORDER BY file_key")
    return [(row[0], json.loads(row[1])[0]["message"]) for row in rows]


def test_a_change_makes_a_new_version(make_world: MakeWorld) -> None:
    world = make_world()
    assert (world.upload(GOOD), world.upload(BETTER)) == (1, 1)
    assert versions(world) == [(1, "one"), (2, "two")]


def test_a_doubled_event_changes_nothing(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(GOOD)
    assert registration.register(world.scheduler, ["dag.yaml", "dag.yaml"]) == 0
    assert versions(world) == [(1, "one")]


def test_the_same_text_under_a_new_etag_is_no_new_version(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(GOOD)
    with world.database.write() as tx:
        tx.execute("UPDATE dag_files SET etag = 'other'")
    assert registration.register(world.scheduler, ["dag.yaml"]) == 1
    assert versions(world) == [(1, "one")]


def test_a_late_event_of_a_removed_file_removes_only_what_is_gone(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(GOOD)
    assert registration.register(world.scheduler, ["dag.yaml"]) == 0  # "removed", but it is there
    assert world.all("SELECT removed_at FROM dags") == [(None,)]


def test_a_lost_event_is_found_by_the_tick(make_world: MakeWorld) -> None:
    world = make_world()
    world.dags.put("dag.yaml", GOOD.encode())
    world.tick()
    assert versions(world) == [(1, "one")]
    world.dags.put("dag.yaml", BETTER.encode())
    world.play(301)
    assert versions(world) == [(1, "one"), (2, "two")]
    world.dags.delete(["dag.yaml"])
    world.play(301)
    assert world.all("SELECT removed_at IS NOT NULL, next_fire_at FROM dags") == [(1, None)]


class ChangingBucket(FakeBucket):
    """A bucket whose object changes right after it was first read."""

    def get(self, key: str, *, limit: int | None = None) -> StoredObject | None:
        found = super().get(key, limit=limit)
        if found is not None and found.body == GOOD.encode():
            self.put(key, BETTER.encode())
        return found


def test_a_slow_registration_of_an_old_content_does_not_win(make_world: MakeWorld) -> None:
    world = make_world()
    bucket = ChangingBucket()
    bucket.put("dag.yaml", GOOD.encode())
    object.__setattr__(world.scheduler, "dags", bucket)
    registration.register(world.scheduler, ["dag.yaml"])
    assert versions(world)[-1] == (2, "two")


def test_a_broken_file_changes_nothing_but_the_import_errors(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(GOOD)
    before = world.all("SELECT * FROM dags")
    world.upload(BROKEN)
    assert world.all("SELECT * FROM dags") == before
    assert versions(world) == [(1, "one")]
    assert [key for key, _ in errors(world)] == ["dag.yaml"]
    run_id = world.request("d")
    world.play(1, ticking=False)
    assert world.run_state(run_id) == "success"
    world.upload(GOOD)
    assert errors(world) == []


WARNED = """\
name: d
params: {n: "3"}
tasks:
  - id: a
    command: echo $((PARAM_N + 1))
"""


def test_warnings_are_those_of_the_file_as_it_was_last_read(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(WARNED)
    ((first,),) = world.all("SELECT warnings FROM dags")
    assert [(w["line"], w["code"]) for w in json.loads(first)] == [(5, "value_evaluated")]
    run_id = world.request("d")
    world.play(1, ticking=False)
    assert world.run_state(run_id) == "success"
    world.upload(BROKEN)
    assert world.all("SELECT warnings FROM dags") == [(first,)]
    world.upload(WARNED.replace('"3"', "3"))
    assert world.all("SELECT warnings FROM dags") == [("[]",)]


def test_the_lines_around_a_problem_are_kept_with_it(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload("name: x\ntasks:\n  - id: a\n    comand: echo\n")
    ((lines,),) = world.all("SELECT lines FROM import_errors")
    assert {"line": 4, "text": "    comand: echo"} in json.loads(lines)


def test_a_file_that_was_never_good_is_only_an_import_error(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(BROKEN)
    assert world.all("SELECT * FROM dags") == []
    world.remove()
    assert errors(world) == []


@pytest.mark.parametrize("body", [b"\xff\xfe", b"a: &a [*a]", b"- 1", b"", b"{" * 9000])
def test_bytes_that_are_no_dag_are_an_import_error(make_world: MakeWorld, body: bytes) -> None:
    world = make_world()
    world.dags.put("dag.yaml", body)
    registration.register(world.scheduler, ["dag.yaml"])
    assert len(errors(world)) == 1


def test_the_second_file_that_claims_a_dag_id_is_refused_naming_the_first(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    world.upload(GOOD, "first.yaml")
    world.upload(BETTER, "second.yaml")
    assert versions(world) == [(1, "one")]
    ((key, message),) = errors(world)
    assert key == "second.yaml"
    assert "'first.yaml'" in message


def test_the_second_file_takes_over_when_the_first_is_removed(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(GOOD, "first.yaml")
    world.upload(BETTER, "second.yaml")
    world.remove("first.yaml")
    assert errors(world) == []
    assert versions(world)[-1] == (2, "two")
    assert world.all("SELECT file_key, removed_at FROM dags") == [("second.yaml", None)]


def test_a_file_that_changes_its_dag_id_removes_the_old_dag(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(GOOD)
    world.upload(GOOD.replace("name: D", "name: E"))
    rows = world.all("SELECT dag_id, removed_at IS NULL FROM dags ORDER BY dag_id")
    assert rows == [("d", 0), ("e", 1)]


def test_two_files_that_swap_their_dags_both_stay_registered(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(GOOD, "1.yaml")
    world.upload(GOOD.replace("name: D", "name: E"), "2.yaml")
    world.upload(GOOD.replace("name: D", "name: E"), "1.yaml")
    world.upload(GOOD, "2.yaml")
    rows = world.all("SELECT dag_id, file_key, removed_at FROM dags ORDER BY dag_id")
    assert rows == [("d", "2.yaml", None), ("e", "1.yaml", None)]
    assert errors(world) == []


def test_a_removed_dag_ends_its_waiting_runs_and_finishes_the_others(make_world: MakeWorld) -> None:
    world = make_world(lambda _: Played(seconds=5))
    world.upload(GOOD + "\nmax_active_runs: 1")
    running, waiting = world.request("d"), world.request("d")
    world.play(1, ticking=False)
    world.remove()
    world.play(10, ticking=False)
    assert world.run_state(running) == "success"
    assert world.run_state(waiting) == "cancelled"


def test_none_of_many_waiting_runs_outlives_its_dag(make_world: MakeWorld) -> None:
    world = make_world(lambda _: Played(seconds=5), reconcile_seconds="60")
    world.upload(GOOD + "\nmax_active_runs: 1")
    for _ in range(registration.MAX_STOPPED + 3):
        world.request("d")
        world.clock.advance(0.001)
    world.remove()
    world.play(130)
    states = world.all("SELECT state, count(*) FROM runs GROUP BY state ORDER BY state")
    assert states == [("cancelled", registration.MAX_STOPPED + 2), ("success", 1)]


def test_a_dag_that_comes_back_keeps_its_history(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(GOOD)
    run_id = world.request("d")
    world.play(1, ticking=False)
    world.remove()
    world.upload(BETTER)
    assert world.run_state(run_id) == "success"
    assert world.all("SELECT removed_at FROM dags") == [(None,)]
    assert versions(world) == [(1, "one"), (2, "two")]


def test_files_that_are_not_yaml_are_left_alone(make_world: MakeWorld) -> None:
    world = make_world()
    world.dags.put("README.md", b"not a DAG")
    assert registration.register(world.scheduler, ["README.md"]) == 0
    world.tick()
    assert errors(world) == []


def test_a_dag_may_be_registered_paused(make_world: MakeWorld) -> None:
    world = make_world()
    world.upload(GOOD + "\nis_paused_upon_creation: true")
    assert world.all("SELECT is_paused, next_fire_at FROM dags") == [(1, None)]


def keys(world: World, names: Iterable[str]) -> None:
    for name in names:
        world.dags.put(name, GOOD.replace("name: D", f"name: {name}").encode())


class ListedBucket(FakeBucket):
    """Holds these objects, and counts how often it is listed."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        super().__init__()
        self.listings = 0
        for key, body in objects.items():
            self.put(key, body)

    def list(self, prefix: str, *, start_after: str = "", limit: int = 1000) -> list[ObjectInfo]:
        self.listings += 1
        return super().list(prefix, start_after=start_after, limit=limit)


def test_a_bucket_of_more_than_one_page_is_compared_whole(make_world: MakeWorld) -> None:
    world = make_world()
    keys(world, (f"n{number:04d}.yaml" for number in range(1100)))
    for _ in range(11):
        registration.reconcile(world.scheduler)
    assert world.all("SELECT count(*) FROM dags") == [(1100,)]


def test_a_tick_takes_on_so_many_files_and_the_next_one_the_others(make_world: MakeWorld) -> None:
    world = make_world()
    most = registration.MAX_FILES_PER_ROUND
    keys(world, (f"n{number:04d}.yaml" for number in range(most + 50)))
    registered = []
    for _ in range(3):
        registered.append(world.tick().counts.get("files_registered", 0))
        world.clock.advance(60)
    assert registered == [most, 50, 0]


def test_a_bucket_full_of_other_things_costs_no_more_than_so_many_listings(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    keys(world, ("a.yaml", "b.yaml", "z.yaml"))
    registration.reconcile(world.scheduler)
    for number in range(20_001):
        world.dags.objects[f"c{number:06d}.txt"] = b""
    crowded = ListedBucket(world.dags.objects)
    object.__setattr__(world.scheduler, "dags", crowded)
    crowded.delete(["b.yaml"])
    registration.reconcile(world.scheduler)
    assert crowded.listings == registration.MAX_LISTINGS
    removed = world.all("SELECT dag_id, removed_at IS NOT NULL FROM dags ORDER BY dag_id")
    assert removed == [("a_yaml", 0), ("b_yaml", 1), ("z_yaml", 0)]


def commits(world: World) -> int:
    (row,) = world.all("SELECT max(seq) FROM commits")
    return int(row[0])


def test_many_files_share_one_commit(make_world: MakeWorld) -> None:
    world = make_world()
    registration.reconcile(world.scheduler)  # the first one also stores which places there are
    for number in range(60):
        world.dags.put(
            f"{number}.yaml", f"name: D{number}\ntasks: [{{id: t, command: x}}]".encode()
        )
    before = commits(world)
    assert registration.reconcile(world.scheduler) == 60
    assert world.all("SELECT count(*) FROM dags") == [(60,)]
    assert commits(world) - before == 2


def test_a_file_that_cannot_be_committed_takes_no_other_with_it(make_world: MakeWorld) -> None:
    world = make_world()
    with world.database.write() as tx:
        tx.script(
            [
                "CREATE TRIGGER refuse BEFORE INSERT ON dags WHEN new.dag_id = 'bad'"
                " BEGIN SELECT RAISE(ABORT, 'no'); END"
            ]
        )
    for name in ("a", "bad", "z"):
        world.dags.put(f"{name}.yaml", f"name: {name}\ntasks: [{{id: t, command: x}}]".encode())
    registration.reconcile(world.scheduler)
    assert world.all("SELECT dag_id FROM dags ORDER BY 1") == [("a",), ("z",)]
    assert world.all("SELECT file_key FROM import_errors") == [("bad.yaml",)]
