"""The HTTP endpoint of the local S3 and SQS.

Calls from this process go straight to moto's backends; this server offers the same backends to the
AWS CLI and to commands. Unlike moto's own server, it rejects requests from other web pages, answers
no preflight, closes moto's own API, takes S3 bodies as they are, and returns every error as S3's
XML.
"""

from __future__ import annotations

import io
import logging
import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any
from xml.sax.saxutils import escape

from moto.moto_server.werkzeug_app import (
    BackendRequest,
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import ThreadedWSGIServer

from chalicelib.errors import OrchestratorError
from chalicelib.local.http_guard import GuardedHandler, Problem, QuietServer
from chalicelib.local.moto_server import Environ, requested_object

log = logging.getLogger("orchestrator.local")

LARGEST_OBJECT = 5 * 1024**3
"""Bytes of one PUT; S3's limit."""
METHODS = frozenset({"GET", "HEAD", "PUT", "POST", "DELETE", "PATCH"})
CLOSED = frozenset({"moto_api", "instance_metadata"})
"""Backends of moto that are not AWS services: a reset, a console, the credentials of a role."""

_ANYBODY = (
    "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/s3/aws4_request, SignedHeaders=host,"
    " Signature=0"
)
"""moto lets unsigned requests, such as curl's, create an object, but not replace or read it."""
_CODES = {
    400: "InvalidRequest",
    403: "AccessDenied",
    404: "NotFound",
    405: "MethodNotAllowed",
    412: "PreconditionFailed",
    413: "EntityTooLarge",
    414: "InvalidURI",
    431: "RequestHeaderSectionTooLarge",
    500: "InternalError",
    501: "NotImplemented",
}
_SANDBOX = ("Content-Security-Policy", "sandbox allow-downloads")
"""Gives an object that is opened in a browser an origin of its own, so it cannot request others."""

StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]
Before = Callable[[str, str], None]
Create = Callable[[str, str, Callable[[], bytes]], bool | None]


def serve(listener: socket.socket, before: Before, create: Create = lambda *_: None) -> None:
    """Serve moto on `listener`. Calls `before(bucket, key_or_prefix)` before each S3 request.
    `create(bucket, key, read)` may store an object that is asked for only if there is none, and
    return whether it did; None leaves that to moto, which checks first and stores afterwards."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    host, port = listener.getsockname()[:2]
    server = _Server(host, port, application(before, create), _Handler, fd=listener.fileno())
    threading.Thread(target=server.serve_forever, name="s3-endpoint", daemon=True).start()


def application(before: Before, create: Create = lambda *_: None) -> Application:
    """Returns the WSGI application: S3, SQS, and moto's other services."""
    moto = DomainDispatcherApplication(_backend)

    def answered(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        environ["wsgi.input"] = _Body(environ["wsgi.input"])
        try:
            status, headers, body = _created(create, environ) or _ask(moto, before, environ)
        except _BodyIsCut as error:
            status, headers, body = _error(400, f"the body ended too early: {error}")
        except OrchestratorError as error:
            log.error("the local S3 and SQS cannot do what was asked: %s", error.message)
            status, headers, body = _error(500, error.message)
        except Exception as error:
            # moto crashes on nonsensical requests; its traceback would help nobody.
            asked = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
            log.error("the local S3 and SQS cannot answer %r: %r", asked[:200], error)
            status, headers, body = _error(500, "the local S3 and SQS cannot answer this request")
        start_response(status, [*_without_cors(headers), _SANDBOX])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else body

    return answered


Answer = tuple[str, list[tuple[str, str]], Iterable[bytes]]


def _created(create: Create, environ: Environ) -> Answer | None:
    """The answer to a PUT with `If-None-Match: *`, None to anything else."""
    if environ["REQUEST_METHOD"] != "PUT" or environ.get("HTTP_IF_NONE_MATCH") != "*":
        return None
    length = str(environ.get("CONTENT_LENGTH", ""))
    is_encoded = environ.get("HTTP_X_AMZ_CONTENT_SHA256", "").startswith("STREAMING")
    if is_encoded or not length.isdecimal():  # nothing that is raced for is sent in chunks
        return None
    bucket, key = requested_object(environ)
    is_created = create(bucket, key, lambda: _read_body(environ["wsgi.input"], int(length)))
    if is_created is None:
        return None
    if not is_created:
        return _error(412, "there is an object by that key")
    return "200 OK", [("ETag", '"created"'), ("Content-Length", "0")], []


def _ask(moto: Application, before: Before, environ: Environ) -> Answer:
    if environ["REQUEST_METHOD"] == "OPTIONS":
        return _error(403, "no page of another origin may send requests here")
    if environ["REQUEST_METHOD"] not in METHODS:  # Flask would take them in small letters, too
        return _error(405, f"this cannot be asked with {environ['REQUEST_METHOD']}")
    bucket, key = requested_object(environ)
    before(bucket, key)
    if key:
        environ.setdefault("HTTP_AUTHORIZATION", _ANYBODY)
    started: list[Any] = []

    def start(status: str, headers: list[tuple[str, str]], _: Any = None) -> None:
        started[:] = [status, headers]

    body = moto(environ, start)
    status, headers = started
    code = int(status.split()[0])
    if code >= 400 and dict(headers).get("Content-Type", "").startswith("text/html"):
        return _error(code, f"the local S3 and SQS cannot answer this request ({status})")
    return status, headers, body


def _error(status: int, message: str) -> Answer:
    body = error_xml(status, message)
    headers = [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))]
    return f"{status} {_code(status)}", headers, [body]


def error_xml(status: int, message: str) -> bytes:
    """Returns an error in S3's shape."""
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    text = f"<Code>{_code(status)}</Code><Message>{escape(message)}</Message>"
    return f"{head}<Error>{text}</Error>".encode()


def _code(status: int) -> str:
    return _CODES.get(status, "InvalidRequest" if status < 500 else "InternalError")


def _without_cors(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [pair for pair in headers if not pair[0].lower().startswith("access-control-")]


def _backend(service: Any) -> Any:
    if service.partition(".")[0] in CLOSED:  # "moto_api._internal" is one of them
        return _closed
    app = create_backend_app(service)
    if service == "s3":
        app.request_class = _S3Request
    return app


def _closed(_: Environ, start_response: StartResponse) -> Iterable[bytes]:
    status, headers, body = _error(403, "this is neither S3 nor SQS, and closed here")
    start_response(status, headers)
    return body


class _S3Request(BackendRequest):
    """Takes a body as it is. Only an upload by an HTML form, a POST to a bucket, is parsed as a
    form; curl sends everything with a form's content type."""

    @property
    def want_form_data_parsed(self) -> bool:
        is_form = self.mimetype == "multipart/form-data"
        return self.method == "POST" and is_form and not self.query_string


def _read_body(stream: _Body, length: int) -> bytes:
    body = b""
    while len(body) < length:
        piece = stream.read(length - len(body))
        if not piece:
            raise _BodyIsCut(f"{len(body)} of {length} bytes")
        body += piece
    return body


class _BodyIsCut(Exception):
    """The client disconnected, or sent malformed chunks."""


class _Body(io.RawIOBase):
    """The request body, with one error for everything that can go wrong while reading it."""

    def __init__(self, stream: Any) -> None:
        super().__init__()
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            return int(self._stream.readinto(buffer))
        except (OSError, ValueError) as error:
            raise _BodyIsCut(str(error)) from None


class _Server(QuietServer, ThreadedWSGIServer):
    """One thread for each request."""


class _Handler(GuardedHandler, MotoRequestHandler):
    largest_body = LARGEST_OBJECT

    def error_body(self, problem: Problem) -> tuple[str, bytes]:
        return "application/xml", error_xml(problem.status, problem.message)
