"""The routes about DAGs, as a client sees them."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from chalicelib import bootstrap
from chalicelib.dag.model import Dag, Task
from chalicelib.scheduler import registration
from tests.support.api import Api


@pytest.fixture
def three(api: Api) -> Api:
    api.rows.dag("sales", name="Daily Sales", schedule=("0 6 * * *",), tags=("money",), owner="ann")
    api.rows.dag("ops", description="Cleans up 100% of it", is_paused=True, tags=("money", "x"))
    api.rows.dag("old")
    api.rows.removed("old")
    return api


def ids(api: Api, query: str) -> list[str]:
    reply = api.get(f"/api/dags?{query}")
    assert reply.status == 200, reply.json
    return [dag["dag_id"] for dag in reply.json["dags"]]


def test_dags_are_listed_by_id_without_removed_ones(three: Api) -> None:
    assert ids(three, "") == ["ops", "sales"]


def test_a_listed_dag_tells_all_that_a_list_shows(three: Api) -> None:
    run_id = three.rows.run("sales", "failed")
    (dag,) = three.get("/api/dags?search=daily").json["dags"]
    assert dag.pop("last_run") == {
        "run_id": run_id,
        "state": "failed",
        "logical_date": "2026-11-23T10:05:00Z",
        "started_at": "2026-11-23T10:05:01Z",
        "ended_at": "2026-11-23T10:05:03.500000Z",
        "failed_tasks": 0,
    }
    assert dag == {
        "dag_id": "sales",
        "name": "Daily Sales",
        "description": None,
        "owner": "ann",
        "tags": ["money"],
        "schedule": ["0 6 * * *"],
        "timezone": "UTC",
        "is_paused": False,
        "paused_reason": None,
        "next_fire_at": "2026-11-23T11:01:00Z",
        "max_active_runs": 16,
        "max_active_tasks": 16,
        "version": 1,
        "file_key": "sales.yaml",
        "problem": None,
        "has_import_error": False,
        "warning_count": 0,
        "created_at": "2026-11-23T10:01:00Z",
        "updated_at": "2026-11-23T10:01:00Z",
        "removed_at": None,
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("tag=money", ["ops", "sales"]),
        ("tag=x", ["ops"]),
        ("tag=none", []),
        ("paused=true", ["ops"]),
        ("paused=false", ["sales"]),
        ("search=SALES", ["sales"]),
        ("search=cleans", ["ops"]),
        ("search=100%25", ["ops"]),
        ("search=1%25f", []),
        ("search=s_les", []),
        ("tag=money&paused=false&search=daily", ["sales"]),
        ("tag=money&paused=true&search=daily", []),
    ],
)
def test_dags_are_filtered(three: Api, query: str, expected: list[str]) -> None:
    assert ids(three, query) == expected


def test_the_last_run_is_the_one_made_last(three: Api) -> None:
    three.rows.run("sales")
    newest = three.rows.run("sales", "running")
    assert three.get("/api/dags/sales").json["last_run"]["run_id"] == newest


def test_a_dag_whose_file_is_broken_now_says_so(three: Api) -> None:
    three.rows.broken("sales.yaml")
    broken = {d["dag_id"]: d["has_import_error"] for d in three.get("/api/dags").json["dags"]}
    assert broken == {"ops": False, "sales": True}


def test_pages_of_dags_join_to_the_whole_list(api: Api) -> None:
    for number in range(7):
        api.rows.dag(f"dag{number}", tags=("t",))
    expected = [f"dag{number}" for number in range(7)]
    for limit in (1, 3, 7):
        assert [d["dag_id"] for d in api.everything("/api/dags", "dags", limit=limit)] == expected
        tagged = api.everything("/api/dags", "dags", limit=limit, tag="t")
        assert [d["dag_id"] for d in tagged] == expected


def test_one_dag_comes_with_its_tasks_and_graph(api: Api) -> None:
    tasks = (Task("a", "echo a"), Task("b", "echo b", ("a",), retries=2, env={"K": "v"}))
    api.rows.dag("d", tasks=tasks, doc_md="# Doc", env={"E": "1"}, start_date="2026-01-01T00:00Z")
    dag = api.get("/api/dags/d").json
    assert [task["id"] for task in dag["tasks"]] == ["a", "b"]
    assert dag["tasks"][1]["retries"] == 2
    assert dag["tasks"][1]["env"] == {"K": "v"}
    assert dag["graph"] == {"nodes": ["a", "b"], "edges": [{"source": "a", "target": "b"}]}
    assert (dag["doc_md"], dag["env"], dag["start_date"]) == (
        "# Doc",
        {"E": "1"},
        "2026-01-01T00:00Z",
    )


def test_a_removed_dag_can_still_be_looked_at(three: Api) -> None:
    assert three.get("/api/dags/old").json["removed_at"] == "2026-11-23T10:04:00Z"


@pytest.mark.parametrize("rest", ["", "/source", "/versions", "/runs", "/next"])
def test_an_unknown_dag_is_not_found(api: Api, rest: str) -> None:
    reply = api.get(f"/api/dags/nope{rest}")
    assert reply.status == 404
    assert reply.error["code"] == "not_found"
    assert "'nope'" in reply.error["message"]


def test_pausing_stops_the_clock_and_going_on_starts_it(three: Api) -> None:
    paused = three.send("PATCH", "/api/dags/sales", {"is_paused": True})
    assert (paused.status, paused.json["is_paused"]) == (200, True)
    assert paused.json["next_fire_at"] is None
    going_on = three.send("PATCH", "/api/dags/sales", {"is_paused": False})
    assert going_on.json["next_fire_at"] == "2026-11-24T06:00:00Z"


def test_a_removed_dag_cannot_be_paused(three: Api) -> None:
    reply = three.send("PATCH", "/api/dags/old", {"is_paused": True})
    assert (reply.status, reply.error["code"]) == (409, "conflict")


def test_versions_are_listed_newest_first_and_each_has_its_source(api: Api) -> None:
    for number in range(3):
        api.rows.dag("d", name=f"name{number}")
    versions = api.everything("/api/dags/d/versions", "versions", limit=2)
    assert [(v["version"], v["is_active"]) for v in versions] == [
        (3, True),
        (2, False),
        (1, False),
    ]
    assert api.get("/api/dags/d/source").json["source"] == "name: name2\n"
    first = api.get("/api/dags/d/source?version=1").json
    assert (first["source"], first["is_active"]) == ("name: name0\n", False)


def test_a_version_that_is_not_there_is_not_found(api: Api) -> None:
    api.rows.dag("d")
    reply = api.get("/api/dags/d/source?version=9")
    assert reply.status == 404
    assert "no version 9" in reply.error["message"]


def test_the_next_fire_times_are_shown_even_of_a_paused_dag(api: Api) -> None:
    api.rows.dag("d", schedule=("0 * * * *",), timezone="Europe/Berlin", is_paused=True)
    reply = api.get("/api/dags/d/next?count=2")
    assert reply.json == {
        "dag_id": "d",
        "timezone": "Europe/Berlin",
        "next_fire_times": ["2026-11-23T11:00:00Z", "2026-11-23T12:00:00Z"],
    }


def test_a_dag_without_a_schedule_has_no_next_fire_times(api: Api) -> None:
    api.rows.dag("d")
    assert api.get("/api/dags/d/next").json["next_fire_times"] == []


SAMPLE = b"""
name: Sample DAG
schedule: "0 * * * *"
tasks:
  - id: task1
    command: "echo 'Task 1'"
    dependencies: []
"""


@pytest.mark.parametrize(
    "content_type",
    [
        "application/yaml",
        "text/yaml; charset=utf-8",
        "text/plain",
        "application/x-yaml",
        "application/octet-stream",
    ],
)
def test_a_valid_file_is_answered_with_what_it_means(api: Api, content_type: str) -> None:
    reply = api.request("POST", "/api/dags/validate", SAMPLE, content_type)
    assert reply.status == 200, reply.json
    assert reply.json["dag"]["dag_id"] == "sample_dag"
    assert Dag.from_json(reply.json["dag"]).task("task1").command == "echo 'Task 1'"
    assert len(reply.json["next_fire_times"]) == 5
    assert reply.json["next_fire_times"][0] == "2026-11-23T11:00:00Z"


def test_an_invalid_file_is_answered_with_every_problem(api: Api) -> None:
    text = b"name: x\ntaks: []\nretries: 3\n"
    reply = api.request("POST", "/api/dags/validate", text, "application/yaml")
    assert (reply.status, reply.error["code"]) == (422, "invalid_dag")
    problems = reply.error["details"]["problems"]
    assert [(p["line"], p["column"]) for p in problems][1:] == [(2, 1), (3, 1)]


def test_a_valid_file_is_answered_with_its_warnings(api: Api) -> None:
    text = b"name: x\nparams: {n: '3'}\ntasks: [{id: a, command: 'echo $((PARAM_N + 1))'}]\n"
    reply = api.request("POST", "/api/dags/validate", text, "application/yaml")
    assert reply.status == 200
    (warning,) = reply.json["warnings"]
    assert (warning["line"], warning["column"]) == (3, 32)
    assert (warning["path"], warning["code"]) == ("tasks[0].command", "value_evaluated")
    assert "$PARAM_N" in warning["message"] and "type: integer" in warning["message"]


def test_validating_registers_nothing(api: Api) -> None:
    api.request("POST", "/api/dags/validate", SAMPLE, "application/yaml")
    assert api.get("/api/dags").json["dags"] == []


@pytest.mark.parametrize("body", [b"", b"\xff\xfe\x00", b"{", b"\x00", b"- a\n" * 1000])
def test_any_bytes_get_a_list_of_problems(api: Api, body: bytes) -> None:
    reply = api.request("POST", "/api/dags/validate", body, "application/octet-stream")
    assert reply.status == 422
    assert reply.error["details"]["problems"]


def test_the_schema_of_dag_files_is_published(api: Api) -> None:
    reply = api.get("/api/dag-schema.json")
    assert "tasks" in reply.json["properties"]


def test_tags_are_listed_with_how_many_dags_have_them_and_how_many_are_paused(three: Api) -> None:
    three.rows.dag("gone", tags=("gone",))
    three.rows.removed("gone")
    assert three.everything("/api/tags", "tags", limit=1) == [
        {"tag": "money", "dag_count": 2, "paused_count": 1},
        {"tag": "x", "dag_count": 1, "paused_count": 1},
    ]


def test_a_search_finds_tags_too(three: Api) -> None:
    assert ids(three, "search=MON") == ["ops", "sales"]
    assert ids(three, "search=mon&paused=true") == ["ops"]
    assert ids(three, "search=%2C") == []


def test_dags_that_run_by_themselves_are_listed_by_when(api: Api) -> None:
    for dag_id in ("z", "a"):
        api.rows.dag(dag_id, schedule=("@hourly",))
    api.rows.dag("paused", schedule=("@hourly",), is_paused=True)
    api.rows.dag("by_hand")
    answer = api.get("/api/upcoming").json
    assert [dag["dag_id"] for dag in answer["dags"]] == ["z", "a"]
    assert [dag["dag_id"] for dag in api.get("/api/upcoming?limit=1").json["dags"]] == ["z"]


@pytest.mark.parametrize(
    "search",
    [
        "PRÜFUNG",
        "prüfung",
        "GRÖSSE",
        "größe",
        "straße",
        "STRASSE",
        "über",
        "Über",
        "ÜBER",
        "ｐrüfung",
        "istanbul",
        "İSTANBUL",
        "100%",
        "g_y",
    ],
)
def test_a_search_knows_both_cases_of_every_letter(api: Api, search: str) -> None:
    tags, about = ("Über",), "100% of g_y in İstanbul"
    api.rows.dag("x1", name="Prüfung Größe Straße", tags=tags, description=about)
    api.rows.dag("x2", name="Prufung Grose", tags=("uber",), description="100 of ghy")

    found = api.get(f"/api/dags?{urlencode({'search': search})}").json["dags"]

    assert [dag["dag_id"] for dag in found] == ["x1"]


SQL = b"SELECT 1\n"


@pytest.fixture
def with_files(api: Api) -> Api:
    """A DAG with files beside it, and a second version in which one has changed."""
    scheduler = bootstrap.scheduler()
    for key, body in {"t/s/a.sql": SQL, "t/s/run.sh": b"#!/bin/sh\n", "t/s/b.bin": b"\0"}.items():
        scheduler.dags.put(key, body)
    scheduler.dags.put("t/d.yaml", b"name: D\nfiles: [s/]\ntasks: [{id: t, command: x}]")
    assert registration.register(scheduler, ["t/d.yaml"]) == 1
    scheduler.dags.put("t/s/a.sql", b"SELECT 2\n")
    assert registration.register(scheduler, ["t/s/a.sql"]) == 1
    return api


def test_the_files_of_a_version_are_listed(with_files: Api) -> None:
    files = with_files.everything("/api/dags/d/files", "files", limit=2)
    assert [(f["path"], f["size_bytes"], f["is_executable"]) for f in files] == [
        ("s/a.sql", 9, False),
        ("s/b.bin", 1, False),
        ("s/run.sh", 10, True),
    ]
    old = with_files.get("/api/dags/d/files?version=1&limit=1").json
    assert old["version"] == 1
    assert old["files"][0]["sha256"] != files[0]["sha256"]


def content(api: Api, **query: object) -> dict[str, object]:
    reply = api.get(f"/api/dags/d/files/content?{urlencode(query)}")
    assert reply.status == 200, reply.json
    return dict(reply.json)


def test_the_content_of_a_file_is_shown_as_the_version_has_it(with_files: Api) -> None:
    shown = content(with_files, path="s/a.sql")
    assert (shown["content"], shown["version"], shown["kind"]) == ("SELECT 2\n", 2, "plain")
    assert content(with_files, path="s/a.sql", version=1)["content"] == "SELECT 1\n"
    binary = content(with_files, path="s/b.bin")
    assert (binary["kind"], binary["content"]) == ("none", "")


def test_a_long_file_is_cut(with_files: Api) -> None:
    bootstrap.scheduler().dags.put("t/s/a.sql", b"x" * 1_000_000)
    registration.register(bootstrap.scheduler(), ["t/s/a.sql"])
    shown = content(with_files, path="s/a.sql")
    assert shown["is_truncated"] is True
    assert len(str(shown["content"])) == 128 * 1024


@pytest.mark.parametrize(
    "path",
    [
        "/api/dags/d/files?version=9",
        "/api/dags/nothing/files",
        "/api/dags/d/files/content?path=nothing",
        "/api/dags/d/files/content?path=../d.yaml",
        "/api/dags/d/files/content?path=d.yaml",
    ],
)
def test_what_is_no_file_of_a_version_is_not_found(with_files: Api, path: str) -> None:
    reply = with_files.get(path)
    assert reply.status == 404
    assert "GET /api/dags" in reply.error["message"]
