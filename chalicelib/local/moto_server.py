"""Parts of the local S3 and SQS endpoint: its socket, moto, and what a request is about."""

from __future__ import annotations

import socket
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from chalicelib.local.startup_error import StartupError

LOOPBACK = "127.0.0.1"

Environ = dict[str, Any]


def bind(port: int, *, host: str = LOOPBACK, what: str, remedy: str) -> socket.socket:
    """Returns a listening socket; port 0 picks a free one. Raises StartupError, which names
    `what`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise StartupError(f"{what} cannot listen on {host}:{port}: {reason}; {remedy}") from None
    return listener


def start_moto() -> None:
    """Start moto: from now on, no boto3 client of this process reaches AWS."""
    from moto import mock_aws

    from chalicelib.local.moto_queue import forget_instances

    mock_aws().start()
    forget_instances()


def requested_object(environ: Environ) -> tuple[str, str]:
    """Returns the bucket of a request, and its key or key prefix; empty strings if it has none. The
    bucket is in the path, or in front of the host name."""
    path = unquote(_path(environ)).lstrip("/")
    name = str(environ.get("HTTP_HOST", "")).partition(":")[0].lower().removesuffix(".")
    if name.endswith(".localhost"):
        path = f"{name.removesuffix('.localhost').removesuffix('.s3')}/{path}"
    bucket, _, key = path.partition("/")
    if key:
        return bucket, key
    return bucket, parse_qs(str(environ.get("QUERY_STRING", ""))).get("prefix", [""])[0]


def _path(environ: Environ) -> str:
    """The path as sent. PATH_INFO is already decoded, so `%25` in a key would be decoded twice."""
    sent = str(environ.get("RAW_URI") or environ.get("PATH_INFO", ""))
    return sent.partition("?")[0] if sent.startswith("/") else urlsplit(sent).path
