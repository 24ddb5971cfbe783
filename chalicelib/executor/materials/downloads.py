"""Fetches a URL that a DAG's author chose: HTTPS or `s3://`.

The content is checked by its SHA-256 elsewhere. Here it is bounded, and each failure is told apart:
one that waiting may help against is transient, any other is permanent.
"""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Callable, Iterator
from urllib.parse import urljoin, urlsplit

from chalicelib.errors import OrchestratorError, Unavailable
from chalicelib.executor.materials.context import Outside
from chalicelib.executor.public_hosts import (
    BUSY,
    HttpTarget,
    PrivateAddress,
    connected,
    words_of,
)
from chalicelib.executor.workspace import CannotStart

MAX_DOWNLOAD_BYTES = 200 * 1024 * 1024
MAX_REDIRECTS = 5
CONNECT_SECONDS = 10.0
IDLE_SECONDS = 20.0
"""Without a byte for so long, the other side counts as silent."""
MOST_SECONDS = 900.0
_PIECE_BYTES = 64 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HEADERS = {"User-Agent": "orchestrator", "Accept-Encoding": "identity", "Connection": "close"}

Write = Callable[[bytes], None]


def download(url: str, what: str, outside: Outside, write: Write) -> None:
    """Pass what is at `url` to `write`, piece by piece. Raises CannotStart, which calls it `what`
    and names no more of an address than its host."""
    if url.startswith("s3://"):
        _copy(_pieces_of_object(url, what, outside), None, what, write)
    else:
        _follow(url, what, outside, write)


def _follow(url: str, what: str, outside: Outside, write: Write) -> None:
    for _ in range(MAX_REDIRECTS + 1):
        target = _target_of(url, what)
        try:
            location = _get(target, what, outside, write)
        except PrivateAddress as error:
            text = f"{what}: {target.name} has a private address, and only public ones are allowed"
            raise CannotStart(text, is_permanent=True) from error
        except ssl.SSLCertVerificationError as error:
            text = f"{what}: the certificate of {target.name}: {error.verify_message}"
            raise CannotStart(text, is_transient=True) from error
        except (OSError, http.client.HTTPException) as error:
            text = f"{what}: {target.name} did not answer: {words_of(error)}"
            raise CannotStart(text, is_transient=True) from error
        if location is None:
            return
        url = urljoin(url, location)
    text = f"{what}: there are more than {MAX_REDIRECTS} redirects"
    raise CannotStart(text, is_permanent=True)


def _target_of(url: str, what: str) -> HttpTarget:
    try:
        target = HttpTarget.parse(url)
    except ValueError:
        raise CannotStart(f"{what}: a redirect leads to no URL", is_permanent=True) from None
    if target.scheme != "https" or not target.name:
        text = f"{what}: {target.name or 'it'} would be fetched without HTTPS ({target.scheme}:)"
        raise CannotStart(f"{text}, which anyone on the way can change", is_permanent=True)
    return target


def _get(target: HttpTarget, what: str, outside: Outside, write: Write) -> str | None:
    """Return where a redirect leads, or None once all is written."""
    with connected(
        target, CONNECT_SECONDS, allow_private=outside.allow_private, most_seconds=MOST_SECONDS
    ) as sock:
        sock.settimeout(IDLE_SECONDS)
        connection = http.client.HTTPConnection(target.name, target.port)
        connection.sock = sock
        connection.request("GET", target.path, headers={"Host": target.host_header, **_HEADERS})
        answer = connection.getresponse()
        location = answer.getheader("Location")
        if answer.status in _REDIRECTS and location:
            return location
        if answer.status != http.client.OK:
            raise _refused(answer.status, target, what)
        pieces = iter(lambda: answer.read(_PIECE_BYTES), b"")
        _copy(pieces, answer.length, what, write)
        return None


def _refused(status: int, target: HttpTarget, what: str) -> CannotStart:
    if status >= 500 or status in BUSY:
        return CannotStart(f"{what}: {target.name} answered {status}", is_transient=True)
    hint = "; check its url" if status in (404, 410) else ""
    return CannotStart(f"{what}: {target.name} answered {status}{hint}", is_permanent=True)


def _copy(pieces: Iterator[bytes], size: int | None, what: str, write: Write) -> None:
    _refuse_too_many(size or 0, what)
    copied = 0
    for piece in pieces:
        copied += len(piece)
        _refuse_too_many(copied, what)
        write(piece)
    if size is not None and copied < size:
        text = f"{what}: the connection ended after {copied} of {size} bytes"
        raise CannotStart(text, is_transient=True)


def _refuse_too_many(size: int, what: str) -> None:
    if size > MAX_DOWNLOAD_BYTES:
        most = MAX_DOWNLOAD_BYTES // 1024**2
        raise CannotStart(
            f"{what} is larger than {most} MiB, the most that is downloaded", is_permanent=True
        )


def _pieces_of_object(url: str, what: str, outside: Outside) -> Iterator[bytes]:
    parts = urlsplit(url)
    # A key is taken as it is written: it may hold what has a meaning in other URLs.
    key = url.removeprefix(f"s3://{parts.netloc}/")
    if outside.open_bucket is None:
        raise CannotStart(
            f"{what}: commands have no role here with which a bucket could be read; use an"
            " https:// URL",
            is_permanent=True,
        )
    try:
        pieces = outside.open_bucket(parts.netloc).download(key)
        if pieces is None:
            text = f"{what}: there is no `{key}` in the bucket `{parts.netloc}`"
            raise CannotStart(text, is_permanent=True)
        yield from pieces
    except OrchestratorError as error:
        is_transient = isinstance(error, Unavailable)
        raise CannotStart(
            f"{what}: {error}", is_transient=is_transient, is_permanent=not is_transient
        ) from error
