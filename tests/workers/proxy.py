"""A proxy on loopback that a network can be cut with: what is sent meanwhile is dropped, and nobody
is told; or with which it can refuse. When it is mended, connections of before are reset."""

from __future__ import annotations

import select
import socket
import struct
import threading
from contextlib import suppress

_PIECE = 65_536


class DroppingProxy:
    """Forwards connections to `port` of loopback, each in a thread of its own."""

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._is_cut = threading.Event()
        self._is_refusing = threading.Event()
        self.refused = 0
        """How many connections were refused so far."""
        self._lock = threading.Lock()
        self._pairs: set[tuple[socket.socket, socket.socket | None]] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self._is_cut.set()

    def refuse(self) -> None:
        """Reset every connection, and each new one at once."""
        self._is_refusing.set()
        self._reset_all()

    def mend(self) -> None:
        self._is_refusing.clear()
        self._reset_all()

    def _reset_all(self) -> None:
        with self._lock:
            self._is_cut.clear()
            pairs, self._pairs = self._pairs, set()
        for pair in pairs:
            for end in pair:
                if end is not None:
                    _reset(end)

    def close(self) -> None:
        self._listener.close()
        self.mend()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        server: socket.socket | None = None
        if self._is_refusing.is_set():
            self.refused += 1
            _reset(client)
            return
        with suppress(OSError):
            server = None if self._is_cut.is_set() else socket.create_connection(self._target)
        pair = (client, server)
        with self._lock:
            self._pairs.add(pair)
        if server is None and not self._is_cut.is_set():
            _reset(client)
        elif server is not None:
            with suppress(OSError, ValueError):
                self._forward(client, server)
            if not self._is_cut.is_set():
                client.close()
                server.close()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        other = {client: server, server: client}
        while True:
            for end in select.select([client, server], [], [])[0]:
                data = end.recv(_PIECE)
                if self._is_cut.is_set():
                    if not data:
                        return
                    continue
                if not data:
                    return
                other[end].sendall(data)


def _reset(end: socket.socket) -> None:
    with suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.close()
