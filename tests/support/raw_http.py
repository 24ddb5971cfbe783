"""HTTP by hand: requests that no client library would send."""

from __future__ import annotations

import email
import socket
from dataclasses import dataclass
from email.message import Message

from tests.support.waiting import HANG_SECONDS


@dataclass(frozen=True)
class RawReply:
    """What came back until the server closed the connection."""

    status: int
    headers: Message
    body: bytes


def request(method: str, target: str, *headers: str, body: bytes = b"") -> bytes:
    """The bytes of a request. Ends the connection unless a header says otherwise."""
    lines = [f"{method} {target} HTTP/1.1", *headers, "Connection: close"]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def exchange(port: int, sent: bytes, *, address: str = "127.0.0.1") -> RawReply:
    """Send, and read what comes back."""
    with socket.create_connection((address, port), timeout=HANG_SECONDS) as connection:
        connection.sendall(sent)
        received = b""
        while piece := connection.recv(65536):
            received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    status_line, _, lines = head.partition(b"\r\n")
    return RawReply(int(status_line.split()[1]), email.message_from_bytes(lines), body)
