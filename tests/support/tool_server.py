"""A web server on loopback that speaks HTTPS, as the hosts of tools do."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.support.certificates import certificate


@dataclass
class Page:
    """An answer. `length` is what it claims to be long; None leaves that out."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = -1


class ToolServer:
    """Serves `pages` by their path; `seen` has the paths asked for."""

    def __init__(self, folder: Path) -> None:
        self.certificate = certificate(folder, "localhost")
        self.pages: dict[str, Page] = {}
        self.seen: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://localhost:{self._server.server_port}"

    def serve(self, path: str, page: Page) -> str:
        """Answer with `page` from now on; returns the URL."""
        self.pages[path] = page
        return self.url + path

    @contextmanager
    def running(self) -> Iterator[None]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.seen.append(self.path)
                page = server.pages.get(self.path, Page(b"not here", 404))
                self.send_response(page.status)
                for name, value in page.headers.items():
                    self.send_header(name, value)
                if page.length is not None:
                    length = len(page.body) if page.length < 0 else page.length
                    self.send_header("Content-Length", str(length))
                self.end_headers()
                self.wfile.write(page.body)

            def log_message(self, format: str, *args: Any) -> None:
                """Silent."""

        return Handler
