"""The API of `tests.support.api` over HTTP, for browsers: without the clouds around it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from chalice.config import Config
from chalice.local import LambdaEventConverter, LocalDevServer, RouteMatcher

from tests.acceptance.test_api_gateway import LambdaContext
from tests.support.api import Api
from tests.support.waiting import HANG_SECONDS


@contextmanager
def served(api: Api) -> Iterator[str]:
    """The address of the page."""
    server = LocalDevServer(api.app, Config.create(chalice_app=api.app), "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server.server_port}/"
    finally:
        server.shutdown()
        thread.join(HANG_SECONDS)


@contextmanager
def served_below(api: Api, stage: str) -> Iterator[str]:
    """The address of the page behind an API Gateway, whose stage stands before every path."""
    handler = type("Handler", (_Gateway,), {"api": api, "stage": stage})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/{stage}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(HANG_SECONDS)


class _Gateway(BaseHTTPRequestHandler):
    """Strips the stage from the path and tells it in the context, as API Gateway does."""

    api: Api
    stage: str

    def do_GET(self) -> None:
        path = self.path.removeprefix(f"/{self.stage}")
        if path == self.path:
            return self.send_error(403)
        event = self._event(path or "/")
        answer: Any = self.api.app(event, LambdaContext())
        body = answer["body"].encode()
        self.send_response(answer["statusCode"])
        for name, value in answer["headers"].items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def _event(self, path: str) -> dict[str, Any]:
        routes = RouteMatcher(list(self.api.app.routes))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        converter = LambdaEventConverter(routes, [])
        event: dict[str, Any] = converter.create_lambda_event(self.command, path, headers, body)
        event["requestContext"]["path"] = self.path.partition("?")[0]
        return event

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads it."""
