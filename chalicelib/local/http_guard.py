"""What both HTTP servers of the local cloud do before they answer a request: turn away what other
web pages send, and refuse what is no proper HTTP in the server's own error shape. A client that
goes away leaves no trace in the terminal.
"""

from __future__ import annotations

import contextlib
import logging
import re
import socket
import socketserver
import sys
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple

from chalicelib.web import cross_site

log = logging.getLogger("orchestrator.local")

IDLE_SECONDS = 60.0
"""Seconds without data, within a request or between two, after which a client is disconnected."""
DRAIN_SECONDS = 2.0
DRAIN_BYTES = 64 * 1024 * 1024
_PIECE = 64 * 1024

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")
_DIGITS = re.compile(r"[0-9]{1,19}")
_BAD_HEADERS = frozenset(
    {
        "MissingHeaderBodySeparatorDefect",
        "FirstHeaderLineIsContinuationDefect",
        "MisplacedEnvelopeHeaderDefect",
    }
)


class Problem(NamedTuple):
    """Why a request is rejected."""

    status: int
    code: str
    message: str


_STANDARD: dict[int, Problem] = {
    414: Problem(414, "uri_too_long", "the request line has more than 65536 bytes; send less"),
    431: Problem(431, "headers_too_large", "a header has more than 65536 bytes, or there are more"
                 " than 100 headers; send less"),
    505: Problem(505, "version_not_supported", "this server speaks HTTP/1.1 and HTTP/1.0"),
}  # fmt: skip
"""Statuses of Python's http.server other than 400."""


class GuardedHandler(BaseHTTPRequestHandler):
    """A mix-in for handlers of http.server: stands before the class that answers. `knows_host` says
    which hosts are this server's, `largest_body` is in bytes."""

    # Else what cannot be read at all would be answered as HTTP/0.9, without a status.
    default_request_version = "HTTP/1.1"
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    largest_body: int
    _was_refused = False

    def knows_host(self, name: str) -> bool:
        return cross_site.is_loopback(name)

    def error_body(self, problem: Problem) -> tuple[str, bytes]:
        """Returns the content type and the body of an error response."""
        raise NotImplementedError

    def refuse(self, problem: Problem) -> None:
        """Respond and close the connection: the rest of what the client sends is not a request."""
        self._was_refused = True
        kind, body = self.error_body(problem)
        self.send_response(problem.status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Errors of http.server itself, all raised before this class sees the request."""
        text = f"this is no HTTP request: {message or explain or 'it cannot be read'}"
        self.refuse(_STANDARD.get(int(code)) or Problem(400, "invalid_request", text))

    def parse_request(self) -> bool:
        if not super().parse_request():
            return False
        problem = self._malformed() or self._foreign() or self._bad_length()
        if problem is not None:
            self.refuse(problem)
        return problem is None

    def handle_expect_100(self) -> bool:
        """Do nothing: 100 Continue is sent when the body is read."""
        return True

    def send_response(self, code: int, message: str | None = None) -> None:
        super().send_response(code, message)
        # For browsers that name no site: what a page of another origin embeds, it cannot read.
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")

    def handle(self) -> None:
        with contextlib.suppress(OSError):  # the client went away, or was silent for too long
            super().handle()

    def finish(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().finish()
        if self._was_refused:
            drain(self.connection)

    def _malformed(self) -> Problem | None:
        defects = {type(defect).__name__ for defect in self.headers.defects}
        names_and_values = self.headers.items()
        is_bad = (
            defects & _BAD_HEADERS
            or not _TOKEN.fullmatch(self.command)
            or not (self.path.startswith(("/", "http://", "https://")) or self.path == "*")
            or any(not _TOKEN.fullmatch(name) for name, _ in names_and_values)
            or any("\n" in value or "\r" in value for _, value in names_and_values)
        )
        if is_bad:
            return Problem(400, "invalid_request", "this is no HTTP request: method, target and"
                           " header names must be as RFC 9112 has them")  # fmt: skip
        hosts = len(self.headers.get_all("Host", []))
        if hosts != 1:
            text = f"the request has {hosts} Host headers; send one, such as Host: localhost"
            return Problem(400, "invalid_request", text)
        return None

    def _foreign(self) -> Problem | None:
        reason = cross_site.refusal(self.headers.items(), self.knows_host, target=self.path)
        return Problem(403, "forbidden", reason) if reason else None

    def _bad_length(self) -> Problem | None:
        lengths = {value.strip() for value in self.headers.get_all("Content-Length", [])}
        codings = [value.strip().lower() for value in self.headers.get_all("Transfer-Encoding", [])]
        if codings and (lengths or codings != ["chunked"]):
            text = "Transfer-Encoding must be chunked alone, and without a Content-Length"
            return Problem(400, "invalid_request", text)
        if len(lengths) > 1 or not all(_DIGITS.fullmatch(value) for value in lengths):
            return Problem(400, "invalid_request", "Content-Length must be one whole number")
        if any(int(value) > self.largest_body for value in lengths):
            return self.too_large()
        return None

    def too_large(self) -> Problem:
        text = f"the body is too large; at most {self.largest_body} bytes are taken"
        return Problem(413, "content_too_large", text)


class QuietServer(socketserver.BaseServer):
    """A mix-in for servers: a client that disconnects prints nothing to the terminal."""

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        error = sys.exception()
        if not isinstance(error, OSError):
            log.error("a request from %s failed", client_address, exc_info=error)


def drain(connection: socket.socket) -> None:
    """Read what the client is still sending. Otherwise the kernel would reset the connection, and
    the client might never see the response."""
    left = DRAIN_BYTES
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(DRAIN_SECONDS)
        while left > 0 and (data := connection.recv(_PIECE)):
            left -= len(data)
