"""All logs of a run as one stream of lines, and a search through them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from chalicelib.messages import Attempt
from chalicelib.web import run_logs
from tests.support.api import Api


@pytest.fixture
def run_id(api: Api) -> str:
    """A task that failed once, with short logs, and one whose log is in the bucket."""
    api.rows.dag("a")
    run_id = api.rows.run("a", "failed")
    key = api.rows.task(run_id, "extract", "success", {"try_number": 1, "outcome": "failed"})
    with api.database.write() as tx:
        tx.execute("UPDATE task_instances SET try_number = 2 WHERE id = ?", (key,))
        tx.execute(
            "INSERT INTO attempts (task_instance_id, try_number, outcome, ended_at)"
            " VALUES (?, 2, 'success', 9)",
            (key,),
        )
        tx.executemany(
            "INSERT INTO short_logs (task_instance_id, try_number, log) VALUES (?, ?, ?)",
            [(key, 1, "begin\nOh \x1b[31mno\x1b[0m\n"), (key, 2, "begin\nfine")],
        )
    api.rows.task(run_id, "load", "failed", {"try_number": 1})
    put(api, run_id, "load", 0, "loading\n")
    put(api, run_id, "load", 8, "oh no: disk full\nend\n")
    return run_id


def put(api: Api, run_id: str, task_id: str, start: int, text: str) -> None:
    attempt = Attempt("a", run_id, task_id, -1, 1)
    api.runs.put(attempt.log_chunk_key(start), text.encode())


def lines(parts: list[Any]) -> list[tuple[str, int, int, str]]:
    return [
        (part["task_id"], part["try_number"], line["number"], line["text"])
        for part in parts
        for line in part["lines"]
    ]


EVERYTHING = [
    ("extract", 1, 1, "begin"),
    ("extract", 1, 2, "Oh \x1b[31mno\x1b[0m"),
    ("extract", 2, 1, "begin"),
    ("extract", 2, 2, "fine"),
    ("load", 1, 1, "loading"),
    ("load", 1, 2, "oh no: disk full"),
    ("load", 1, 3, "end"),
]


def test_all_logs_of_a_run_are_one_stream(api: Api, run_id: str) -> None:
    answer = api.get(f"/api/runs/{run_id}/logs").json
    assert lines(answer["parts"]) == EVERYTHING
    assert (answer["complete"], answer["next_cursor"]) == (True, None)


@pytest.mark.parametrize(
    ("limit", "value"), [("_READS", 1), ("_STREAMED_BYTES", 8), ("LOGS_AT_ONCE", 1)]
)
def test_the_stream_comes_page_by_page_without_a_gap(
    api: Api, run_id: str, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    from chalicelib.web.handlers import run_logs as handler

    monkeypatch.setattr(run_logs, limit, value)
    if limit == "LOGS_AT_ONCE":
        monkeypatch.setattr(handler, limit, value)
    pages = []
    cursor = ""
    while True:
        answer = api.get(f"/api/runs/{run_id}/logs?{cursor}").json
        pages.append(answer["parts"])
        if answer["next_cursor"] is None:
            break
        assert not answer["complete"]
        cursor = f"cursor={answer['next_cursor']}"
    assert [line for parts in pages for line in lines(parts)] == EVERYTHING
    assert len(pages) > 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [("OH NO", [1, 5]), ("begin", [0, 2]), ("31m", []), ("disk full", [5])],
)
def test_a_search_finds_lines_in_all_logs(
    api: Api, run_id: str, text: str, expected: list[int]
) -> None:
    answer = api.get(f"/api/runs/{run_id}/logs?search={quote(text)}").json
    assert lines(answer["parts"]) == [EVERYTHING[index] for index in expected]


def test_one_page_of_a_search_reads_so_much_and_the_next_goes_on(
    api: Api, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_logs, "_SEARCHED_BYTES", 5)
    first = api.get(f"/api/runs/{run_id}/logs?search=end").json
    assert (first["parts"], first["next_cursor"] is None) == ([], False)
    found = []
    cursor = first["next_cursor"]
    while cursor:
        answer = api.get(f"/api/runs/{run_id}/logs?search=end&cursor={cursor}").json
        found += lines(answer["parts"])
        cursor = answer["next_cursor"]
    assert found == [("load", 1, 3, "end")]


def test_a_log_that_is_still_written_is_in_the_stream(api: Api) -> None:
    api.rows.dag("a")
    run_id = api.rows.run("a", "running")
    api.rows.task(run_id, "extract", "running")
    api.rows.task(run_id, "load", "none")
    put(api, run_id, "extract", 0, "so far\n")
    answer = api.get(f"/api/runs/{run_id}/logs").json
    assert lines(answer["parts"]) == [("extract", 1, 1, "so far")]
    assert (answer["complete"], answer["next_cursor"]) == (False, None)


def test_what_is_not_there_has_no_logs(api: Api, run_id: str) -> None:
    assert api.get("/api/runs/nope/logs").status == 404
    assert api.get(f"/api/runs/{run_id}/logs?cursor=cnVuczoxMjM").status == 400
    assert api.get(f"/api/runs/{run_id}/logs?search=").status == 400
