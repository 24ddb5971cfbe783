"""Somebody who uses the API."""

from __future__ import annotations

from typing import Any

from tests.integration.bundle.event_sources import EventSources
from tests.support.waiting import eventually


class User:
    """Has a token."""

    def __init__(self, sources: EventSources, token: str) -> None:
        self._sources = sources
        self._token = token

    def get(self, path: str, **query: str) -> Any:
        reply = self._sources.ask("GET", path, self._token, **query)
        assert reply.status == 200, reply.json
        return reply.json

    def post(self, path: str) -> Any:
        reply = self._sources.ask("POST", path, self._token)
        assert reply.status < 300, reply.json
        return reply.json

    def run(self, dag_id: str) -> str:
        return str(self.post(f"/api/dags/{dag_id}/run")["run_id"])

    def ended(self, run_id: str) -> Any:
        def ended() -> Any:
            run = self.get(f"/api/runs/{run_id}")
            return run if run["ended_at"] else None

        return eventually(ended)

    def log(self, run_id: str, task_id: str, **query: str) -> str:
        return str(self.get(f"/api/runs/{run_id}/tasks/{task_id}/logs", **query)["content"])
