"""Protects servers on a developer's machine from requests by other web pages.

Any page in a browser there can send requests to a local server, from its own origin or through a
host name that it resolves to this machine (DNS rebinding). Browsers name the page in `Origin` or
`Sec-Fetch-Site` and the host name in `Host`; programs such as curl, the AWS CLI and boto3 send
neither of the first two. `Referer` proves nothing, because a page can suppress it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

KnowsHost = Callable[[str], bool]
"""Tells whether a lower-case host name or IP address belongs to this server."""

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{0,5}))?")
_ORIGIN = re.compile(r"http://([^/?#@]+)", re.IGNORECASE)
_HTTP_PORT = 80
_OWN_SITES = frozenset({"none", "same-origin"})


def is_loopback(name: str) -> bool:
    """True for loopback addresses, `localhost` and its subdomains, which S3 clients use for
    buckets. `localhost` never resolves to another machine (RFC 6761)."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = address_of(name)
    # Not `is_loopback`: its result for IPv4 inside IPv6 depends on the version of Python.
    return address == ipaddress.IPv6Address("::1") or (
        isinstance(address, ipaddress.IPv4Address) and address.is_loopback
    )


def address_of(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address, or None for a host name."""
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def refusal(
    headers: Iterable[tuple[str, str]], knows: KnowsHost = is_loopback, *, target: str = ""
) -> str | None:
    """Why a request must be refused, or None. `target` is the unparsed request target: an absolute
    URL takes precedence over `Host` (RFC 9112, 3.2.2)."""
    given: dict[str, list[str]] = {"host": [], "origin": [], "sec-fetch-site": []}
    for name, value in headers:
        given.get(name.lower(), []).append(value.strip())
    hosts = [*given["host"], *_authority(target)]
    return _of_hosts(hosts, knows) or _of_origins(given["origin"], hosts) or _of_sites(given)


def host_of(text: str) -> tuple[str, int] | None:
    """Name and port of a `Host` header; None if it is malformed. The name is in lower case, without
    brackets and trailing dot."""
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
                f"this server accepts requests to its own machine only, not to {_short(text)};"
                " use localhost or 127.0.0.1"
            )
    return None


def _of_origins(origins: list[str], hosts: list[str]) -> str | None:
    own = {host_of(host) for host in hosts} - {None}
    for origin in origins:
        match = _ORIGIN.fullmatch(origin)
        if match is None or host_of(match[1]) not in own:
            return (
                f"requests from a page of {_short(origin)} are refused; only this server's own page"
                " may send them"
            )
    return None


def _of_sites(given: dict[str, list[str]]) -> str | None:
    for site in given["sec-fetch-site"]:
        if site not in _OWN_SITES:
            return (
                f"requests from other sites are refused (Sec-Fetch-Site: {_short(site)}); if you"
                " followed a link, type the address into the browser instead"
            )
    return None


def _short(text: str) -> str:
    return ascii(text[:100])
