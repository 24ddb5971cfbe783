"""The role of a container, as Fargate hands it out."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@contextmanager
def role_of_container() -> Iterator[str]:
    """Hand out credentials at a URL, as Fargate does for a task's role."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            role = {"AccessKeyId": "role", "SecretAccessKey": "x", "Token": "x"}
            self.wfile.write(json.dumps({**role, "Expiration": "2999-01-01T00:00:00Z"}).encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/role"
    server.shutdown()
    server.server_close()
