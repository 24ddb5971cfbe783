"""The routes about artifacts, as a client sees them."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from chalicelib.messages import Attempt
from chalicelib.web.artifact_previews import IMAGE_BYTES, TEXT_BYTES
from tests.support.api import Api

PNG = b"\x89PNG\r\n\x1a\n and more"


@pytest.fixture
def run_id(api: Api) -> str:
    api.rows.dag("a")
    return api.rows.run("a")


def left(api: Api, run_id: str, body: bytes, file_name: str, **columns: Any) -> str:
    """Store an artifact of a task called t; its path in the API."""
    key = api.rows.task(run_id, "t")
    given = {"file_name": file_name, "size_bytes": len(body), **columns}
    api.rows.artifact(run_id, key, "report", **given)
    api.runs.put(Attempt("a", run_id, "t", -1, 1).artifact_key("report"), body)
    return f"/api/runs/{run_id}/tasks/t/artifacts/report"


def test_a_runs_artifacts_are_listed_in_the_order_of_its_tasks(api: Api, run_id: str) -> None:
    for task_id in ("z", "a"):
        key = api.rows.task(run_id, task_id)
        for name in ("two", "one"):
            api.rows.artifact(run_id, key, name)
    copy = api.rows.task(run_id, "m", map_index=3)
    api.rows.artifact(run_id, copy, "part", is_folder=1, try_number=2)
    path = f"/api/runs/{run_id}/artifacts"
    listed = api.everything(path, "artifacts", limit=2)
    names = [(row["task_id"], row["map_index"], row["name"]) for row in listed]
    assert names == [
        *(("z", -1, "one"), ("z", -1, "two"), ("a", -1, "one"), ("a", -1, "two")),
        ("m", 3, "part"),
    ]
    assert (listed[-1]["is_folder"], listed[-1]["try_number"]) == (True, 2)
    assert [row["name"] for row in api.get(f"{path}?task_id=m").json["artifacts"]] == ["part"]
    assert api.get(f"{path}?task_id=m&map_index=2").json["artifacts"] == []
    assert len(api.get(f"{path}?map_index=-1").json["artifacts"]) == 4


def test_a_task_says_what_it_left(api: Api, run_id: str) -> None:
    left(api, run_id, b"1,2", "r.csv")
    [artifact] = api.get(f"/api/runs/{run_id}/tasks/t").json["artifacts"]
    assert (artifact["name"], artifact["file_name"], artifact["size_bytes"]) == (
        "report",
        "r.csv",
        3,
    )


def test_what_is_not_there_is_not_found(api: Api, run_id: str) -> None:
    path = left(api, run_id, b"x", "x")
    assert api.get("/api/runs/none/artifacts").error["code"] == "not_found"
    assert api.get(path.replace("report", "other")).error["message"] == (
        "there is no artifact of task 't' called 'other'; GET"
        f" /api/runs/{run_id}/artifacts lists those that exist"
    )
    assert "map index 2" in api.get(f"{path}/preview?map_index=2").error["message"]


def test_a_link_gives_the_file_for_five_minutes(api: Api, run_id: str) -> None:
    reply = api.get(left(api, run_id, b"hello", "a b/ü.txt")).json
    assert reply["expires_at"] == "2026-11-23T10:05:00Z"
    path = "/" + reply["url"].split("/", 3)[3]
    download = api.links.open(path)
    assert download is not None
    assert (download.file_name, download.size, b"".join(download.pieces)) == (
        "a b/ü.txt",
        5,
        b"hello",
    )
    api.clock.advance(299)
    assert api.links.open(path) is not None
    api.clock.advance(1)
    assert api.links.open(path) is None


def test_a_link_cannot_be_made_up_or_changed(api: Api, run_id: str) -> None:
    url = api.get(left(api, run_id, b"secret", "x")).json["url"]
    path = "/" + url.split("/", 3)[3]
    said, _, signature = path.rpartition(".")
    other = base64.urlsafe_b64encode(b'["other/key","x",9e9]').decode().rstrip("=")
    forged = [f"/downloads/{other}.{signature}", said, f"{said}.", f"{said}.é", f"{path}0", ""]
    assert [api.links.open(one) for one in forged] == [None] * len(forged)


def test_a_folder_is_downloaded_as_an_archive(api: Api, run_id: str) -> None:
    path = left(api, run_id, b"tar", "site", is_folder=1)
    download = api.links.open("/" + api.get(path).json["url"].split("/", 3)[3])
    assert download is not None
    assert download.file_name == "site.tar"
    preview = api.get(f"{path}/preview").json
    assert (preview["kind"], preview["content"]) == ("none", "")
    assert preview["reason"] == "a folder can only be downloaded, as a tar archive"


@pytest.mark.parametrize(
    ("file_name", "body", "kind", "media_type", "content"),
    [
        ("a.txt", "grüße".encode(), "plain", "text/plain", "grüße"),
        (
            "a.html",
            b"<script>alert(1)</script>",
            "plain",
            "text/plain",
            "<script>alert(1)</script>",
        ),
        ("noname", b"plain", "plain", "text/plain", "plain"),
        ("empty.txt", b"", "plain", "text/plain", ""),
        ("bom.csv", b"\xef\xbb\xbfa,b", "csv", "text/plain", "a,b"),
        ("A.TSV", b"a\tb", "csv", "text/plain", "a\tb"),
        ("a.json", b'{"a": 1}', "json", "text/plain", '{"a": 1}'),
        ("a.png", PNG, "image", "image/png", base64.b64encode(PNG).decode()),
        ("liar.txt", PNG, "image", "image/png", base64.b64encode(PNG).decode()),
        ("a.jpg", b"\xff\xd8\xff\xe0", "image", "image/jpeg", "/9j/4A=="),
        ("a.gif", b"GIF89a", "image", "image/gif", "R0lGODlh"),
        ("a.webp", b"RIFF0000WEBP", "image", "image/webp", "UklGRjAwMDBXRUJQ"),
        ("a.svg", b"<svg/>", "image", "image/svg+xml", "PHN2Zy8+"),
        ("a.bin", b"\0\1", "none", "text/plain", ""),
        ("latin1.txt", b"gr\xfc\xdfe", "none", "text/plain", ""),
        ("a.svg", b"\0", "none", "text/plain", ""),
    ],
)
def test_a_preview_says_how_to_show_it(
    api: Api, run_id: str, file_name: str, body: bytes, kind: str, media_type: str, content: str
) -> None:
    preview = api.get(f"{left(api, run_id, body, file_name)}/preview").json
    assert (preview["kind"], preview["media_type"], preview["content"]) == (
        kind,
        media_type,
        content,
    )
    assert preview["is_truncated"] is False
    assert bool(preview["reason"]) == (kind == "none")


def test_a_preview_of_a_long_text_is_its_beginning_up_to_a_whole_character(
    api: Api, run_id: str
) -> None:
    body = b"x" + "€".encode() * TEXT_BYTES
    preview = api.get(f"{left(api, run_id, body, 'a.txt')}/preview").json
    assert (preview["kind"], preview["is_truncated"]) == ("plain", True)
    assert TEXT_BYTES - 3 <= len(preview["content"].encode()) <= TEXT_BYTES
    assert set(preview["content"][1:]) == {"€"}


def test_an_image_is_shown_whole_or_not_at_all(api: Api, run_id: str) -> None:
    body = PNG + b"\0" * IMAGE_BYTES
    preview = api.get(f"{left(api, run_id, body, 'a.png')}/preview").json
    assert (preview["kind"], preview["content"]) == ("none", "")
    assert preview["reason"] == "the image is larger than 2 MiB; download it"


def test_an_artifact_whose_object_is_gone_says_so(api: Api, run_id: str) -> None:
    path = left(api, run_id, b"x", "x")
    api.runs.delete([Attempt("a", run_id, "t", -1, 1).artifact_key("report")])
    assert api.get(f"{path}/preview").json["reason"] == "the file is no longer in the runs bucket"
    url = api.get(path).json["url"]
    assert api.links.open("/" + url.split("/", 3)[3]) is None


def test_artifacts_need_a_token(api: Api, run_id: str) -> None:
    path = left(api, run_id, b"x", "x")
    api.auth = "token"
    api.configure()
    for asked in (path, f"{path}/preview", f"/api/runs/{run_id}/artifacts"):
        assert api.get(asked).status == 401
    api.sign_in("viewer")
    assert api.get(path).status == 200
