"""Cross-site request protection for servers on a developer's own machine.

Any page that is open in a browser there can send requests to it: from its own origin, or under a
host name of its own that it lets resolve to this machine (DNS rebinding). Browsers name the page in
`Origin` or `Sec-Fetch-Site`, and the host name in `Host`; programs such as curl, the AWS CLI and
boto3 send neither of the first two. `Referer` proves nothing, because a page may leave it out.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

KnowsHost = Callable[[str], bool]
"""Whether a host name or IP address, in lower case, is one of this server's own."""

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{0,5}))?")
_ORIGIN = re.compile(r"http://([^/?#@]+)", re.IGNORECASE)
_HTTP_PORT = 80
_OWN_SITES = frozenset({"none", "same-origin"})


def is_loopback(name: str) -> bool:
    """Loopback addresses, `localhost`, and names in front of it, as S3 clients put a bucket's. No
    DNS server can give `localhost` to somebody else (RFC 6761)."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = address_of(name)
    # Not `is_loopback`, whose answer to IPv4 inside IPv6 depends on Python's version.
    return address == ipaddress.IPv6Address("::1") or (
        isinstance(address, ipaddress.IPv4Address) and address.is_loopback
    )


def address_of(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """None if it is a name."""
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def refusal(
    headers: Iterable[tuple[str, str]], knows: KnowsHost = is_loopback, *, target: str = ""
) -> str | None:
    """Why a request must not be answered, or None. `target` is the request's target as it was sent:
    a whole URL takes the place of `Host` (RFC 9112, 3.2.2)."""
    given: dict[str, list[str]] = {"host": [], "origin": [], "sec-fetch-site": []}
    for name, value in headers:
        given.get(name.lower(), []).append(value.strip())
    hosts = [*given["host"], *_authority(target)]
    return _of_hosts(hosts, knows) or _of_origins(given["origin"], hosts) or _of_sites(given)


def host_of(text: str) -> tuple[str, int] | None:
    """The name in lower case, without brackets and the root's dot, and the port of a `Host`
    header; None if it is none."""
    match = _HOST.fullmatch(text)
    if match is None:
        return None
    name, port = match.groups()
    return name.lower().strip("[]").removesuffix("."), int(port or _HTTP_PORT)


def _authority(target: str) -> list[str]:
    if target.startswith(("/", "*")) or not target:
        return []
    try:
        return [urlsplit(target).netloc or target]
    except ValueError:
        return [target]


def _of_hosts(hosts: list[str], knows: KnowsHost) -> str | None:
    for text in hosts:
        host = host_of(text)
        if host is None or not knows(host[0]):
            return (
                f"this server takes requests for its own machine only, not for {_short(text)};"
                " use localhost or 127.0.0.1"
            )
    return None


def _of_origins(origins: list[str], hosts: list[str]) -> str | None:
    own = {host_of(host) for host in hosts} - {None}
    for origin in origins:
        match = _ORIGIN.fullmatch(origin)
        if match is None or host_of(match[1]) not in own:
            return f"a page of {_short(origin)} may not send requests here; only its own page may"
    return None


def _of_sites(given: dict[str, list[str]]) -> str | None:
    for site in given["sec-fetch-site"]:
        if site not in _OWN_SITES:
            return (
                f"a page of another site sent this request (Sec-Fetch-Site: {_short(site)}); if a"
                " link led here, type the address into the browser instead"
            )
    return None


def _short(text: str) -> str:
    return ascii(text[:100])
