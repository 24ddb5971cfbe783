"""Files beside a DAG file: found, stored once, pinned to the version, and kept as long as a version
refers to them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta

import pytest

from chalicelib.dag_files import PREFIX, content_key, decode_list, sha256_of
from chalicelib.enums import MaterialKind
from chalicelib.errors import Unavailable, UnreadableObject
from chalicelib.ports import ObjectInfo, StoredObject
from chalicelib.scheduler import file_pins, file_retention, registration
from tests.support.fakes import FakeBucket
from tests.support.world import SUCCEED, World

MakeWorld = Callable[..., World]


def dag(files: str, name: str = "D", command: str = "x") -> str:
    return f"name: {name}\nfiles: {files}\ntasks: [{{id: t, command: {command}}}]"


class Reads(FakeBucket):
    """Counts the objects that are read and the listings; has metadata, and objects that cannot be
    read."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []
        self.listed: list[str] = []
        self.metadata: dict[str, Mapping[str, str]] = {}
        self.odd: dict[str, str] = {}

    def get(self, key: str, *, limit: int | None = None) -> StoredObject | None:
        self.read.append(key)
        if key in self.odd:
            raise UnreadableObject(self.odd[key], etag="odd")
        stored = super().get(key, limit=limit)
        if stored is None:
            return None
        return StoredObject(key, stored.etag, stored.body, self.metadata.get(key, {}))

    def list(self, prefix: str, *, start_after: str = "", limit: int = 1000) -> list[ObjectInfo]:
        self.listed.append(prefix)
        return super().list(prefix, start_after=start_after, limit=limit)


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    made = make_world()
    reads = Reads()
    made.dags = reads
    object.__setattr__(made.scheduler, "dags", reads)
    return made


def reads(world: World) -> Reads:
    assert isinstance(world.dags, Reads)
    return world.dags


def put(world: World, *keys: str, body: bytes = b"") -> None:
    """Put an object without an event."""
    for key in keys:
        world.dags.put(key, body or key.encode())


def upload(world: World, key: str, body: bytes = b"x") -> int:
    world.dags.put(key, body)
    return registration.register(world.scheduler, [key])


def errors(world: World) -> dict[str, list[str]]:
    rows = world.all("SELECT file_key, problems FROM import_errors ORDER BY file_key")
    return {row[0]: [problem["message"] for problem in json.loads(row[1])] for row in rows}


def problem(world: World) -> str:
    [[message]] = errors(world).values()
    return str(message)


def versions(world: World) -> list[int]:
    return [row[0] for row in world.all("SELECT version FROM dag_versions ORDER BY id")]


def brought(world: World, dag_id: str = "d") -> dict[str, bytes]:
    """What a command of the latest run is given, by path."""
    world.request(dag_id)
    world.play(2, ticking=False)
    message = world.executor.started[-1][1]
    if not message.materials:
        return {}
    [material] = message.materials
    assert material.kind == MaterialKind.FILES
    listed = world.runs.objects[material.source]
    assert sha256_of(listed) == material.sha256
    return {f.path: world.runs.objects[content_key(f.sha256)] for f in decode_list(listed)}


def executables(world: World) -> set[str]:
    rows = world.all("SELECT path FROM listed_files WHERE is_executable")
    return {row[0] for row in rows}


def stored(world: World) -> set[str]:
    return {key for key in world.runs.objects if key.startswith(PREFIX)}


def test_a_dag_without_files_brings_nothing_and_lists_nothing(world: World) -> None:
    world.upload("name: D\ntasks: [{id: t, command: x}]")
    assert brought(world) == {}
    assert reads(world).listed == []
    assert stored(world) == set()


def test_commands_are_given_what_the_patterns_stand_for(world: World) -> None:
    names = ["s/a b.py", "s/é.py", "s/deep/c.py", "sql/.x/y.sql", ".top", "sql/", "other"]
    put(world, *(f"team/{name}" for name in names), "s/a b.py")
    world.upload(dag("[s/*.py, sql/, .top]"), "team/dag.yaml")
    assert set(brought(world)) == {"s/a b.py", "s/é.py", "sql/.x/y.sql", ".top"}
    assert brought(world)["s/a b.py"] == b"team/s/a b.py"


def test_a_single_name_needs_no_list(world: World) -> None:
    put(world, "run.sh")
    world.upload(dag("run.sh"))
    assert set(brought(world)) == {"run.sh"}


def test_the_dag_file_itself_is_not_brought_along(world: World) -> None:
    put(world, "x")
    world.upload(dag("./"))
    assert set(brought(world)) == {"x"}


@pytest.mark.parametrize("key", ["run.sh", "sql/a.sql", "sql/deep/b.sql"])
def test_a_dag_file_that_came_first_heals_when_its_file_arrives(world: World, key: str) -> None:
    world.upload(dag(f"[{key}]"))
    assert problem(world) == (
        f"'{key}' stands for no file in the bucket: upload what is missing, or correct the name"
    )
    assert upload(world, key) == 1
    assert errors(world) == {}
    assert set(brought(world)) == {key}


def test_until_then_the_version_before_stays_active(world: World) -> None:
    put(world, "a")
    world.upload(dag("[a]"))
    world.upload(dag("[a, b]"))
    assert set(brought(world)) == {"a"}
    assert "'b' stands for no file" in problem(world)


def test_a_lost_event_is_made_up_for_by_the_tick(world: World) -> None:
    put(world, "team/dag.yaml", body=dag("[sql/]").encode())
    registration.reconcile(world.scheduler)
    assert "stands for no file in the folder 'team/' of the bucket" in problem(world)
    put(world, "team/sql/a")
    assert registration.reconcile(world.scheduler) == 1
    assert errors(world) == {}
    put(world, "team/sql/a", body=b"changed")
    put(world, "team/other")
    assert registration.reconcile(world.scheduler) == 1
    world.dags.delete(["team/sql/a"])
    assert registration.reconcile(world.scheduler) == 1
    assert "stands for no file" in problem(world)
    assert registration.reconcile(world.scheduler) == 0


@pytest.mark.parametrize("change", ["changed", "added", "removed"])
def test_a_change_makes_a_new_version_and_runs_keep_theirs(world: World, change: str) -> None:
    put(world, "s/a", "s/b")
    world.upload(dag("[s/]"))
    before = brought(world)
    run_id = world.request("d")
    if change == "removed":
        world.dags.delete(["s/b"])
        assert registration.register(world.scheduler, ["s/b"]) == 1
    else:
        assert upload(world, "s/c" if change == "added" else "s/b", b"new") == 1
    assert versions(world) == [1, 2]
    world.play(2, ticking=False)
    message = next(m for _, m in world.executor.started if m.attempt.run_id == run_id)
    kept = decode_list(world.runs.objects[message.materials[0].source])
    assert {f.path: world.runs.objects[content_key(f.sha256)] for f in kept} == before
    assert brought(world) != before


def test_what_concerns_no_dag_changes_nothing_and_reads_nothing(world: World) -> None:
    put(world, "s/a", "s/b.py")
    world.upload(dag("[s/*.py, s/a]"))
    before = len(reads(world).read), len(reads(world).listed)
    for key in ("s/readme.md", "other/s/x.py", "s/deep/x.py"):
        assert upload(world, key) == 0
    assert (len(reads(world).read), len(reads(world).listed)) == before
    assert versions(world) == [1]


def test_a_doubled_event_writes_nothing(world: World) -> None:
    put(world, "s/a")
    world.upload(dag("[s/]"))
    [before] = world.all("SELECT max(seq) FROM commits")
    assert registration.register(world.scheduler, ["s/a", "dag.yaml", "s/a"]) == 0
    assert world.all("SELECT max(seq) FROM commits") == [before]


def test_only_what_changed_is_read_and_stored_again(world: World) -> None:
    put(world, "s/a", "s/b", "s/c")
    world.upload(dag("[s/]"))
    reads(world).read.clear()
    puts = world.runs.puts
    upload(world, "s/b", b"new")
    assert set(reads(world).read) == {"dag.yaml", "s/b"}
    assert world.runs.puts - puts == 2  # the content and the list


def test_the_same_content_is_stored_once(world: World) -> None:
    put(world, "s/a", "s/b", "t/c", body=b"same")
    world.upload(dag("[s/]"), "one.yaml")
    world.upload(dag("[t/]", "E"), "two.yaml")
    assert len(stored(world)) == 1 + 2  # and two lists


def test_one_file_may_serve_several_dags(world: World) -> None:
    put(world, "shared.sh")
    world.upload(dag("shared.sh"), "one.yaml")
    world.upload(dag("shared.sh", "E"), "two.yaml")
    assert upload(world, "shared.sh", b"new") == 2
    assert brought(world)["shared.sh"] == brought(world, "e")["shared.sh"] == b"new"


# What is refused


def test_too_many_files_are_refused_before_any_is_read(world: World) -> None:
    put(world, *(f"s/{number}" for number in range(1001)))
    world.upload(dag("[s/]"))
    assert problem(world) == "1001 files; at most 1000 are allowed"
    assert set(reads(world).read) == {"dag.yaml"}
    world.dags.delete(["s/7"])
    registration.register(world.scheduler, ["s/7"])
    assert len(brought(world)) == 1000


def test_too_large_files_are_refused_before_any_is_read(world: World) -> None:
    put(world, "s/a")
    put(world, "s/big", body=b"x" * (50 * 1024 * 1024))
    world.upload(dag("[s/]"))
    assert "the files have 52428803 bytes together, and at most 52428800" in problem(world)
    assert "the largest is 's/big' with 52428800" in problem(world)
    assert set(reads(world).read) == {"dag.yaml"}
    world.dags.delete(["s/a"])
    registration.register(world.scheduler, ["s/a"])
    assert set(brought(world)) == {"s/big"}


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("s/../../escaped", "`.` or `..`"),
        ("s//x", "an empty part"),
        ("s/./x", "`.` or `..`"),
        ("s/a\0b", "a NUL character"),
        ("s/" + "x" * 256, "more than 255 bytes"),
        ("s/" + "é" * 128, "more than 255 bytes"),
    ],
)
def test_an_object_whose_key_is_no_name_of_a_file_is_refused(
    world: World, key: str, text: str
) -> None:
    put(world, key)
    world.upload(dag("[s/]"))
    assert text in problem(world)
    assert stored(world) == set()


def test_a_file_that_is_also_a_folder_is_refused(world: World) -> None:
    put(world, "s/a", "s/a/b")
    world.upload(dag("[s/]"))
    assert problem(world) == "'s/a' is both a file and a folder"


def test_a_folder_named_as_a_file_is_explained(world: World) -> None:
    put(world, "sql/a")
    world.upload(dag("[sql]"))
    assert problem(world) == "'sql' is a folder: write 'sql/' for all in it"


def test_every_pattern_that_finds_nothing_is_reported_in_its_place(world: World) -> None:
    world.upload('name: D\nfiles:\n  - a\n  - "*.sql"\ntasks: [{id: t, command: x}]')
    [(problems,)] = world.all("SELECT problems FROM import_errors")
    places = [(p["line"], p["column"], p["path"]) for p in json.loads(problems)]
    assert places == [(3, 5, "files[0]"), (4, 5, "files[1]")]


def test_a_file_that_cannot_be_read_is_named(world: World) -> None:
    put(world, "s/a")
    reads(world).odd["s/a"] = "it is a symbolic link that leads outside"
    world.upload(dag("[s/]"))
    assert problem(world) == (
        "'s/a' cannot be brought along: it is a symbolic link that leads outside"
    )
    reads(world).odd.clear()
    registration.register(world.scheduler, ["s/a"])
    assert errors(world) == {}


def test_a_bucket_too_deep_to_look_through_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chalicelib.scheduler.file_match.LISTING_SIZE", 2)
    monkeypatch.setattr("chalicelib.scheduler.file_match.MAX_LISTINGS", 2)
    put(world, *(f"s/{number}" for number in range(5)))
    world.upload(dag("[s/0*]"))
    world.upload(dag("[s/]"))
    assert "objects to look through" in problem(world)


# Executable bits


@pytest.mark.parametrize(
    ("body", "metadata", "expected"),
    [
        (b"#!/bin/sh\n", {}, True),
        (b"\x7fELF...", {}, True),
        (b"select 1", {}, False),
        (b"select 1", {"mode": "0755"}, True),
        (b"select 1", {"mode": "100755"}, True),
        (b"select 1", {"mode": "33261"}, True),
        (b"#!/bin/sh\n", {"mode": "33188"}, False),
        (b"#!/bin/sh\n", {"mode": "100644"}, False),
        (b"#!/bin/sh\n", {"file-permissions": "0644"}, False),
        (b"#!/bin/sh\n", {"mode": "rw-r--r--"}, True),
        (b"#!/bin/sh\n", {"mode": "9" * 500}, True),
        (b"", {"mode": "\N{SUPERSCRIPT TWO}"}, False),
    ],
)
def test_what_is_executable(body: bytes, metadata: dict[str, str], expected: bool) -> None:
    assert file_pins.is_executable(body, metadata) is expected


def test_changed_metadata_make_a_new_version(world: World) -> None:
    put(world, "run.sh")
    world.upload(dag("run.sh"))
    assert executables(world) == set()
    reads(world).metadata["run.sh"] = {"mode": "0755"}
    assert registration.register(world.scheduler, ["run.sh"]) == 1
    assert executables(world) == {"run.sh"}
    assert versions(world) == [1, 2]


# YAML of other programs


def test_the_yaml_of_another_program_is_no_dag_file(world: World) -> None:
    world.upload("profile: x", "dbt/profiles.yml")
    assert list(errors(world)) == ["dbt/profiles.yml"]
    world.upload(dag("[dbt/]"))
    assert errors(world) == {}
    assert set(brought(world)) == {"dbt/profiles.yml"}
    world.upload("profile: y", "dbt/profiles.yml")
    world.upload("{% x %}", "dbt/more.yml")
    assert errors(world) == {}
    assert set(brought(world)) == {"dbt/profiles.yml", "dbt/more.yml"}
    assert registration.reconcile(world.scheduler) == 0
    world.remove()
    assert list(errors(world)) == ["dbt/more.yml", "dbt/profiles.yml"]


def test_a_broken_dag_file_stays_an_error_whoever_wants_it(world: World) -> None:
    world.upload(dag("[x.yaml]"))
    world.upload("name: X\ntasks: [{id: t, comand: x}]", "x.yaml")
    assert list(errors(world)) == ["x.yaml"]


# Keeping and removing


def forget_runs(world: World) -> None:
    with world.database.write() as tx:
        tx.execute("DELETE FROM runs")


def forget_old_versions(world: World) -> None:
    forget_runs(world)
    with world.database.write() as tx:
        tx.execute("DELETE FROM dag_versions WHERE id NOT IN (SELECT version_id FROM dags)")


def clean(world: World) -> int:
    file_retention.compare_bucket(world.scheduler)
    return file_retention.remove_unused(world.scheduler)


def test_contents_go_with_the_last_version_that_refers_to_them(world: World) -> None:
    put(world, "s/a", "s/b")
    world.upload(dag("[s/]"))
    upload(world, "s/b", b"new")
    world.clock.advance(3 * 86_400)
    assert clean(world) == 0
    forget_old_versions(world)
    assert clean(world) == 2  # the old content and the old list
    assert len(stored(world)) == 3
    assert set(brought(world)) == {"s/a", "s/b"}
    assert clean(world) == 0


class Crash(Exception):
    pass


def test_a_crash_between_upload_and_commit_leaves_nothing_for_ever(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise Crash

    put(world, "s/a")
    with monkeypatch.context() as patched:
        patched.setattr(file_pins.Pins, "save", crash)
        world.upload(dag("[s/]"))
    assert len(stored(world)) == 2
    world.dags.delete(["dag.yaml", "s/a"])
    registration.register(world.scheduler, ["dag.yaml"])
    assert clean(world) == 0  # it might be a registration under way
    world.clock.advance(2 * 86_400)
    assert clean(world) == 2
    assert stored(world) == set()


def test_what_is_being_removed_is_never_referred_to(world: World) -> None:
    put(world, "s/a")
    world.upload(dag("[s/]"))
    world.remove()
    forget_runs(world)
    with world.database.write() as tx:
        tx.execute("PRAGMA defer_foreign_keys = ON")
        tx.execute("DELETE FROM dags")
        tx.execute("DELETE FROM dag_versions")
    world.clock.advance(2 * 86_400)

    class Interleaved(FakeBucket):
        """A bucket in which a content is wanted again while it is deleted."""

        failed = False

        def delete(self, keys: Iterable[str]) -> None:
            with pytest.raises(Unavailable):
                world.upload(dag("[s/]"))
            self.failed = True
            super().delete(keys)

    deleting = Interleaved()
    for key, body in world.runs.objects.items():
        deleting.put(key, body)
    world.runs = deleting
    object.__setattr__(world.scheduler, "runs", deleting)
    assert clean(world) == 2
    assert deleting.failed
    world.upload(dag("[s/]"))
    assert brought(world) == {"s/a": b"s/a"}


def test_what_was_removed_while_it_was_pinned_is_not_referred_to(world: World) -> None:
    put(world, "s/a")
    world.upload(dag("[s/]"))
    world.remove()
    forget_runs(world)
    with world.database.write() as tx:
        tx.execute("DELETE FROM dags")
        tx.execute("DELETE FROM dag_versions")
    world.clock.advance(2 * 86_400)

    class Interleaved(FakeBucket):
        """The first upload comes after the removal of what is relied on."""

        removed = 0

        def put(self, key: str, body: bytes) -> None:
            if not self.removed:
                self.removed = 1
                self.removed = file_retention.remove_unused(world.scheduler)
            super().put(key, body)

    interleaved = Interleaved()
    interleaved.removed = 1
    for key, body in world.runs.objects.items():
        interleaved.put(key, body)
    interleaved.removed = 0
    world.runs = interleaved
    object.__setattr__(world.scheduler, "runs", interleaved)
    put(world, "s/b")
    with pytest.raises(Unavailable):
        world.upload(dag("[s/]"))
    assert interleaved.removed == 2  # the content and the old list
    world.upload(dag("[s/]"))
    assert set(brought(world)) == {"s/a", "s/b"}


def test_a_removal_that_was_interrupted_goes_on(world: World) -> None:
    put(world, "s/a")
    world.upload(dag("[s/]"))
    upload(world, "s/a", b"new")
    forget_old_versions(world)
    world.clock.advance(2 * 86_400)
    with world.database.write() as tx:
        from chalicelib.database.queries import files

        assert len(files.mark_unused(tx, world.clock() - timedelta(days=1), 1)) == 1
    assert clean(world) == 2
    assert len(stored(world)) == 2


def test_contents_that_are_lost_are_stored_again(world: World) -> None:
    """The database may be older than a removal, after a restore."""
    put(world, "s/a")
    world.upload(dag("[s/]"))
    world.runs.delete(list(stored(world)))
    world.clock.advance(2 * 86_400)
    file_retention.compare_bucket(world.scheduler)
    assert registration.reconcile(world.scheduler) == 1
    assert brought(world) == {"s/a": b"s/a"}
    assert versions(world) == [1]


def test_what_is_referred_to_is_stored_again_before_the_bucket_removes_it(world: World) -> None:
    put(world, "s/a")
    world.upload(dag("[s/]"))
    puts = world.runs.puts
    assert file_retention.renew(world.scheduler) == 0
    world.clock.advance(16 * 86_400)
    assert file_retention.renew(world.scheduler) == 2
    assert file_retention.renew(world.scheduler) == 0
    assert world.runs.puts - puts == 2


def test_a_long_bucket_is_compared_piece_by_piece(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_retention, "LISTING_SIZE", 2)
    monkeypatch.setattr(file_retention, "MAX_LISTINGS", 1)
    for number in range(5):
        world.runs.put(content_key(sha256_of(b"%d" % number)), b"%d" % number)
    found = [file_retention.compare_bucket(world.scheduler) for _ in range(4)]
    assert found == [2, 2, 1, 0]


def test_the_tick_cleans_up(make_world: MakeWorld) -> None:
    world = make_world(lambda _: SUCCEED)
    world.runs.put(content_key(sha256_of(b"orphan")), b"orphan")
    world.play(600)
    world.clock.advance(2 * 86_400)
    world.play(600)
    assert stored(world) == set()
