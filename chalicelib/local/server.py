"""moto in this process, and its endpoint for those outside.

Calls from inside go straight to moto's backends; the HTTP server shows the same backends to the aws
CLI and to commands.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs, unquote

from chalicelib.local.refusal import Refusal

LOOPBACK = "127.0.0.1"
_ANYBODY = (
    "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/s3/aws4_request, SignedHeaders=host,"
    " Signature=0"
)
"""Without a signature, as curl sends it, moto lets an object be made but not replaced or read."""

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


def bind(port: int, *, host: str = LOOPBACK, what: str, remedy: str) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises Refusal, naming `what` wanted it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise Refusal(f"{what} cannot listen on {host}:{port}: {reason}; {remedy}") from None
    return listener


def start_moto() -> None:
    """From here on, no boto3 client of this process reaches AWS."""
    from moto import mock_aws

    from chalicelib.local.moto_queue import forget_instances

    mock_aws().start()
    forget_instances()


def serve(listener: socket.socket, before: Callable[[str, str], None]) -> None:
    """Serve moto on `listener`. `before(bucket, key_or_prefix)` is called ahead of each S3
    request."""
    from moto.moto_server.werkzeug_app import (
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    moto = DomainDispatcherApplication(create_backend_app)
    host, port = listener.getsockname()[:2]
    server = make_server(
        host,
        port,
        _announcing(moto, before),
        threaded=True,
        request_handler=MotoRequestHandler,
        fd=listener.fileno(),
    )
    threading.Thread(target=server.serve_forever, name="s3-endpoint", daemon=True).start()


def _announcing(application: Application, before: Callable[[str, str], None]) -> Application:
    def announced(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        bucket, key = looked_at(environ)
        before(bucket, key)
        if key:
            environ.setdefault("HTTP_AUTHORIZATION", _ANYBODY)
        return application(environ, start_response)

    return announced


def looked_at(environ: Environ) -> tuple[str, str]:
    """The bucket that a request is about and the key, or the prefix of the keys; empty texts where
    it is not about one. The bucket stands in the path, or in front of the host's name."""
    path = unquote(str(environ.get("PATH_INFO", ""))).lstrip("/")
    host = str(environ.get("HTTP_HOST", ""))
    if host.startswith("orchestrator-"):
        path = f"{host.split('.')[0]}/{path}"
    bucket, _, key = path.partition("/")
    if key:
        return bucket, key
    return bucket, parse_qs(str(environ.get("QUERY_STRING", ""))).get("prefix", [""])[0]
