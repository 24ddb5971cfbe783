"""The HTTP server of page and API under `chalice local`: Chalice's own, behind the guard, and as
API Gateway is in what Chalice leaves out: bodies in chunks, every method, one error shape.
"""

from __future__ import annotations

import functools
import gzip
import json
import logging
import re
import socket
import threading
from dataclasses import dataclass, field
from typing import IO, Any, cast

import chalice.local
from chalice.local import (
    ChaliceRequestHandler,
    LocalDevServer,
    LocalGateway,
    LocalGatewayException,
    ThreadedHTTPServer,
)

from chalicelib.local.download_links import PREFIX, SignedLinks
from chalicelib.local.http_guard import GuardedHandler, Problem, QuietServer
from chalicelib.utils.content_disposition import attachment
from chalicelib.web import cross_site
from chalicelib.web.responses import error_response

log = logging.getLogger("orchestrator.local")

LARGEST_BODY = 10 * 1024 * 1024
"""Bytes; API Gateway's limit."""
LEAST_COMPRESSED_BYTES = 1024
"""Bytes; what `minimum_compression_size` is on AWS."""
COMPRESSION_LEVEL = 5
ACCEPT_QUEUE = 512
"""Connections that may wait to be accepted. With Python's default of 5, a crowd of clients waits
for minutes."""


LONGEST_WAIT = 15.0
"""Seconds that a request waits, at most, until the folder of DAG files was read once."""
ANSWERED_AT_ONCE = ("/api/health", "/api/openapi.json")
"""What does not depend on the folder, besides the page."""


@dataclass(frozen=True)
class Beginning:
    """What happens once after the start. `may_build`: the first request was answered, or waits for
    the folder of DAG files; `is_folder_read`: its files are registered."""

    may_build: threading.Event = field(default_factory=threading.Event)
    is_folder_read: threading.Event = field(default_factory=threading.Event)

    def await_folder(self) -> None:
        """Wait until the folder was read, so that no DAG of it is said not to exist."""
        if not self.is_folder_read.is_set():
            self.may_build.set()
            self.is_folder_read.wait(LONGEST_WAIT)


def install(host: str, downloads: SignedLinks) -> Beginning:
    """Make `chalice local` start this server. `host` is the option of `chalice local`."""
    beginning = Beginning()
    own = {"hosts": own_hosts(host), "downloads": downloads, "beginning": beginning}
    handler = type("Handler", (ApiHandler,), own)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    server = type("Server", (ApiServer,), {"address_family": family})
    made: Any = functools.partial(LocalDevServer, handler_cls=handler, server_cls=server)
    chalice.local.LocalDevServer = made  # type: ignore[misc]
    return beginning


def own_hosts(host: str) -> frozenset[str] | None:
    """Returns the names of this machine that other machines may use; None if the server listens on
    loopback, which they cannot reach."""
    if cross_site.is_loopback(host):
        return None
    name = socket.gethostname()
    names = {name, f"{name}.local", socket.getfqdn(), host}
    return frozenset(name.lower().removesuffix(".") for name in names)


class ApiServer(QuietServer, ThreadedHTTPServer):
    """One thread for each connection."""

    request_queue_size = ACCEPT_QUEUE


class _Gateway(LocalGateway):
    """Treats OPTIONS like any other method, so no preflight succeeds."""

    def _has_user_defined_options_method(self, _event: Any) -> bool:
        return True


class ApiHandler(GuardedHandler, ChaliceRequestHandler):
    """One connection. `hosts`: see `own_hosts`; `downloads` are the links that are served here;
    `beginning` says whether the folder of DAG files was read."""

    hosts: frozenset[str] | None = None
    downloads: SignedLinks
    beginning: Beginning
    largest_body = LARGEST_BODY

    def __init__(
        self, request: Any, client_address: Any, server: Any, app_object: Any, config: Any
    ) -> None:
        self.local_gateway = _Gateway(app_object, config)
        GuardedHandler.__init__(self, request, client_address, server)

    def __getattr__(self, name: str) -> Any:
        """Pass every method to the app, which knows which ones a path allows."""
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def knows_host(self, name: str) -> bool:
        """Other machines may also use any IP address: a web page can make its own name resolve to
        this machine, but it cannot have been loaded from this machine's address."""
        if cross_site.is_loopback(name):
            return True
        if self.hosts is None:
            return False
        return name in self.hosts or cross_site.address_of(name) is not None

    def error_body(self, problem: Problem) -> tuple[str, bytes]:
        response = error_response(problem.status, problem.code, problem.message, {})
        return "application/json", json.dumps(response.body).encode()

    def answer(self) -> None:
        path = self.path.partition("?")[0]
        if path.startswith("/api/") and path not in ANSWERED_AT_ONCE:
            self.beginning.await_folder()
        self._answer()
        self.beginning.may_build.set()

    def _answer(self) -> None:
        body = self._body()
        if isinstance(body, Problem):
            return self.refuse(body)
        if self.command == "GET" and self.path.startswith(PREFIX):
            return self._download()
        response = self._ask(body)
        if isinstance(response, Problem):
            return self.refuse(response)
        headers = {**response["headers"], **response["multiValueHeaders"]}
        body = self._handle_binary(response)["body"]
        if self.command == "HEAD" and not body:
            # Its length would be that of an answer to GET.
            self.send_response(response["statusCode"])
            return self._send_headers(headers)
        headers, body = self._compressed(headers, body)
        return self._send_http_response(response["statusCode"], headers, body)

    def _compressed(self, headers: dict[str, Any], body: str | bytes) -> tuple[dict[str, Any], Any]:
        """As API Gateway does: texts that are worth it, for clients that take gzip."""
        if not isinstance(body, str) or not _accepts_gzip(self.headers.get("Accept-Encoding", "")):
            return headers, body
        content = body.encode()
        if len(content) < LEAST_COMPRESSED_BYTES:
            return headers, body
        more = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        return {**headers, **more}, gzip.compress(content, COMPRESSION_LEVEL, mtime=0)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer

    def _download(self) -> None:
        """Stream an object: an answer of the API would be in memory as a whole."""
        download = self.downloads.open(self.path)
        if download is None:
            text = "this link is not valid, or no longer; ask for the artifact again"
            return self.refuse(Problem(404, "not_found", text))
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Disposition", attachment(download.file_name))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Content-Security-Policy", "sandbox")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Length", str(download.size))
        self.end_headers()
        self.wfile.writelines(download.pieces)
        return None

    def _ask(self, body: bytes | None) -> Any:
        try:
            return self.local_gateway.handle_request(
                method=self.command, path=self.path, headers=dict(self.headers), body=body
            )
        except (LocalGatewayException, UnicodeEncodeError):
            # Chalice finds no route, and cannot say so if the Authorization header is not ASCII.
            return Problem(
                404, "not_found", "there is no such path; GET /api/openapi.json lists all"
            )
        except Exception:
            log.exception("unexpected error in a request")
            return Problem(500, "internal", "internal error; the server's log has the details")

    def _body(self) -> bytes | Problem | None:
        if self.headers.get("Expect", "").strip().lower() == "100-continue":
            self.send_response_only(100)
            self.end_headers()
        if "Transfer-Encoding" in self.headers:
            return self._chunked_body()
        length = int(self.headers.get("Content-Length", "0"))
        body = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionError("the client went away in the middle of a request")
        return body or None

    def _chunked_body(self) -> bytes | Problem:
        from werkzeug.serving import DechunkedInput  # a tenth of the time that a start takes

        try:
            stream = DechunkedInput(cast(IO[bytes], self.rfile))
            body = b""
            while len(body) <= LARGEST_BODY and (piece := stream.read(64 * 1024)):
                body += piece
        except TimeoutError:
            raise
        except OSError:
            return Problem(400, "invalid_request", "the chunks of the body cannot be read")
        return self.too_large() if len(body) > LARGEST_BODY else body


def _accepts_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding header names gzip, or anything, and does not refuse it."""
    for entry in accepted.lower().split(","):
        name, _, weight = entry.partition(";")
        if name.strip() in ("gzip", "*"):
            return not re.fullmatch(r"q=0(\.0*)?", weight.strip())
    return False
