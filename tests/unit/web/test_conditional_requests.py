"""Reads that have not changed are not sent again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.api import Api


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    api = Api(tmp_path)
    api.rows.dag("etl")
    yield api
    api.close()


def test_the_same_answer_is_sent_once(api: Api) -> None:
    first = api.http.get("/api/dags")
    again = api.http.get("/api/dags", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.body) == (304, b"")


def test_another_answer_is_sent_in_full(api: Api) -> None:
    first = api.http.get("/api/dags")
    api.rows.dag("other")
    again = api.http.get("/api/dags", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 200
    assert again.headers["ETag"] != first.headers["ETag"]


def test_an_error_has_no_etag(api: Api) -> None:
    answer = api.http.get("/api/dags/none")
    assert answer.status_code == 404
    assert "ETag" not in answer.headers
