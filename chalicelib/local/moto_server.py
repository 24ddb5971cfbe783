"""What the endpoint of the local S3 and SQS is made of: a socket, moto, what a request is about."""

from __future__ import annotations

import socket
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from chalicelib.local.startup_error import Refusal

LOOPBACK = "127.0.0.1"

Environ = dict[str, Any]


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


def looked_at(environ: Environ) -> tuple[str, str]:
    """The bucket that a request is about and the key, or the prefix of the keys; empty texts where
    it is not about one. The bucket stands in the path, or in front of the host's name."""
    path = unquote(_path(environ)).lstrip("/")
    name = str(environ.get("HTTP_HOST", "")).partition(":")[0].lower().removesuffix(".")
    if name.endswith(".localhost"):
        path = f"{name.removesuffix('.localhost').removesuffix('.s3')}/{path}"
    bucket, _, key = path.partition("/")
    if key:
        return bucket, key
    return bucket, parse_qs(str(environ.get("QUERY_STRING", ""))).get("prefix", [""])[0]


def _path(environ: Environ) -> str:
    """As it was sent. PATH_INFO is decoded once, so that `%25` in a key would be decoded twice."""
    sent = str(environ.get("RAW_URI") or environ.get("PATH_INFO", ""))
    return sent.partition("?")[0] if sent.startswith("/") else urlsplit(sent).path
