"""One row that cannot be read hides no other, and says what is wrong with it."""

from __future__ import annotations

import pytest

from chalicelib.web.routes import ROUTES
from tests.support.api import Api

JSON_COLUMNS = {
    "dags": ("tags", "schedule", "warnings"),
    "dag_versions": ("compiled",),
    "runs": ("params", "ancestry"),
    "task_instances": ("item",),
    "backfills": ("counts",),
    "import_errors": ("problems", "lines"),
    "audit": ("details",),
    "notifications": ("payload",),
    "ticks": ("counts", "errors"),
}

LISTS = {
    route.path
    for route in ROUTES
    if route.method == "GET" and any(param.name == "cursor" for param in route.params)
}


@pytest.fixture
def full(api: Api) -> Api:
    """Two of everything."""
    for dag_id in ("a", "b"):
        api.rows.dag(dag_id, tags=("x",))
        run_id = api.rows.run(dag_id, "failed", run_id=f"{dag_id}__1")
        api.rows.task(run_id, "t", "failed")
    with api.database.write() as tx:
        for name in ("a", "b"):
            tx.execute(
                "INSERT INTO dag_files (file_key, etag, dag_id, read_at)"
                " VALUES (?1 || '.yml', 'e', NULL, 0)",
                (name,),
            )
            tx.execute(
                "INSERT INTO import_errors (file_key, problems, lines, recorded_at)"
                " VALUES (?1 || '.yml', '[]', '[]', 0)",
                (name,),
            )
            tx.execute(
                "INSERT INTO backfills (dag_id, from_date, to_date, reprocess, max_active_runs,"
                " state, created_at) VALUES (?, 0, 0, 'none', 1, 'done', 0)",
                (name,),
            )
            tx.execute(
                "INSERT INTO audit (at, who, action, target) VALUES (0, 'a', 'run', ?)", (name,)
            )
            tx.execute(
                "INSERT INTO notifications (dag_id, run_id, event, kind, target, payload,"
                " created_at) VALUES (?1, ?1 || '__1', 'failure', 'command', 'x', '{}', 0)",
                (name,),
            )
            tx.execute("INSERT INTO ticks (started_at, duration_us, counts) VALUES (0, 1, '{}')")
    return api


COLUMNS = [f"{table}.{column}" for table, columns in JSON_COLUMNS.items() for column in columns]


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("text", ["no JSON", "7", "[7]"])
def test_a_list_shows_the_neighbours_of_a_row_that_cannot_be_read(
    full: Api, column: str, text: str
) -> None:
    table, _, name = column.partition(".")
    paths = sorted(path.format(dag_id="a", run_id="a__1", task_id="t") for path in LISTS)
    lengths = {path: _length(full, path) for path in paths}
    with full.database.write() as tx:
        tx.execute(
            f"UPDATE {table} SET {name} = ? WHERE rowid = (SELECT min(rowid) FROM {table})", (text,)
        )
    assert all(_length(full, path) >= length for path, length in lengths.items())
    assert _length(full, "/api/dags?search=x") >= 1


def _length(api: Api, path: str) -> int:
    reply = api.get(path)
    assert reply.status == 200, (path, reply.json)
    if "task_instances" in reply.json:
        return len(reply.json["task_instances"])  # beside what the run itself has
    return sum(len(value) for value in reply.json.values() if isinstance(value, list))


def test_a_dag_whose_definition_cannot_be_read_says_what_to_do(full: Api) -> None:
    with full.database.write() as tx:
        tx.execute("UPDATE dag_versions SET compiled = '{', digest = 'x' WHERE dag_id = 'a'")
    reply = full.get("/api/dags/a")
    assert (reply.status, reply.error["code"]) == (500, "definition_unusable")
    assert "upload its file again" in reply.error["message"]
    assert full.get("/api/dags/b").status == 200
    assert full.get("/api/runs/a__1").status == 200


def test_what_was_left_out_is_shown_with_its_dag(full: Api) -> None:
    with full.database.write() as tx:
        tx.execute(
            "INSERT INTO skipped (item, dag_id, reason, first_at, last_at)"
            " VALUES ('a DAG that is due (dag_id a)', 'a', 'internal error: KeyError: x', 0, 0)"
        )
    problems = {dag["dag_id"]: dag["problem"] for dag in full.get("/api/dags").json["dags"]}
    assert problems == {"a": "internal error: KeyError: x", "b": None}
