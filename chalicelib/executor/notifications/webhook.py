"""Notifications by an HTTP POST to an address that a DAG's author chose.

The executor stands where private services may be reached, and an author must not reach them by it:
a host's addresses are checked, the connection goes to an address that was checked and not to the
name again, and a redirect is an answer like any other.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import quote, urlsplit

from chalicelib.executor.notifications.sender import NotDelivered, SenderContext
from chalicelib.messages import NotificationMessage

TIMEOUT = 10.0
"""Seconds for one try, from the connection to the answer's head."""
PAUSES = (1.0, 3.0)
"""Seconds before the second and the third try."""

_BUSY = frozenset({408, 425, 429})
"""Request timeout, too early, too many requests: of the errors that blame the sender, those that
pass."""
_SAFE_IN_A_PATH = "%/:=&?~#+!$,;'@()*[]"
_DEFAULT_PORTS = {"http": 80, "https": 443}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class WebhookFailed(Exception):
    """The text says why, and names the host at most: the rest of a webhook's URL is a secret.
    `is_transient`: the same post may succeed later."""

    def __init__(self, text: str, *, is_transient: bool = False) -> None:
        super().__init__(text)
        self.is_transient = is_transient


class WebhookSender:
    """Posts the facts as JSON, with a key by which a receiver recognises one that comes twice."""

    def __init__(self, context: SenderContext) -> None:
        self._allow_private = context.allow_private
        self._pause = context.running.wait

    def send(self, notification: NotificationMessage) -> None:
        body = json.dumps(notification.payload).encode()
        try:
            webhook = Webhook(notification.target, allow_private=self._allow_private)
            webhook.post(body, key=f"notification-{notification.id}", pause=self._pause)
        except WebhookFailed as error:
            raise NotDelivered(str(error), is_transient=error.is_transient) from error


class _TryAgain(Exception):
    """This try failed; the next may not."""


class Webhook:
    """A URL that takes JSON. Raises WebhookFailed for one that cannot be used."""

    def __init__(self, url: str, *, allow_private: bool = False) -> None:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
            self._name = host.encode("idna").decode() if not _is_address(host) else host
        except ValueError:
            raise WebhookFailed("the webhook is not a URL") from None
        if parts.scheme not in _DEFAULT_PORTS or not host:
            raise WebhookFailed("a webhook is a URL that begins with https:// or http://")
        if "@" in parts.netloc:
            raise WebhookFailed("a webhook's URL cannot hold a user or password")
        self._is_secure = parts.scheme == "https"
        self._port = port or _DEFAULT_PORTS[parts.scheme]
        self._host_header = f"[{host}]" if ":" in host else self._name
        if self._port != _DEFAULT_PORTS[parts.scheme]:
            self._host_header += f":{self._port}"
        query = f"?{parts.query}" if parts.query else ""
        self._path = quote(f"{parts.path or '/'}{query}", safe=_SAFE_IN_A_PATH)
        self._allow_private = allow_private

    def post(self, body: bytes, *, key: str, pause: Callable[[float], bool]) -> None:
        """Send it, again after a pause where the other side was busy or silent. `key` tells the
        receiver which of its posts are the same. `pause` waits, and answers whether to give up.
        Raises WebhookFailed."""
        for seconds in (*PAUSES, None):
            try:
                self._try(body, key)
                return
            except _TryAgain as error:
                if seconds is None or pause(seconds):
                    text = f"{error}; tried {len(PAUSES) + 1} times"
                    raise WebhookFailed(text, is_transient=True) from error

    def _try(self, body: bytes, key: str) -> None:
        try:
            status = self._ask(body, key)
        except ssl.SSLCertVerificationError as error:
            # Not at once, but before the day is over somebody may have renewed it.
            text = f"{self._name}: {error.verify_message}"
            raise WebhookFailed(text, is_transient=True) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _TryAgain(f"{self._name} did not answer: {_words(error)}") from error
        if 200 <= status < 300:
            return
        if status >= 500 or status in _BUSY:
            raise _TryAgain(f"{self._name} answered {status}")
        hint = "; redirects are not followed, give the last URL" if 300 <= status < 400 else ""
        raise WebhookFailed(f"{self._name} answered {status}{hint}")

    def _ask(self, body: bytes, key: str) -> int:
        headers = {
            "Host": self._host_header,
            "Content-Type": "application/json",
            "User-Agent": "orchestrator",
            "Idempotency-Key": key,
            "Connection": "close",
        }
        with self._connected() as sock:
            connection = http.client.HTTPConnection(self._name, self._port)
            connection.sock = sock
            connection.request("POST", self._path, body, headers)
            return connection.getresponse().status

    @contextmanager
    def _connected(self) -> Iterator[socket.socket]:
        """A connection that is cut when the time is over, however slowly bytes trickle in."""
        deadline = time.monotonic() + TIMEOUT
        with _connect(self._checked_addresses(), deadline) as plain, self._secured(plain) as sock:
            cut = threading.Timer(_left(deadline), _cut, [sock])
            cut.daemon = True
            cut.start()
            try:
                yield sock
            finally:
                cut.cancel()

    def _secured(self, sock: socket.socket) -> socket.socket:
        # The handshake as a whole is bound by the socket's timeout.
        if not self._is_secure:
            return sock
        return ssl.create_default_context().wrap_socket(sock, server_hostname=self._name)

    def _checked_addresses(self) -> list[tuple[str, int]]:
        infos = socket.getaddrinfo(self._name, self._port, type=socket.SOCK_STREAM)
        addresses = [str(info[4][0]) for info in infos]
        if not self._allow_private and not all(map(is_public, addresses)):
            raise WebhookFailed(
                f"{self._name} has a private address; a webhook may only go to public ones"
            )
        return [(address, self._port) for address in addresses]


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
    """To the first that answers. Raises OSError."""
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


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "not in time"
    text = error.strerror if isinstance(error, OSError) else ""
    return text or type(error).__name__
