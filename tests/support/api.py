"""The API in this process: Chalice's test client before a real database and fakes of the ports."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from chalice.app import Chalice
from chalice.test import Client

from chalicelib import bootstrap, config, web
from chalicelib.admin import access_tokens
from chalicelib.claims import BucketClaims
from chalicelib.local.download_links import SignedLinks
from chalicelib.places import DEFAULT_PLACE
from tests.support.databases import unhurried
from tests.support.fakes import FakeBucket, FakeClock, FakeQueue
from tests.support.rows import Rows


@dataclass(frozen=True)
class Reply:
    """What came back. `json` is None where the body is no JSON."""

    status: int
    json: Any
    headers: dict[str, str]
    text: str = ""

    @property
    def error(self) -> dict[str, Any]:
        """The error; fails the test if the body has another shape."""
        assert set(self.json) == {"error"}
        assert set(self.json["error"]) == {"code", "message", "details"}
        error: dict[str, Any] = self.json["error"]
        assert isinstance(error["details"], dict)
        assert error["message"]
        return error


class Api:
    """A server on a database of its own. Only one at a time: it is the process's composition.

    `auth` is the setting; `token` is sent with every request if it is not empty."""

    def __init__(self, folder: Path, auth: str = "none") -> None:
        self.auth = auth
        self.token = ""
        self.clock = FakeClock()
        self.runs = FakeBucket()
        self.dags = FakeBucket()
        self.queues = {n: FakeQueue(self.clock) for n in ("tasks", "results", "dead_letters")}
        self.links = SignedLinks(self.runs, self.clock)
        self.database = unhurried(folder / "db" / "orchestrator.db")
        self.database.create_if_missing()
        self.rows = Rows(self.database)
        self.app = Chalice(app_name="orchestrator", configure_logs=False)
        web.register(self.app, auth=auth)
        web.answer_unknown_paths(self.app)
        self.configure()
        self.http = Client(self.app).http

    def configure(self, **ports: Any) -> None:
        """Make this the composition; `ports` replace some of it."""
        standard: dict[str, Any] = {
            "task_queues": lambda: {DEFAULT_PLACE: self.queues["tasks"]},
            "results": lambda: self.queues["results"],
            "dead_letters": lambda: self.queues["dead_letters"],
            "dags": lambda: self.dags,
            "runs": lambda: self.runs,
            "claims": lambda: BucketClaims(self.runs),
            "database": lambda: self.database,
            "settings": replace(config.load({}), auth=self.auth),
            "now": self.clock,
            "download_links": lambda: self.links,
            "editable_dags": lambda: self.dags,
        }
        bootstrap.configure(bootstrap.Ports(**{**standard, **ports}))

    def sign_in(self, role: str, name: str = "ann") -> str:
        """Send a new token of this role from now on; answers it."""
        self.token = access_tokens.create(bootstrap.scheduler(), name, role, who="ann")
        return self.token

    def get(self, path: str) -> Reply:
        return self.request("GET", path)

    def send(self, method: str, path: str, value: Any) -> Reply:
        """`value` as JSON."""
        return self.request(method, path, json.dumps(value).encode(), "application/json")

    def request(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        content_type: str | None = None,
        **headers: str,
    ) -> Reply:
        """`headers` are named with underscores: `If_Match`."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if content_type:
            headers["Content-Type"] = content_type
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        response = self.http.request(method, path, headers=headers, body=body)
        text = response.body.decode("utf-8", "replace")
        return Reply(response.status_code, response.json_body, response.headers, text)

    def everything(self, path: str, name: str, **query: Any) -> list[Any]:
        """The items of all pages of a list."""
        items: list[Any] = []
        cursor = ""
        for _ in range(1000):
            given = "&".join(f"{k}={v}" for k, v in query.items())
            reply = self.get(f"{path}?{given}{cursor}")
            assert reply.status == 200, reply.json
            items += reply.json[name]
            if reply.json["next_cursor"] is None:
                return items
            cursor = f"&cursor={reply.json['next_cursor']}"
        raise AssertionError(f"{path} has no last page")

    def close(self) -> None:
        self.database.close()
