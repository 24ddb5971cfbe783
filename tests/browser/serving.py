"""The API of `tests.support.api` over HTTP, for browsers: without the clouds around it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from chalice.config import Config
from chalice.local import LocalDevServer

from tests.support.api import Api


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
        thread.join(timeout=10)
