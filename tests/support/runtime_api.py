"""Lambda's Runtime API: what a function's process asks for events, and tells what came of them.

Speaks the version 2018-06-01, as far as AWS's own runtime client uses it.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
import time
import uuid
from concurrent.futures import Future
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

VERSION = "/2018-06-01/runtime"


class FunctionError(Exception):
    """The function answered with an error, or its process ended: the text is what is known."""


@dataclass(frozen=True)
class _Invocation:
    event: Any
    seconds: float
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    answer: Future[Any] = field(default_factory=Future)


class RuntimeApi:
    """Serves one process of one function at `address`, until it is closed."""

    def __init__(self, function_arn: str) -> None:
        self._arn = function_arn
        self._waiting: queue.SimpleQueue[_Invocation | None] = queue.SimpleQueue()
        self._open: dict[str, _Invocation] = {}
        self._ended: FunctionError | None = None
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _handler_for(self))
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def address(self) -> str:
        """Return the address for AWS_LAMBDA_RUNTIME_API."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def invoke(self, event: Any, *, seconds: float) -> Any:
        """The function's answer to `event`; `seconds` is its timeout, told and not enforced.
        Raises FunctionError."""
        invocation = _Invocation(event, seconds)
        with self._lock:
            if self._ended:
                raise self._ended
            self._open[invocation.request_id] = invocation
        self._waiting.put(invocation)
        return invocation.answer.result()

    def end(self, error: FunctionError) -> None:
        """The process has ended: whoever waits for it, or will, gets `error`."""
        with self._lock:
            self._ended = self._ended or error
            abandoned, self._open = self._open, {}
        for invocation in abandoned.values():
            invocation.answer.set_exception(self._ended)

    def close(self) -> None:
        """Let go of a process that still asks, and of the port."""
        self._waiting.put(None)
        self._server.shutdown()
        self._server.server_close()

    def next(self) -> tuple[dict[str, str], bytes] | None:
        """Wait for an event; headers and body, or None if there will be none."""
        invocation = self._waiting.get()
        if invocation is None:
            return None
        deadline = time.time() + invocation.seconds
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int(deadline * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": self._arn,
            "Lambda-Runtime-Trace-Id": f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]}",
            "Content-Type": "application/json",
        }
        return headers, json.dumps(invocation.event).encode()

    def take(self, path: str, body: bytes) -> bool:
        """What the process tells. False for a path that there is not."""
        if path == f"{VERSION}/init/error":
            self.end(_error(body))
            return True
        request_id, _, what = path.removeprefix(f"{VERSION}/invocation/").partition("/")
        with self._lock:
            invocation = self._open.pop(request_id, None)
        if invocation is None or what not in ("response", "error"):
            return False
        if what == "error":
            invocation.answer.set_exception(_error(body))
        else:
            invocation.answer.set_result(json.loads(body))
        return True


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        # A process that was killed has dropped its connections.
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def _error(body: bytes) -> FunctionError:
    told = json.loads(body)
    trace = "".join(told.get("stackTrace") or [])
    return FunctionError(f"{told.get('errorType')}: {told.get('errorMessage')}\n{trace}")


def _handler_for(api: RuntimeApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path != f"{VERSION}/invocation/next":
                self._answer(404, {}, b"")
            elif found := api.next():
                self._answer(200, *found)
            else:
                self.close_connection = True

        def do_POST(self) -> None:
            taken = api.take(self.path, self._body())
            self._answer(202 if taken else 404, {}, b"")

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """The process's own log is enough."""

    return Handler
