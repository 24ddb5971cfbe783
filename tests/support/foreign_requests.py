"""What browsers and programs send to the local servers: one table for the rule and both ports."""

from __future__ import annotations

from typing import NamedTuple

HERE = "{port}"
"""Stands for the port of the server that is asked."""


class Sent(NamedTuple):
    """The headers of a request, and who sends it. `target` is a whole URL, where it is one."""

    who: str
    headers: tuple[str, ...]
    target: str = ""


def _hosts(*hosts: str) -> list[Sent]:
    return [Sent(f"for host {host!r}", (f"Host: {host}",)) for host in hosts]


def _by_page(*headers: str, host: str = f"127.0.0.1:{HERE}") -> Sent:
    return Sent(" and ".join(headers), (f"Host: {host}", *headers))


OWN: list[Sent] = [
    *_hosts(
        f"127.0.0.1:{HERE}",
        "127.0.0.1",
        "127.0.0.2:80",
        f"localhost:{HERE}",
        "LOCALHOST",
        "localhost.",
        f"localhost.:{HERE}",
        "localhost:",
        "[::1]",
        f"[::1]:{HERE}",
        "[0:0:0:0:0:0:0:1]",
        f"bucket.localhost:{HERE}",
        f"my.bucket.s3.localhost:{HERE}",
        "s3.us-east-1.localhost",
        "localhost:1",
    ),
    _by_page("Sec-Fetch-Site: none"),
    _by_page("Sec-Fetch-Site: same-origin"),
    _by_page(f"Origin: http://127.0.0.1:{HERE}", "Sec-Fetch-Site: same-origin"),
    _by_page(f"Origin: http://localhost:{HERE}", host=f"localhost:{HERE}"),
    _by_page("Origin: http://localhost", host="localhost"),
    _by_page("Origin: http://localhost:80", host="LOCALHOST"),
    _by_page(f"Origin: http://[::1]:{HERE}", host=f"[::1]:{HERE}"),
    _by_page("Referer: http://other.example/page"),
    Sent("a whole URL", ("Host: localhost",), f"http://localhost:{HERE}"),
]
"""Programs, addresses typed into a browser, and the server's own page."""

FOREIGN: list[Sent] = [
    *_hosts(
        "evil.example",
        f"evil.example:{HERE}",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "127.0.0.1.nip.io",
        "evil-localhost",
        "evillocalhost",
        "localhost.localdomain",
        "localhost.localstack.cloud",
        "host.docker.internal",
        "0.0.0.0",
        f"0.0.0.0:{HERE}",
        "[::]",
        "[::ffff:127.0.0.1]",
        "192.168.1.5",
        "10.0.0.1:8000",
        "2130706433",
        "0x7f.1",
        "127.1",
        "127.0.0.1@evil.example",
        "evil.example@127.0.0.1",
        "localhost evil.example",
        "localhost,evil.example",
        "localhost/evil.example",
        "localhost#.evil.example",
        "localhost:80:80",
        "localhost:port",
        "localhost..",
        "[",
        "[::1",
        "[fe80::1%25lo]",
        "\xe4.localhost",
        "",
    ),
    _by_page("Origin: https://evil.example"),
    _by_page("Origin: http://evil.example", host="evil.example"),
    _by_page("Origin: null"),
    _by_page("Origin: "),
    _by_page("Origin: file://"),
    _by_page("Origin: http://127.0.0.1"),
    _by_page("Origin: http://127.0.0.1:9999"),
    _by_page(f"Origin: http://localhost:{HERE}"),
    _by_page(f"Origin: https://127.0.0.1:{HERE}"),
    _by_page(f"Origin: http://evil.localhost:{HERE}", host=f"localhost:{HERE}"),
    _by_page(f"Origin: http://127.0.0.1:{HERE}.evil.example"),
    _by_page(f"Origin: http://127.0.0.1:{HERE}@evil.example"),
    _by_page(f"Origin: http://evil.example/127.0.0.1:{HERE}"),
    _by_page(f"Origin: http://127.0.0.1:{HERE}, http://evil.example"),
    _by_page(f"Origin: http://127.0.0.1:{HERE}", "Origin: http://evil.example"),
    _by_page("Origin: chrome-extension://abcdefghijklmnop"),
    _by_page("Sec-Fetch-Site: cross-site"),
    _by_page("Sec-Fetch-Site: same-site"),
    _by_page("Sec-Fetch-Site: "),
    _by_page("Sec-Fetch-Site: none, cross-site"),
    _by_page("Sec-Fetch-Site: none", "Sec-Fetch-Site: cross-site"),
    _by_page("Sec-Fetch-Site: cross-site", f"Origin: http://127.0.0.1:{HERE}"),
    _by_page("SEC-FETCH-SITE: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"),
    _by_page("Upgrade: websocket", "Origin: https://evil.example"),
    Sent("a whole URL of another host", ("Host: localhost",), f"http://evil.example:{HERE}"),
    Sent("a whole URL with a user", ("Host: localhost",), "http://localhost@evil.example"),
    Sent("a whole URL, and another Host", ("Host: evil.example",), f"http://localhost:{HERE}"),
]
"""Pages of other origins, and names that somebody else lets resolve to this machine."""


def filled(sent: Sent, port: int) -> Sent:
    """Fill in the port of a server."""
    headers = tuple(header.replace(HERE, str(port)) for header in sent.headers)
    return Sent(sent.who, headers, sent.target.replace(HERE, str(port)))
