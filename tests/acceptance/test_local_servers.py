"""Both ports of `chalice local`: who is let in, and what is answered to what is no request."""

from __future__ import annotations

import gzip
import json
import re
import socket
import struct
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.acceptance.local_cloud import LocalCloud
from tests.support.foreign_requests import FOREIGN, OWN, Sent, filled
from tests.support.raw_http import RawReply, exchange, request
from tests.support.waiting import HANG_SECONDS, eventually

PATHS = {"API": "/api/dags", "S3": "/orchestrator-dags/mine.yaml"}
MINE = "name: mine\ntasks: [{id: a, command: 'true'}]\n"
EVIL = b"name: evil\ntasks: [{id: a, command: 'true'}]\n"
PORTS = pytest.mark.parametrize("port_of", ["API", "S3"])
HOST = "Host: localhost"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    cloud = LocalCloud(tmp_path_factory.mktemp("servers"))
    with cloud.running():
        cloud.upload("mine.yaml", MINE)
        eventually(lambda: cloud.dag_ids() == ["mine"])
        yield cloud
        # Whatever was asked, nothing of it had to be printed.
        assert "Traceback" not in cloud.said()


def port(cloud: LocalCloud, port_of: str) -> int:
    return cloud.api_port if port_of == "API" else cloud.s3_port


def ask(cloud: LocalCloud, port_of: str, method: str, sent: Sent, body: bytes = b"") -> RawReply:
    number = port(cloud, port_of)
    sent = filled(sent, number)
    target = sent.target + PATHS[port_of]
    length = [f"Content-Length: {len(body)}"] if body else []
    return exchange(number, request(method, target, *sent.headers, *length, body=body))


def explained(reply: RawReply, port_of: str) -> str:
    """The code of an error, which must have the port's one shape."""
    assert not [name for name in reply.headers if name.lower().startswith("access-control-")]
    if port_of == "S3":
        assert reply.headers["Content-Type"] == "application/xml"
        match = re.search(rb"<Error><Code>(\w+)</Code><Message>.+</Message>", reply.body)
        assert match, reply.body
        return match[1].decode()
    assert reply.headers["Content-Type"] == "application/json"
    (error,) = json.loads(reply.body).values()
    assert set(error) == {"code", "message", "details"}
    return str(error["code"])


@pytest.mark.parametrize(
    ("accepted", "is_compressed"),
    [("gzip, deflate, br", True), ("*", True), ("gzip;q=0, br", False), ("br", False)],
)
def test_long_answers_are_compressed_for_who_takes_that(
    cloud: LocalCloud, accepted: str, is_compressed: bool
) -> None:
    for target in ("/api/openapi.json", "/"):
        headers = (HOST, f"Accept-Encoding: {accepted}")
        reply = exchange(cloud.api_port, request("GET", target, *headers))
        plain = exchange(cloud.api_port, request("GET", target, HOST))
        assert (reply.headers["Content-Encoding"] == "gzip") is is_compressed
        body = gzip.decompress(reply.body) if is_compressed else reply.body
        assert body == plain.body
        assert int(reply.headers["Content-Length"]) == len(reply.body)
    short = exchange(cloud.api_port, request("GET", "/api/session", HOST, "Accept-Encoding: gzip"))
    assert short.headers["Content-Encoding"] is None


@PORTS
@pytest.mark.parametrize("sent", OWN, ids=lambda sent: sent.who)
def test_programs_and_the_own_page_are_answered(
    cloud: LocalCloud, port_of: str, sent: Sent
) -> None:
    reply = ask(cloud, port_of, "GET", sent)
    if "bucket" in str(sent.headers) or "s3." in str(sent.headers):
        assert reply.status != 403  # S3 looks for the bucket that stands in front
    else:
        assert reply.status == 200
        assert b"mine" in reply.body


@PORTS
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("sent", FOREIGN, ids=lambda sent: sent.who)
def test_other_pages_and_other_names_are_refused(
    cloud: LocalCloud, port_of: str, sent: Sent, method: str
) -> None:
    reply = ask(cloud, port_of, method, sent, EVIL if method in ("POST", "PUT") else b"")
    assert reply.status == 403
    assert explained(reply, port_of) in ("forbidden", "AccessDenied")
    assert cloud.plain("GET", "mine.yaml") == MINE


@PORTS
def test_no_preflight_is_answered(cloud: LocalCloud, port_of: str) -> None:
    for origin in ("https://evil.example", f"http://localhost:{port(cloud, port_of)}"):
        asked = (f"Host: localhost:{port(cloud, port_of)}", f"Origin: {origin}")
        wanted = ("Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: x")
        reply = ask(cloud, port_of, "OPTIONS", Sent("", (*asked, *wanted)))
        assert reply.status in (403, 405)
        assert explained(reply, port_of)


def test_nothing_that_s3_answers_lets_another_origin_read_it(cloud: LocalCloud) -> None:
    rule = {"AllowedMethods": ["GET", "PUT"], "AllowedOrigins": ["*"]}
    cloud.s3().put_bucket_cors(Bucket="orchestrator-dags", CORSConfiguration={"CORSRules": [rule]})
    own = Sent(
        "", (f"Host: localhost:{cloud.s3_port}", f"Origin: http://localhost:{cloud.s3_port}")
    )
    reply = ask(cloud, "S3", "GET", own)
    assert reply.status == 200
    assert not [name for name in reply.headers if name.lower().startswith("access-control-")]


def test_an_object_that_is_opened_in_a_browser_has_an_origin_of_its_own(cloud: LocalCloud) -> None:
    reply = ask(cloud, "S3", "GET", Sent("", (HOST, "Sec-Fetch-Site: none")))
    assert reply.headers["Content-Security-Policy"].startswith("sandbox")
    assert "allow-scripts" not in reply.headers["Content-Security-Policy"]


MOTO_BY_CREDENTIAL = (
    "Authorization: AWS4-HMAC-SHA256 Credential=a/20260101/amazonaws.com/motoapi/aws4_request,"
    " SignedHeaders=host, Signature=0"
)


@pytest.mark.parametrize(
    "target",
    [
        "/moto-api",
        "/moto-api/",
        "/moto-api/data.json",
        "/moto-api/reset",
        "/moto-api/config",
        "/moto-api/seed?a=1",
        "/%6doto-api/reset",
        "/%2Fmoto-api/reset",
        "//moto-api/reset",
        "/latest/meta-data/iam/security-credentials/x",
        "/latest/api/token",
        "http://localhost/moto-api/reset",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
@pytest.mark.parametrize("headers", [(HOST,), (HOST, MOTO_BY_CREDENTIAL)], ids=["plain", "signed"])
def test_motos_own_interface_is_closed(
    cloud: LocalCloud, target: str, method: str, headers: tuple[str, ...]
) -> None:
    reply = exchange(cloud.s3_port, request(method, target, *headers, "Content-Length: 0"))
    assert reply.status >= 400
    assert explained(reply, "S3")
    assert cloud.plain("GET", "mine.yaml") == MINE


NO_REQUESTS = {
    "a longer line than is read": (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
    "a header that is too long": (request("GET", "/", HOST, "X: " + "a" * 70_000), 431),
    "a header name that is too long": (request("GET", "/", HOST, "X" * 70_000 + ": a"), 431),
    "too many headers": (request("GET", "/", HOST, *(f"X{n}: 1" for n in range(200))), 431),
    "a greeting of TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 x\r\n\r\n", 400),
    "one word": (b"GET\r\n\r\n", 400),
    "four words": (b"GET / x HTTP/1.1\r\n\r\n", 400),
    "no version": (b"GET /\r\n\r\n", 400),
    "a version that is none": (b"GET / HTTP/one\r\n\r\n", 400),
    "another protocol": (b"GET / SPDY/1.1\r\n\r\n", 400),
    "a later version": (b"GET / HTTP/2.0\r\nHost: localhost\r\n\r\n", 505),
    "a method that is no word": (request("G@T", "/", HOST), 400),
    "a target that is none": (request("GET", "api/dags", HOST), 400),
    "an authority as target": (request("CONNECT", "localhost:80", HOST), 400),
    "another scheme": (request("GET", "ftp://localhost/", HOST), 400),
    "no host": (request("GET", "/"), 400),
    "two hosts": (request("GET", "/", HOST, HOST), 400),
    "a space before the colon": (request("GET", "/", HOST, "Origin : http://evil.example"), 400),
    "a line without a colon": (request("GET", "/", HOST, "what", "Origin: http://evil"), 400),
    "a header over two lines": (request("GET", "/", HOST, "X: a\r\n b"), 400),
    "a first line that goes on another": (request("GET", "/", " X: a", HOST), 400),
    "a negative length": (request("POST", "/", HOST, "Content-Length: -1"), 400),
    "a length that is no number": (request("POST", "/", HOST, "Content-Length: ten"), 400),
    "a length with a sign": (request("POST", "/", HOST, "Content-Length: +1"), 400),
    "a length in other digits": (request("POST", "/", HOST, "Content-Length: \xb2"), 400),
    "an empty length": (request("POST", "/", HOST, "Content-Length: "), 400),
    "two lengths": (request("POST", "/", HOST, "Content-Length: 1", "Content-Length: 2"), 400),
    "a list of lengths": (request("POST", "/", HOST, "Content-Length: 1, 1"), 400),
    "a length that no body has": (request("POST", "/", HOST, "Content-Length: 9" + "0" * 15), 413),
    "a length that no number has": (request("POST", "/", HOST, "Content-Length: " + "9" * 99), 400),
    "a length and chunks": (
        request("POST", "/", HOST, "Content-Length: 5", "Transfer-Encoding: chunked"),
        400,
    ),
    "chunks that are packed": (request("POST", "/", HOST, "Transfer-Encoding: gzip, chunked"), 400),
    "another coding": (request("POST", "/", HOST, "Transfer-Encoding: gzip"), 400),
}


@PORTS
@pytest.mark.parametrize("what", NO_REQUESTS)
def test_what_is_no_request_is_refused_in_the_one_error_shape(
    cloud: LocalCloud, port_of: str, what: str
) -> None:
    sent, status = NO_REQUESTS[what]
    reply = exchange(port(cloud, port_of), sent)
    assert reply.status == status
    assert explained(reply, port_of)
    assert reply.headers["Connection"] == "close"


@PORTS
@pytest.mark.parametrize("method", ["PROPFIND", "TRACE", "OPTIONS", "BREW", "get", "x-y"])
def test_an_unknown_method_is_refused_in_the_one_error_shape(
    cloud: LocalCloud, port_of: str, method: str
) -> None:
    reply = ask(cloud, port_of, method, Sent("", (HOST,)))
    assert reply.status == 405 if (port_of, method) != ("S3", "OPTIONS") else 403
    assert explained(reply, port_of)
    assert port_of == "S3" or reply.headers["Allow"] == "GET"


@pytest.mark.parametrize("path", ["/" + "a/" * 40, "*", "/[", "/%00", "/api/" + "d" * 60_000])
@pytest.mark.parametrize("headers", [(), ("Authorization: \xe4",), ("Authorization: x",)])
def test_a_path_that_is_not_there_has_the_one_error_shape(
    cloud: LocalCloud, path: str, headers: tuple[str, ...]
) -> None:
    reply = exchange(cloud.api_port, request("GET", path, HOST, *headers))
    assert (reply.status, explained(reply, "API")) == (404, "not_found")


@PORTS
def test_the_answer_is_seen_by_who_still_sends_a_large_body(
    cloud: LocalCloud, port_of: str
) -> None:
    body = b"x" * 8_000_000
    sent = Sent("", ("Host: evil.example", "Content-Type: text/plain"))
    assert ask(cloud, port_of, "POST", sent, body).status == 403


def chunked(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (*pieces, b""))


def test_a_body_in_chunks_is_read_to_its_end_and_is_no_next_request(cloud: LocalCloud) -> None:
    kind = "Content-Type: application/yaml"
    headers = (HOST, kind, "Transfer-Encoding: chunked")
    body = chunked(MINE[:5].encode(), MINE[5:].encode())
    reply = exchange(cloud.api_port, request("POST", "/api/dags/validate", *headers, body=body))
    assert reply.status == 200
    first = request("POST", "/api/dags/validate", *headers, body=body)
    both = first.replace(b"Connection: close\r\n", b"") + request("GET", "/api/dags", HOST)
    assert exchange(cloud.api_port, both).body.count(b"HTTP/1.1 200") == 1


@pytest.mark.parametrize("body", [b"zz\r\n", b"-1\r\n", b"5\r\nabc", b"3\r\nabcde\r\n"])
@PORTS
def test_chunks_that_cannot_be_read_are_refused(
    cloud: LocalCloud, port_of: str, body: bytes
) -> None:
    path = "/api/dags/validate" if port_of == "API" else "/orchestrator-dags/cut.yaml"
    sent = request("PUT" if port_of == "S3" else "POST", path, HOST, "Transfer-Encoding: chunked")
    with socket.create_connection(
        ("127.0.0.1", port(cloud, port_of)), timeout=HANG_SECONDS
    ) as connection:
        connection.sendall(sent + body)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")


def test_a_body_in_chunks_has_a_limit(cloud: LocalCloud) -> None:
    headers = (HOST, "Content-Type: application/yaml", "Transfer-Encoding: chunked")
    body = chunked(*[b"x" * 1_000_000] * 12)
    reply = exchange(cloud.api_port, request("POST", "/api/dags/validate", *headers, body=body))
    assert (reply.status, explained(reply, "API")) == (413, "content_too_large")


def test_an_upload_that_breaks_off_is_not_stored(cloud: LocalCloud) -> None:
    sent = request("PUT", PATHS["S3"], HOST, "Content-Length: 500", body=EVIL)
    with closing(
        socket.create_connection(("127.0.0.1", cloud.s3_port), timeout=HANG_SECONDS)
    ) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")
    assert cloud.plain("GET", "mine.yaml") == MINE


def reset(connection: socket.socket) -> None:
    """End it as a browser does that is closed: no goodbye, and what comes is refused."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@PORTS
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 1.0])
def test_a_client_that_goes_away_leaves_no_trace(
    cloud: LocalCloud, port_of: str, share: float
) -> None:
    before = len(cloud.said())
    body = ["Content-Length: 900"]
    path = "/api/dags/validate" if port_of == "API" else "/orchestrator-dags/gone.yaml"
    for sent in (
        request("GET", PATHS[port_of], HOST),
        request("POST" if port_of == "API" else "PUT", path, HOST, *body, body=b"x" * 900),
    ):
        for _ in range(5):
            connection = socket.create_connection(
                ("127.0.0.1", port(cloud, port_of)), timeout=HANG_SECONDS
            )
            connection.sendall(sent[: int(len(sent) * share)])
            reset(connection)
    assert ask(cloud, port_of, "GET", Sent("", (HOST,))).status == 200
    assert not re.search("Traceback|ERROR|Error", cloud.said()[before:])


@PORTS
def test_a_client_that_does_not_read_its_answer_leaves_no_trace(
    cloud: LocalCloud, port_of: str
) -> None:
    large = "large.bin"
    cloud.s3().put_object(Bucket="orchestrator-dags", Key=large, Body=b"x" * 30_000_000)
    path = "/api/openapi.json" if port_of == "API" else f"/orchestrator-dags/{large}"
    for _ in range(5):
        connection = socket.create_connection(
            ("127.0.0.1", port(cloud, port_of)), timeout=HANG_SECONDS
        )
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(request("GET", path, HOST))
        connection.recv(10)
        reset(connection)
    assert ask(cloud, port_of, "GET", Sent("", (HOST,))).status == 200
    assert "Traceback" not in cloud.said()


def test_head_of_the_health_is_that_of_get(cloud: LocalCloud) -> None:
    reply = exchange(cloud.api_port, request("HEAD", "/api/health", HOST))
    assert (reply.status, reply.body) == (200, b"")
    assert reply.headers["Content-Type"] == "application/json"
    # One that waits for no more than the head goes on with the same connection.
    twice = request("HEAD", "/api/health", HOST).replace(b"Connection: close\r\n", b"")
    reply = exchange(cloud.api_port, twice + request("GET", "/api/health", HOST))
    assert reply.body.count(b"HTTP/1.1 200") == 1


def test_where_others_may_ask_names_and_addresses_of_the_machine_are_known(
    cloud: LocalCloud,
) -> None:
    """With `--host` every IP address, because no page can have come from one that is ours."""
    other = LocalCloud(cloud.folder / "open")
    process = other.launch("--no-autoreload", "--host", "0.0.0.0")
    try:
        eventually(lambda: "Serving on" in other.said())

        def status(*headers: str) -> int:
            return exchange(other.api_port, request("GET", "/", *headers)).status

        name = socket.gethostname()
        for host in (name, f"{name}:{other.api_port}", "192.168.1.5", "[fd00::1]", "0.0.0.0"):
            assert status(f"Host: {host}") == 200, host
            assert status(f"Host: {host}", f"Origin: http://{host}") == 200, host
            assert status(f"Host: {host}", "Origin: http://evil.example") == 403, host
            assert status(f"Host: {host}", "Sec-Fetch-Site: cross-site") == 403, host
        for host in ("evil.example", f"{name}.evil.example", "192.168.1.5.nip.io", "buildbox2"):
            assert status(f"Host: {host}") == 403, host
        # S3 stays with this machine.
        for host in (name, "192.168.1.5", "0.0.0.0"):
            reply = exchange(other.s3_port, request("GET", "/", f"Host: {host}"))
            assert reply.status == 403, host
    finally:
        process.kill()
        process.wait()
