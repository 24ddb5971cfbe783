"""Connections over HTTP to hosts that a DAG's author chose.

The executor stands where private services may be reached, and an author must not reach them by it:
a host's addresses are checked, and the connection goes to an address that was checked and not to
the name again.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

_SAFE_IN_A_PATH = "%/:=&?~#+!$,;'@()*[]"
_DEFAULT_PORTS = {"http": 80, "https": 443}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

BUSY = frozenset({408, 425, 429})
"""Request timeout, too early, too many requests: of the errors that blame the client, those that
pass."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class PrivateAddress(Exception):
    """The host has an address that is not of the public internet."""


@dataclass(frozen=True, slots=True)
class HttpTarget:
    """A URL of a host: `scheme` may be any, `name` is the host's name in ASCII, `path` has the
    query."""

    scheme: str
    name: str
    port: int
    host_header: str
    path: str
    has_credentials: bool

    @classmethod
    def parse(cls, url: str) -> HttpTarget:
        """Raises ValueError for what is no URL."""
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        name = host if _is_address(host) else host.encode("idna").decode()
        default_port = _DEFAULT_PORTS.get(parts.scheme, 0)
        header = f"[{host}]" if ":" in host else name
        if port and port != default_port:
            header += f":{port}"
        query = f"?{parts.query}" if parts.query else ""
        path = quote(f"{parts.path or '/'}{query}", safe=_SAFE_IN_A_PATH)
        return cls(parts.scheme, name, port or default_port, header, path, "@" in parts.netloc)

    @property
    def is_http(self) -> bool:
        return self.scheme in _DEFAULT_PORTS and self.name != ""


@contextmanager
def connected(
    target: HttpTarget, seconds: float, *, allow_private: bool, most_seconds: float | None = None
) -> Iterator[socket.socket]:
    """A connection, made within `seconds` and cut after them, or after `most_seconds`, however
    slowly bytes trickle in. Raises PrivateAddress or OSError."""
    deadline = time.monotonic() + seconds
    addresses = _checked_addresses(target, allow_private=allow_private)
    with _connect(addresses, deadline) as plain, _secured(target, plain) as sock:
        cut_after = _left(deadline) if most_seconds is None else most_seconds
        cut = threading.Timer(cut_after, _cut, [sock])
        cut.daemon = True
        cut.start()
        try:
            yield sock
        finally:
            cut.cancel()


def _secured(target: HttpTarget, sock: socket.socket) -> socket.socket:
    # The handshake as a whole is bound by the socket's timeout.
    if target.scheme != "https":
        return sock
    return ssl.create_default_context().wrap_socket(sock, server_hostname=target.name)


def _checked_addresses(target: HttpTarget, *, allow_private: bool) -> list[tuple[str, int]]:
    infos = socket.getaddrinfo(target.name, target.port, type=socket.SOCK_STREAM)
    addresses = [str(info[4][0]) for info in infos]
    if not allow_private and not all(map(is_public, addresses)):
        raise PrivateAddress(target.name)
    return [(address, target.port) for address in addresses]


def is_public(address: str) -> bool:
    """Whether the address, and one of IPv4 that it may carry, is one of the public internet."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    return all(a.is_global and not a.is_multicast for a in (parsed, *_carried(parsed)))


def _carried(address: Address) -> list[Address]:
    if isinstance(address, ipaddress.IPv4Address):
        return []
    carried: list[Address | None] = [address.ipv4_mapped, address.sixtofour]
    carried += address.teredo or ()
    if address in _NAT64:
        carried.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return [embedded for embedded in carried if embedded is not None]


def _connect(addresses: list[tuple[str, int]], deadline: float) -> socket.socket:
    """Connect to the first address that answers. Raises OSError."""
    for address in addresses[:-1]:
        try:
            return socket.create_connection(address, _left(deadline) / 2)
        except OSError:
            continue
    return socket.create_connection(addresses[-1], _left(deadline))


def _left(deadline: float) -> float:
    return max(0.1, deadline - time.monotonic())


def _cut(sock: socket.socket) -> None:
    try:
        # Not the method of a TLS socket: another thread reads from that.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
    except OSError:
        return


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def words_of(error: Exception) -> str:
    """Why a host did not answer, fit to be shown."""
    if isinstance(error, TimeoutError):
        return "not in time"
    text = error.strerror if isinstance(error, OSError) else ""
    return text or type(error).__name__
