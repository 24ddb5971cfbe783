"""Editing DAG files over the API: nobody overwrites what somebody else has saved meanwhile."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.api import Api, Reply
from tests.support.fakes import FakeBucket

GOOD = b"dag_id: a\nname: A\ntasks:\n  - {id: a, command: echo a}\n"
BETTER = GOOD.replace(b"echo a", b"echo b")
BROKEN = b"dag_id: a\ntasks:\n  - {id: a, comand: echo a}\n"
PATH = "/api/dag-file?key=sales%2Fa.yaml"
KEY = "sales/a.yaml"


@pytest.fixture
def token_api(tmp_path: Path) -> Iterator[Api]:
    api = Api(tmp_path, auth="token")
    yield api
    api.close()


def save(api: Api, source: bytes, path: str = PATH, **headers: str) -> Reply:
    return api.request("PUT", path, source, "application/yaml", **headers)


def actions(api: Api) -> list[tuple[str, str, str]]:
    rows = api.get("/api/audit").json["audit"]
    return [(row["who"], row["action"], row["target"]) for row in reversed(rows)]


def test_a_file_is_created_read_and_replaced(api: Api) -> None:
    created = save(api, GOOD, If_None_Match="*")
    assert created.status == 201
    read = api.get(PATH)
    assert read.json == {"key": KEY, "source": GOOD.decode(), "etag": created.json["etag"]}
    # The ETag of HTTP is the file's own, so that any client can send it back.
    assert read.headers["ETag"] == created.headers["ETag"] == f'"{created.json["etag"]}"'
    replaced = save(api, BETTER, If_Match=read.headers["ETag"])
    assert replaced.status == 200
    assert api.dags.objects[KEY] == BETTER
    assert actions(api) == [("local", "save DAG file", KEY)] * 2
    (last, _) = api.get("/api/audit").json["audit"]
    assert last["details"] == {
        "sha256": hashlib.sha256(BETTER).hexdigest(),
        "replaces": created.json["etag"],
    }


def test_a_file_that_somebody_else_saved_meanwhile_is_not_overwritten(api: Api) -> None:
    mine = save(api, GOOD, If_None_Match="*").json["etag"]
    theirs = save(api, BETTER, If_Match=f'"{mine}"').json["etag"]
    reply = save(api, GOOD, If_Match=f'"{mine}"')
    assert (reply.status, reply.error["code"]) == (412, "precondition_failed")
    assert reply.error["details"] == {"etag": theirs}
    assert api.dags.objects[KEY] == BETTER
    assert len(actions(api)) == 2
    assert save(api, GOOD, If_None_Match="*").status == 412
    del api.dags.objects[KEY]
    reply = save(api, GOOD, If_Match=f'"{theirs}"')
    assert (reply.status, reply.error["details"]) == (412, {"etag": None})
    assert KEY not in api.dags.objects


class Interrupted(FakeBucket):
    """Somebody else writes between the look at the file and the write."""

    def __init__(self, before: Callable[[FakeBucket], None]) -> None:
        super().__init__()
        self._before = before

    def replace(self, key: str, body: bytes, etag: str | None) -> str | None:
        self._before(self)
        return super().replace(key, body, etag)


def test_who_loses_at_the_last_moment_is_told_and_the_audit_log_says_so(api: Api) -> None:
    bucket = Interrupted(lambda inner: inner.put(KEY, BETTER))
    api.configure(editable_dags=lambda: bucket)
    assert save(api, GOOD, If_None_Match="*").status == 412
    assert bucket.objects[KEY] == BETTER
    assert actions(api) == [("local", "save DAG file", KEY), ("local", "DAG file not saved", KEY)]


def test_a_write_whose_answer_was_lost_has_succeeded(api: Api) -> None:
    # The first of two requests stored the file; the second one finds it changed, by itself.
    bucket = Interrupted(lambda inner: inner.put(KEY, GOOD))
    api.configure(editable_dags=lambda: bucket)
    reply = save(api, GOOD, If_None_Match="*")
    assert (reply.status, reply.json["etag"]) == (201, hashlib.md5(GOOD).hexdigest())
    assert actions(api) == [("local", "save DAG file", KEY)]


def test_who_does_not_say_what_is_replaced_is_asked_to(api: Api) -> None:
    reply = save(api, GOOD)
    assert (reply.status, reply.error["code"]) == (428, "precondition_required")
    assert "If-Match" in reply.error["message"]
    for header in ("abc", "*", 'W/"abc"', '"a", "b"', ""):
        assert save(api, GOOD, If_Match=header).status == 400, header
    assert api.dags.objects == {}


def test_a_file_with_errors_is_not_saved(api: Api) -> None:
    reply = save(api, BROKEN, If_None_Match="*")
    assert reply.status == 422
    assert [(p["line"], p["path"]) for p in reply.error["details"]["problems"]]
    assert api.dags.objects == {}
    assert actions(api) == []


def test_a_broken_file_can_be_read_and_mended(api: Api) -> None:
    api.dags.put(KEY, BROKEN)
    read = api.get(PATH)
    assert read.json["source"] == BROKEN.decode()
    assert save(api, GOOD, If_Match=f'"{read.json["etag"]}"').status == 200


@pytest.mark.parametrize(
    "key",
    [
        "a.txt",
        "a",
        "a.test.yaml",
        "..%2Fa.yaml",
        "x%2F..%2Fa.yaml",
        "x%2F%2Fa.yaml",
        "%2Fa.yaml",
        ".%2Fa.yaml",
        "a%0A.yaml",
        "a%00.yaml",
        "%C3%A9" * 510 + ".yaml",
        "",
    ],
)
def test_only_a_dag_file_can_be_named(api: Api, key: str) -> None:
    assert save(api, GOOD, f"/api/dag-file?key={key}", If_None_Match="*").status == 400
    assert api.get(f"/api/dag-file?key={key}").status == 400
    assert api.dags.objects == {}


def test_the_name_of_the_file_is_required(api: Api) -> None:
    reply = api.get("/api/dag-file")
    assert (reply.status, reply.error["details"]) == (400, {"parameter": "key"})


def test_a_file_that_is_not_there_or_is_no_text_says_so(api: Api) -> None:
    assert api.get(PATH).status == 404
    api.dags.put(KEY, b"name: \xff")
    assert "UTF-8" in api.get(PATH).error["message"]
    api.dags.put(KEY, b"#" * (256 * 1024 + 1))
    assert "262144 bytes" in api.get(PATH).error["message"]


def test_a_viewer_reads_and_does_not_write(token_api: Api) -> None:
    token_api.dags.put(KEY, GOOD)
    token_api.sign_in("viewer")
    assert token_api.get("/api/session").json["can_edit"] is False
    etag = token_api.get(PATH).json["etag"]
    assert save(token_api, BETTER, If_Match=f'"{etag}"').status == 403
    assert token_api.dags.objects[KEY] == GOOD
    token_api.sign_in("operator", "olga")
    assert token_api.get("/api/session").json["can_edit"] is True
    assert save(token_api, BETTER, If_Match=f'"{etag}"').status == 200


def test_the_editor_can_be_switched_off(api: Api) -> None:
    api.dags.put(KEY, GOOD)
    api.configure(editable_dags=None)
    assert api.get("/api/session").json["can_edit"] is False
    for reply in (api.get(PATH), save(api, BETTER, If_None_Match="*")):
        assert reply.status == 403
        assert "ORCHESTRATOR_EDITOR" in reply.error["message"]
    assert api.dags.objects[KEY] == GOOD
