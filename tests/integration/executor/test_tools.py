"""Tools: fetched, verified, and first on the PATH of a real command; or refused in plain words."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import socket
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib.enums import MaterialKind, Outcome
from chalicelib.errors import OrchestratorError, Unavailable
from chalicelib.executor.materials import archives, downloads
from chalicelib.executor.materials.tar_reader import MOST_AT_ONCE
from chalicelib.messages import Material, Result
from chalicelib.ports import Bucket
from tests.integration.executor.bench_of_one import Bench
from tests.support.fakes import FakeBucket
from tests.support.tool_server import Page, ToolServer

GREET = b'#!/bin/sh\necho "hello from $(basename "$0") $*"\n'


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ToolServer]:
    made = ToolServer(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.certificate))
    with made.running():
        yield made


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sandbox's temporary storage; the cache of an executor begins empty."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


@pytest.fixture
def bench() -> Bench:
    return Bench(allow_private=True)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def tool(url: str, content: bytes, name: str = "greet", path: str = "") -> Material:
    options = {"path": path} if path else {}
    return Material(MaterialKind.TOOL, name, url, sha256(content), options=options)


def refusal(bench: Bench, material: Material) -> Result:
    """The result of a command that must not start."""
    result = bench.run("echo started", materials=[material])
    assert result.outcome is Outcome.FAILED
    assert "started" not in bench.output()
    assert bench.output() == [result.reason]
    return result


def in_archive(bench: Bench, server: ToolServer, content: bytes, path: str) -> Result:
    url = server.serve("/a", Page(content))
    return bench.run("greet it", materials=[tool(url, content, path=path)])


# Single programs


def test_a_program_is_on_the_path_under_its_name(bench: Bench, server: ToolServer) -> None:
    url = server.serve("/greet-v1", Page(GREET))
    result = bench.run("greet you", materials=[tool(url, GREET)])
    assert (result.outcome, bench.output()) == (Outcome.SUCCESS, ["hello from greet you"])


def test_a_tool_comes_before_a_program_of_the_machine(bench: Bench, server: ToolServer) -> None:
    url = server.serve("/ls", Page(GREET))
    bench.run("ls; command -v ls", materials=[tool(url, GREET, "ls")])
    first, where = bench.output()
    assert first == "hello from ls "
    assert where.endswith("/tools/ls")


def test_a_test_finds_the_tools_too(bench: Bench, server: ToolServer) -> None:
    url = server.serve("/greet", Page(b"#!/bin/sh\nexit 1\n"))
    materials = [tool(url, b"#!/bin/sh\nexit 1\n")]
    assert bench.run("true", when="greet", materials=materials).outcome is Outcome.SKIPPED


def test_a_tool_is_fetched_once_and_verified_each_time(
    bench: Bench, server: ToolServer, temporary: Path
) -> None:
    materials = [tool(server.serve("/greet", Page(GREET)), GREET)]
    bench.run("greet a", materials=materials)
    bench.run("greet b", materials=materials)
    assert server.seen == ["/greet"]
    [cached] = temporary.glob(f"orchestrator-materials-*/{sha256(GREET)}")
    cached.write_bytes(b"#!/bin/sh\necho evil\n")
    assert bench.run("greet c", materials=materials).outcome is Outcome.SUCCESS
    assert bench.output() == ["hello from greet c"]
    assert server.seen == ["/greet", "/greet"]


def test_a_command_that_changes_its_tool_changes_nobody_elses(
    bench: Bench, server: ToolServer
) -> None:
    materials = [tool(server.serve("/greet", Page(GREET)), GREET)]
    bench.run('echo "echo evil" > "$(command -v greet)"', materials=materials)
    bench.run("greet", materials=materials)
    assert bench.output() == ["hello from greet "]


def test_nothing_of_a_tool_is_left_but_the_cache(
    bench: Bench, server: ToolServer, temporary: Path
) -> None:
    bench.run("greet", materials=[tool(server.serve("/greet", Page(GREET)), GREET)])
    assert [path.name for path in temporary.iterdir()] == [f"orchestrator-materials-{os.geteuid()}"]


def test_a_redirect_is_followed(bench: Bench, server: ToolServer) -> None:
    server.serve("/real?token=x", Page(GREET))
    server.serve("/second", Page(status=307, headers={"Location": "/real?token=x"}))
    url = server.serve("/first", Page(status=302, headers={"Location": f"{server.url}/second"}))
    assert bench.run("greet", materials=[tool(url, GREET)]).outcome is Outcome.SUCCESS


def test_a_tool_without_a_stated_length_is_read_to_its_end(
    bench: Bench, server: ToolServer
) -> None:
    url = server.serve("/greet", Page(GREET, length=None))
    assert bench.run("greet", materials=[tool(url, GREET)]).outcome is Outcome.SUCCESS


# What is refused for good


def test_a_wrong_checksum_is_refused_for_good(bench: Bench, server: ToolServer) -> None:
    url = server.serve("/greet", Page(b"#!/bin/sh\necho evil\n"))
    result = refusal(bench, tool(url, GREET))
    assert result.is_permanent
    assert result.reason == (
        f"the tool `greet` has the SHA-256 {sha256(server.pages['/greet'].body)}, "
        f"expected {sha256(GREET)}"
    )


@pytest.mark.parametrize("status", [404, 410, 401, 403, 400, 204, 206, 304])
def test_an_address_without_the_tool_is_refused_for_good(
    bench: Bench, server: ToolServer, status: int
) -> None:
    url = server.serve("/greet", Page(status=status, length=None if status < 400 else -1))
    result = refusal(bench, tool(url, GREET))
    assert (result.is_permanent, result.is_transient) == (True, False)
    hint = "; check its url" if status in (404, 410) else ""
    assert result.reason == f"the tool `greet`: localhost answered {status}{hint}"


@pytest.mark.parametrize("scheme", ["http", "ftp", "file", "s3"])
def test_a_redirect_to_anything_but_https_is_refused(
    bench: Bench, server: ToolServer, scheme: str
) -> None:
    location = f"{scheme}://localhost:1/token"
    url = server.serve("/greet", Page(status=302, headers={"Location": location}))
    result = refusal(bench, tool(url, GREET))
    assert result.is_permanent
    assert f"would be fetched without HTTPS ({scheme}:)" in result.reason
    assert "token" not in result.reason


def test_a_message_cannot_name_plain_http(bench: Bench) -> None:
    result = refusal(bench, tool("http://localhost:1/x", GREET))
    assert "would be fetched without HTTPS (http:)" in result.reason


def test_redirects_without_an_end_are_refused(bench: Bench, server: ToolServer) -> None:
    url = server.serve("/greet", Page(status=302, headers={"Location": "/greet"}))
    result = refusal(bench, tool(url, GREET))
    assert result.is_permanent
    assert "more than 5 redirects" in result.reason


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::ffff:127.0.0.1]", "2130706433"])
def test_a_tool_may_not_come_from_a_private_address(server: ToolServer, host: str) -> None:
    url = server.url.replace("localhost", host)
    result = refusal(Bench(), tool(f"{url}/greet", GREET))
    assert result.is_permanent
    assert "has a private address, and only public ones are allowed" in result.reason
    assert server.seen == []


def test_a_redirect_may_not_lead_to_a_private_address(
    server: ToolServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The first host counts as public; the second is this machine by its own name.
    checked: list[str] = []

    def is_public(address: str) -> bool:
        checked.append(address)
        return len(checked) == 1

    def only_ipv4(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr("chalicelib.executor.public_hosts.is_public", is_public)
    monkeypatch.setattr(socket, "getaddrinfo", only_ipv4)
    url = server.serve("/greet", Page(status=302, headers={"Location": "/inside"}))
    result = refusal(Bench(), tool(url, GREET))
    assert "has a private address" in result.reason
    assert server.seen == ["/greet"]


def test_a_download_that_is_too_large_is_refused(
    bench: Bench, server: ToolServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "MAX_DOWNLOAD_BYTES", 1024 * 1024)
    large = bytes(1024 * 1024 + 1)
    for page in (Page(large, length=None), Page(b"", length=10**12)):
        result = refusal(bench, tool(server.serve("/greet", page), large))
        assert result.is_permanent
        assert result.reason == (
            "the tool `greet` is larger than 1 MiB, the most that is downloaded"
        )


# What may pass


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 425, 429])
def test_a_busy_server_is_asked_again_later(bench: Bench, server: ToolServer, status: int) -> None:
    result = refusal(bench, tool(server.serve("/greet", Page(status=status)), GREET))
    assert (result.is_permanent, result.is_transient) == (False, True)
    assert result.reason == f"the tool `greet`: localhost answered {status}"


def test_a_server_that_is_not_there_is_asked_again_later(bench: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    result = refusal(bench, tool(f"https://127.0.0.1:{port}/x", GREET))
    assert result.is_transient
    assert "127.0.0.1 did not answer: Connection refused" in result.reason


def test_a_server_that_falls_silent_is_asked_again_later(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "CONNECT_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        result = refusal(bench, tool(f"https://127.0.0.1:{listener.getsockname()[1]}/x", GREET))
    assert result.is_transient
    assert "did not answer" in result.reason


def test_a_connection_that_breaks_is_tried_again_later(bench: Bench, server: ToolServer) -> None:
    url = server.serve("/greet", Page(GREET[:5], length=len(GREET)))
    result = refusal(bench, tool(url, GREET))
    assert result.is_transient
    assert result.reason == (
        f"the tool `greet`: the connection ended after 5 of {len(GREET)} bytes"
    )


def test_a_certificate_that_nobody_vouches_for_is_refused(
    bench: Bench, server: ToolServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    result = refusal(bench, tool(server.serve("/greet", Page(GREET)), GREET))
    assert "the certificate of localhost" in result.reason
    assert server.seen == []


# From a bucket


class Sulking(FakeBucket):
    def __init__(self, error: OrchestratorError) -> None:
        super().__init__()
        self._error = error

    def download(self, key: str) -> Iterator[bytes] | None:
        raise self._error


def with_bucket(bucket: Bucket, opened: list[str]) -> Bench:
    def open_bucket(name: str) -> Bucket:
        opened.append(name)
        return bucket

    return Bench(open_bucket=open_bucket)


def test_a_tool_can_come_from_a_bucket() -> None:
    bucket, opened = FakeBucket(), list[str]()
    bucket.put("bin/greet v1?.sh", GREET)
    bench = with_bucket(bucket, opened)
    bench.run("greet", materials=[tool("s3://my-tools/bin/greet v1?.sh", GREET)])
    assert (bench.output(), opened) == (["hello from greet "], ["my-tools"])


def test_an_object_that_is_not_there_is_refused_for_good() -> None:
    result = refusal(with_bucket(FakeBucket(), []), tool("s3://my-tools/greet", GREET))
    assert result.is_permanent
    assert result.reason == "the tool `greet`: there is no `greet` in the bucket `my-tools`"


def test_a_bucket_that_refuses_is_told_from_one_that_is_busy() -> None:
    for error, is_transient in (
        (OrchestratorError("access denied"), False),
        (Unavailable("slow down"), True),
    ):
        result = refusal(with_bucket(Sulking(error), []), tool("s3://my-tools/greet", GREET))
        assert (result.is_transient, result.is_permanent) == (is_transient, not is_transient)
        assert str(error) in result.reason


def test_without_a_role_of_commands_no_bucket_is_read() -> None:
    result = refusal(Bench(), tool("s3://my-tools/greet", GREET))
    assert result.is_permanent
    assert "have no role" in result.reason


# Archives


def tar_of(*entries: tuple[str, bytes | str, int], **links: str) -> bytes:
    """A .tar.gz of files (name, content, mode), and of symbolic links by their names."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content, mode in entries:
            info = tarfile.TarInfo(name)
            info.mode = mode
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
            info.size = len(content) if isinstance(content, bytes) else 0
            tar.addfile(info, io.BytesIO(content if isinstance(content, bytes) else b""))
        for name, target in links.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            tar.addfile(info)
    return buffer.getvalue()


def zip_of(*entries: tuple[str, bytes, int], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A .zip of entries (name, content, mode with the kind)."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content, mode in entries:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            info.compress_type = compression
            archive.writestr(info, content)
    return buffer.getvalue()


def with_type(kind: bytes, name: str = "odd", **fields: Any) -> bytes:
    """A .tar.gz with an entry of another type."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        plain = tarfile.TarInfo("greet")
        plain.size = len(GREET)
        tar.addfile(plain, io.BytesIO(GREET))
        info = tarfile.TarInfo(name)
        info.type = kind
        for field, value in fields.items():
            setattr(info, field, value)
        tar.addfile(info)
    return buffer.getvalue()


def linked_twice() -> bytes:
    """A .tar.gz with a hard link to a symbolic link."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, kind in (("greet", tarfile.SYMTYPE), ("odd", tarfile.LNKTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "greet"
            tar.addfile(info)
    return buffer.getvalue()


LINK = stat.S_IFLNK | 0o777

WHOLE = {
    "tar": tar_of(("./x/bin/greet", GREET, 0o644), ("x/lib/data", b"d", 0o644)),
    "tar with links": tar_of(
        ("x/real", GREET, 0o755), ("x/bin/greet", "../real", 0o777), ("x/other", "bin", 0o777)
    ),
    "tar with a hard link": with_type(tarfile.LNKTYPE, "x/bin/greet", linkname="greet"),
    "zip": zip_of(("x/", b"", 0o40755), ("x/bin/greet", GREET, 0)),
    "zip with a link": zip_of(
        ("x/real", GREET, 0o100755), ("x/bin/greet", b"../real", LINK), ("x/lib", b"bin", LINK)
    ),
    "stored zip": zip_of(("x/bin/greet", GREET, 0), compression=zipfile.ZIP_STORED),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_a_program_of_an_archive_is_on_the_path(
    bench: Bench, server: ToolServer, kind: str
) -> None:
    result = in_archive(bench, server, WHOLE[kind], "x/bin/greet")
    assert (result.outcome, bench.output()) == (Outcome.SUCCESS, ["hello from greet it"])


def test_a_program_finds_what_lies_beside_it_in_its_archive(
    bench: Bench, server: ToolServer
) -> None:
    script = b'#!/bin/sh\ncat "$(dirname "$(readlink -f "$0")")/../lib/data"\n'
    archive = tar_of(("x/bin/greet", script, 0o755), ("x/lib/data", b"beside\n", 0o644))
    in_archive(bench, server, archive, "x/bin/greet")
    assert bench.output() == ["beside"]


HOSTILE: dict[str, tuple[bytes, str]] = {
    "a name with ..": (tar_of(("../evil", b"x", 0o644)), "would lie outside of its folder"),
    "a name with .. within": (tar_of(("a/../../evil", b"x", 0o644)), "would lie outside"),
    "an absolute name": (tar_of(("/tmp/evil", b"x", 0o644)), "would lie outside of its folder"),
    "a zip with ..": (zip_of(("../evil", b"x", 0)), "would lie outside of its folder"),
    "a zip from Windows": (zip_of(("..\\evil", b"x", 0)), "would lie outside of its folder"),
    "a drive": (zip_of(("C:/evil", b"x", 0)), "would lie outside of its folder"),
    "an absolute zip": (zip_of(("/tmp/evil", b"x", 0)), "would lie outside of its folder"),
    "a link out": (tar_of(link="../.."), "the link `link`, which leads outside of its folder"),
    "an absolute link": (tar_of(link="/etc"), "the link `link`, which leads outside"),
    "a zip with a link out": (zip_of(("link", b"../..", LINK)), "which leads outside"),
    "a zip with an absolute link": (zip_of(("link", b"/etc/passwd", LINK)), "leads outside"),
    "a file through a link": (
        tar_of(("a/x", b"", 0o644), ("link", "a", 0o777), ("link/evil", b"x", 0o644)),
        "would be written through a link",
    ),
    "a link by way of a link": (
        tar_of(("a/b/x", b"", 0o644), ("a/up", "..", 0o777), ("out", "a/up/../x", 0o777)),
        "the link `out`, which leads outside of its folder",
    ),
    "links in a circle": (tar_of(a="b", b="a"), "which leads to itself"),
    "a hard link out": (
        with_type(tarfile.LNKTYPE, linkname="../../../etc/passwd"),
        "the link `odd`, which leads outside of its folder",
    ),
    "a hard link through a link": (linked_twice(), "which leads through another link"),
    "a device": (with_type(tarfile.CHRTYPE), "`odd`, which is no file, folder or link"),
    "a pipe": (with_type(tarfile.FIFOTYPE), "`odd`, which is no file, folder or link"),
    "a pipe in a zip": (zip_of(("odd", b"", stat.S_IFIFO)), "which is no file, folder or link"),
    "a name twice": (tar_of(("a", b"x", 0o644), ("a", b"y", 0o644)), "holds `a` twice"),
    "another compression": (
        zip_of(("greet", GREET, 0), compression=zipfile.ZIP_LZMA),
        "compressed in a way that is not supported",
    ),
    "text": (b"not found", "is neither a .tar.gz nor a .zip"),
    "half a tar": (WHOLE["tar"][: len(WHOLE["tar"]) // 2], "is damaged"),
    "half a zip": (WHOLE["zip"][: len(WHOLE["zip"]) // 2], "is damaged"),
    "no tar in the gzip": (gzip.compress(b"hello" * 1000), "is damaged"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_an_archive_that_is_not_safe_is_refused_in_plain_words(
    bench: Bench, server: ToolServer, temporary: Path, kind: str
) -> None:
    content, words = HOSTILE[kind]
    url = server.serve("/a", Page(content))
    result = refusal(bench, tool(url, content, path="greet"))
    assert result.is_permanent
    assert result.reason.startswith("the archive of the tool `greet` ")
    assert words in result.reason
    assert not list(temporary.rglob("evil"))


def bomb_of_zeros(size: int) -> bytes:
    return tar_of(("greet", bytes(size), 0o755))


def a_header_bomb(size: int) -> bytes:
    """Return an archive whose extended header would be read into memory as a whole."""
    buffer = io.BytesIO()
    with gzip.open(buffer, "wb") as file:
        info = tarfile.TarInfo("pax")
        info.type, info.size = tarfile.XHDTYPE, size
        file.write(info.tobuf())
        file.write(bytes(size))
    return buffer.getvalue()


def a_zip_that_lies(size: int) -> bytes:
    """Return an archive that claims to hold less than it does."""
    content = zip_of(("greet", bytes(size), 0))
    claimed = size.to_bytes(4, "little")
    assert content.count(claimed) == 2
    return content.replace(claimed, (size - 1).to_bytes(4, "little"))


@pytest.mark.parametrize(
    "bomb",
    [
        bomb_of_zeros,
        lambda _: a_header_bomb(MOST_AT_ONCE + 1),
        lambda size: zip_of(("greet", bytes(size), 0)),
    ],
    ids=["tar", "header", "zip"],
)
def test_an_archive_that_unpacks_to_too_much_is_refused(
    bench: Bench,
    server: ToolServer,
    monkeypatch: pytest.MonkeyPatch,
    bomb: Callable[[int], bytes],
) -> None:
    monkeypatch.setattr(archives, "MAX_UNPACKED_BYTES", 6 * 1024 * 1024)
    content = bomb(8 * 1024 * 1024)
    assert len(content) < 100_000
    result = refusal(bench, tool(server.serve("/a", Page(content)), content, path="greet"))
    assert result.is_permanent
    assert "unpacks to more than 6 MiB, the most that is allowed" in result.reason


def test_a_zip_that_claims_to_be_smaller_is_refused(bench: Bench, server: ToolServer) -> None:
    content = a_zip_that_lies(300_001)
    result = refusal(bench, tool(server.serve("/a", Page(content)), content, path="greet"))
    assert "is damaged" in result.reason


def test_an_archive_with_too_many_entries_is_refused(
    bench: Bench, server: ToolServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MAX_ENTRIES", 3)
    content = tar_of(*((f"f{n}", b"", 0o644) for n in range(4)))
    result = refusal(bench, tool(server.serve("/a", Page(content)), content, path="f1"))
    assert "holds more than 3 entries" in result.reason


def test_a_program_that_is_not_in_its_archive_is_named_with_what_is(
    bench: Bench, server: ToolServer
) -> None:
    content = tar_of(("jq-1.7/jq", GREET, 0o755), ("jq-1.7/README", b"", 0o644))
    result = refusal(bench, tool(server.serve("/a", Page(content)), content, path="bin/jq"))
    assert result.is_permanent
    assert "has no file `bin/jq`; there are `jq-1.7/jq`" in result.reason
    result = refusal(bench, tool(server.url + "/a", content, path="jq-1.7"))
    assert "has no file `jq-1.7`" in result.reason
